import { codeOf, isSystemCode } from '../base/error-code.js';
import { errorWords } from '../base/error-words.js';
import { ProblemsError } from '../base/problem.js';
import { isPassing, StartError } from '../host/process/start-error.js';
import type { RunTool } from '../host/process/tools.js';
import type { Session } from './session.js';

const firstPauseMs = 100;
const longestPauseMs = 5000;

/** What `degraded` calls it. */
const part = 'start';

/**
 * A VM that has run is not given up because the system lacks processes, descriptors, memory or room for the moment:
 * what its next boot needs is tried again until it works or a stop is asked for. A first boot fails at once, since
 * somebody is there to see it.
 */
export interface Patience {
  /** @returns undefined where a stop was asked for meanwhile @throws what does not pass by itself */
  readonly attempt: <T>(action: () => Promise<T>) => Promise<{ readonly value: T } | undefined>;
  readonly tool: RunTool;
}

type Needs = Pick<Session, 'host' | 'signals' | 'state'>;

export function patienceOf({ host, signals, state }: Needs, isFirstBoot: boolean): Patience {
  const { stop } = signals;
  const abortable: RunTool = (argv, options) => host.run(argv, { ...options, signal: stop });

  async function again<T>(action: () => Promise<T>, troubleOf: (value: T) => string | undefined): Promise<T> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const value = await action();
      const trouble = isFirstBoot || stop.aborted ? undefined : troubleOf(value);
      if (trouble === undefined) {
        if (!stop.aborted) state.degraded(part, undefined);
        return value;
      }
      state.degraded(part, trouble);
      await host.clock.sleep(pauseMs, stop);
    }
  }

  return {
    attempt: async (action) => {
      const outcome = await again(
        async () => {
          if (stop.aborted) return undefined;
          try {
            return { value: await action() };
          } catch (error) {
            return { error };
          }
        },
        (result) => (result !== undefined && 'error' in result ? passingTrouble(result.error) : undefined),
      );
      if (outcome !== undefined && 'error' in outcome) {
        if (stop.aborted && passingTrouble(outcome.error) !== undefined) return undefined;
        throw outcome.error;
      }
      return outcome;
    },
    tool: (argv, options) =>
      again(
        () => abortable(argv, options),
        ({ failure }) =>
          failure !== undefined && isPassing(failure) ? `${argv[0] ?? ''} could not be started: ${failure}` : undefined,
      ),
  };
}

/**
 * What a program, or the host, is not ready for does not pass by itself. What fails at the files that we keep beside the
 * VM, a folder that was removed or a disk that can only be read, is no fault of the VM's, and somebody may put it right.
 */
function passingTrouble(error: unknown): string | undefined {
  const cause = error instanceof ProblemsError ? error.cause : error;
  const isTrouble = cause instanceof StartError ? cause.reason === 'no-resources' : isSystemCode(codeOf(cause));
  if (!isTrouble) return undefined;
  return errorWords(error);
}
