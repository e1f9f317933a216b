import type { Problem } from '../base/problem.js';
import type { Platform } from '../devices/device.js';
import type { Spec, SpecFormat, SpecText } from '../spec/parse-spec.js';
import { readSpec } from '../spec/read.js';
import { loadSpec, type Foresee } from './load-spec.js';
import { lockFileFor, type LockChoice, type LockFile } from './lock-file.js';

/** A file that holds a spec, and the lock file that goes with it. */
export interface SpecChoice extends LockChoice {
  /** How the spec is written. Default: by the extension, else JSON. */
  readonly inputFormat?: SpecFormat | undefined;
}

/** A spec, and the lock file that goes with it. */
export interface LoadedWithLock {
  readonly spec: Spec;
  /** Of a spec that is good nevertheless. */
  readonly warnings: readonly Problem[];
  readonly locked: LockFile | undefined;
}

/** How a spec is loaded. */
export interface LoadingOptions {
  /** Absolute; relative file names start here. */
  readonly workingDirectory: string;
  /** The bhyve that commands are written for where the spec does not say. */
  readonly hostBhyve: Partial<Platform>;
  /** Tell of a spec with faults, besides these, what bhyve will say to its own words. Default: only the faults. */
  readonly foresee?: Foresee | undefined;
  /**
   * What this spec may be a draft of: it is to be the same VM, so what is locked for that stays, unless the draft has a lock
   * file of its own or another name.
   */
  readonly draftOf?: LoadedWithLock | undefined;
}

/**
 * Loads a spec as its lock file keeps it.
 * @throws ProblemsError where either is not good, or cannot be read
 */
export async function loadWithLock(choice: SpecChoice, options: LoadingOptions): Promise<LoadedWithLock> {
  const { workingDirectory } = options;
  return loadTextWithLock(readSpec(choice.config, { workingDirectory, format: choice.inputFormat }), choice, options);
}

/**
 * The same of a text that was read already.
 * @throws ProblemsError where it or the lock file is not good
 */
export async function loadTextWithLock(
  input: SpecText,
  choice: SpecChoice,
  options: LoadingOptions,
): Promise<LoadedWithLock> {
  const { draftOf, ...rest } = options;
  const { hostBhyve, foresee } = rest;
  const own = await lockFileFor(choice, options);
  const lent = own === undefined && choice.lock !== false ? draftOf?.locked : undefined;
  const locked = own ?? lent;
  const { spec, warnings } = await loadSpec(input, { ...hostBhyve, identity: locked?.identity }, foresee);
  if (lent !== undefined && draftOf?.spec.name !== spec.name) return loadTextWithLock(input, choice, rest);
  return { spec, warnings: [...(own?.warnings ?? []), ...warnings], locked };
}
