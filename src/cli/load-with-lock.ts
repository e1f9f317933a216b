import type { Problem } from '../base/problem.js';
import type { Platform } from '../devices/device.js';
import type { Spec, SpecFormat } from '../spec/parse-spec.js';
import { readSpec } from '../spec/read.js';
import type { Context } from './context.js';
import { loadSpec, type Foresee } from './load-spec.js';
import { lockFileFor, type LockChoice, type LockFile } from './lock-file.js';

/** A spec, and the lock file that goes with it. */
export interface LoadedWithLock {
  readonly spec: Spec;
  /** Of a spec that is good nevertheless. */
  readonly warnings: readonly Problem[];
  readonly locked: LockFile | undefined;
}

/**
 * Loads the spec that a command line names, as its lock file keeps it.
 * @param platform what the command is written for where the spec does not say. Default: this host's
 * @throws ProblemsError where either is not good, or cannot be read
 */
export async function loadWithLock(
  choice: LockChoice & { readonly inputFormat?: SpecFormat | undefined },
  context: Context,
  platform: Partial<Platform> = context.hostBhyve,
  foresee?: Foresee,
): Promise<LoadedWithLock> {
  const input = readSpec(choice.config, { workingDirectory: context.workingDirectory, format: choice.inputFormat });
  const locked = await lockFileFor(choice, context);
  const { spec, warnings } = await loadSpec(input, { ...platform, identity: locked?.identity }, foresee);
  return { spec, warnings: [...(locked?.warnings ?? []), ...warnings], locked };
}
