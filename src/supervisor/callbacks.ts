import { types } from 'node:util';
import { errorWords } from '../base/error-words.js';
import type { Machine } from '../machine/machine.js';
import type { RunOptions } from './run-options.js';
import type { StateKeeper } from './state-keeper.js';

type Environment = Readonly<Record<string, string>>;

/** What a run calls of its caller's. None of them throws: a VM does not end since somebody's log does. */
export interface Callbacks {
  readonly onStderr: NonNullable<RunOptions['onStderr']>;
  readonly onHookOutput: NonNullable<RunOptions['onHookOutput']>;
  readonly onConsole: ((bytes: Uint8Array) => void) | undefined;
  readonly beforeEnd: NonNullable<RunOptions['beforeEnd']>;
  /** Throws for a first boot alone, since there is no other environment then. */
  readonly env: (machine: Machine) => Environment;
  /** What cannot be asked is not allowed. */
  readonly mayFix: ((...asked: Parameters<NonNullable<RunOptions['mayFix']>>) => Promise<boolean>) | undefined;
}

/** The caller's own, and what one throws, or rejects with, told once as `degraded` under its name. */
export function carefully(options: RunOptions, { degraded }: Pick<StateKeeper, 'degraded'>): Callbacks {
  const { onStderr, onHookOutput, onConsole, beforeEnd, env = {}, mayFix } = options;
  const tell = (part: string, error: unknown): void => {
    degraded(part, errorWords(error));
  };
  const taking =
    <Given extends readonly unknown[]>(part: string, take: ((...given: Given) => unknown) | undefined) =>
    (...given: Given): void => {
      try {
        const outcome = take?.(...given);
        if (types.isPromise(outcome)) {
          outcome.catch((error: unknown) => {
            tell(part, error);
          });
        }
      } catch (error) {
        tell(part, error);
      }
    };
  let lastEnvironment: Environment | undefined;
  return {
    onStderr: taking('onStderr', onStderr),
    onHookOutput: taking('onHookOutput', onHookOutput),
    beforeEnd: taking('beforeEnd', beforeEnd),
    onConsole: onConsole === undefined ? undefined : taking('onConsole', onConsole),
    env: (machine) => {
      try {
        lastEnvironment = typeof env === 'function' ? env(machine) : env;
      } catch (error) {
        if (lastEnvironment === undefined) throw error;
        tell('env', error);
      }
      return lastEnvironment;
    },
    mayFix:
      mayFix &&
      (async (finding, signal) => {
        try {
          return await mayFix(finding, signal);
        } catch (error) {
          tell('mayFix', error);
          return false;
        }
      }),
  };
}
