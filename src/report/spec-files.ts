import type { Problem } from '../base/problem.js';
import { othersWrite } from '../host/others-write.js';
import type { Identity } from '../machine/identity.js';
import { filesOfTargets, type NamedFile } from '../machine/named-files.js';
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

/** What a run does as others say who can change it: the spec, its lock file, hooks. A warning each, or an error. */
export function changedByOthers(
  choice: LockChoice,
  { spec, identity }: { readonly spec: Spec; readonly identity: Identity | undefined },
  { workingDirectory, hostBhyve }: LoadingOptions,
  isStrict: boolean,
): readonly Problem[] {
  const named = function* (): Generator<NamedFile> {
    yield* specFiles(choice);
    for (const file of filesOfTargets(spec, { ...hostBhyve, identity }))
      if (file.owner.startsWith('hook ') && file.isArgument !== true && file.path.includes('/'))
        yield { ...file, owner: `the program of ${file.owner}` };
  };
  return othersWrite(named(), workingDirectory, isStrict ? 'error' : 'warning');
}
