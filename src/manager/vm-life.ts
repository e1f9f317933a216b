import { ProblemsError, type Problem } from '../base/problem.js';
import { errorWords } from '../base/error-words.js';
import { StartError } from '../host/process/start-error.js';
import type { Identity } from '../machine/identity.js';
import type { Clock } from '../host/clock.js';
import type { Spec } from '../spec/parse-spec.js';
import type { RunEvent } from '../supervisor/events.js';
import type { RequestOutcome } from '../supervisor/requests.js';
import { run } from '../supervisor/run.js';
import type { Run, RunOptions, RunResult } from '../supervisor/run-options.js';
import type { StopRequest } from './manager.js';
import type { LoadedText } from './spec-file.js';

/** How a run ended: its policy, its guest or a stop ended it, or it could not begin or go on. */
export type LifeEnd =
  | { readonly kind: 'ended'; readonly result: RunResult }
  | { readonly kind: 'failed'; readonly problems: readonly Problem[] };

/** A spec that was booted, and what a lock file keeps for it. */
export type BootedSpec = Pick<LoadedText, 'spec' | 'identity'>;

/** A run of a VM in the hands of its manager. */
export interface Life {
  readonly run: Run;
  /** What booted last; undefined before the first boot. */
  readonly booted: () => BootedSpec | undefined;
  /** The same of a bhyve that was taken over; what we have booted ourselves stays. */
  readonly setBooted: (booted: BootedSpec) => void;
  /**
   * Asks for a stop, once the run knows its spec: before, it would end without a look at the bhyve that it is to take over,
   * which would go on.
   */
  readonly stop: (request: StopRequest) => Promise<RequestOutcome>;
  readonly over: Promise<LifeEnd>;
}

export interface LifeOptions {
  /** For this run: those of the manager, and its target. */
  readonly options: RunOptions;
  /** The spec of the next boot. @throws ProblemsError */
  readonly nextSpec: () => Promise<BootedSpec>;
  readonly onEvent: (event: RunEvent) => void;
  readonly clock: Clock;
}

/** Runs a VM; what its file says by the time of a boot holds for that boot. */
export function beginLife({ options, nextSpec, onEvent, clock }: LifeOptions): Life {
  let given: BootedSpec | undefined;
  let booted: BootedSpec | undefined;
  let hasBooted = false;
  const identityOf = (spec: Spec): Identity | undefined => (given?.spec === spec ? given.identity : undefined);
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const vm = run(
    async () => {
      try {
        given = await nextSpec();
        return given.spec;
      } finally {
        answer();
      }
    },
    { ...options, identity: identityOf },
  );
  const told = (async (): Promise<void> => {
    for await (const event of vm.subscribe()) {
      if (event.kind === 'boot') hasBooted = true;
      if (event.kind === 'boot' || event.kind === 'adopted') booted = given;
      onEvent(event);
    }
  })();
  const ended = vm.result.then(
    (result): LifeEnd => ({ kind: 'ended', result }),
    (error: unknown): LifeEnd => ({ kind: 'failed', problems: problemsOf(error) }),
  );
  return {
    run: vm,
    booted: () => booted,
    setBooted: (spec) => {
      if (!hasBooted) booted = spec;
    },
    stop: async (request) => {
      await answered;
      await clock.sleep(0);
      return vm.request({ kind: 'stop', ...request });
    },
    // What it told last is known before it is over.
    over: ended.then(async (end) => {
      await told;
      return end;
    }),
  };
}

export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof ProblemsError) return error.problems;
  if (error instanceof StartError) return [error.problem];
  return [{ code: 'unexpected', severity: 'error', message: errorWords(error) }];
}
