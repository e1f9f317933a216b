import type { Problem } from '../base/problem.js';
import { success } from '../base/result.js';
import { othersWrite } from '../host/look/others-write.js';
import type { Identity } from '../machine/identity.js';
import { codeFiles, type CodeFile } from '../machine/code-files.js';
import type { NamedFile } from '../machine/named-files.js';
import type { Machine } from '../machine/machine.js';
import { plan } from '../machine/plan.js';
import type { Spec } from '../spec/parse-spec.js';
import { lockFileOf, standardInput } from '../spec/read.js';
import type { LoadingOptions } from './load-with-lock.js';
import { lockPathOf, type LockChoice } from './lock-file.js';

/** The file of the spec. */
export const ownSpec = (path: string): NamedFile => ({ path, owner: 'the spec' });

/** The files that a spec comes from, and those that it will come from once it is locked. */
export function specFiles(choice: LockChoice): readonly NamedFile[] {
  const { config } = choice;
  const beside = config === standardInput ? [] : [ownSpec(config), lockOfSpec(lockFileOf(config))];
  const lock = lockPathOf(choice);
  return lock === undefined ? beside : [...beside, lockOfSpec(lock)];
}

const lockOfSpec = (path: string): NamedFile => ({ path, owner: 'the lock file of the spec' });

/** What is run, and how it is judged. */
interface Judged {
  readonly spec: Spec;
  /** A machine of it that was planned already. */
  readonly machine?: Machine;
  readonly identity: Identity | undefined;
  /** The bhyve program, where one is run that is not the simulator. */
  readonly bhyve: string | undefined;
  /** Words for bhyve beside the spec's. */
  readonly extraArguments?: readonly string[];
  /** Where programs are looked for. */
  readonly searchPath: string | undefined;
  readonly isStrict: boolean;
}

/**
 * What a run does as others say who can change it: the spec, its lock file, the programs and all else that is run. A
 * warning each, or an error.
 */
export function changedByOthers(
  choice: LockChoice,
  { spec, machine, identity, bhyve, extraArguments, searchPath, isStrict }: Judged,
  { workingDirectory, hostBhyve }: Pick<LoadingOptions, 'workingDirectory' | 'hostBhyve'>,
): readonly Problem[] {
  const code = function* (): Generator<CodeFile> {
    yield* specFiles(choice);
    if (bhyve !== undefined) yield { path: bhyve, owner: 'the bhyve program', isProgram: true };
    for (const target of spec.targets) {
      const planned =
        target === machine?.target
          ? success(machine)
          : plan(spec, target, { ...hostBhyve, identity, ...(extraArguments && { extraArguments }) });
      if (!planned.ok) continue;
      const { loader } = planned.value;
      if (bhyve !== undefined && loader !== undefined)
        yield { path: loader.kind, owner: 'the loader', isProgram: true };
      yield* codeFiles(planned.value);
    }
  };
  return othersWrite(code(), { folder: workingDirectory, searchPath, severity: isStrict ? 'error' : 'warning' });
}
