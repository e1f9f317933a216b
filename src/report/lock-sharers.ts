import path from 'node:path';
import { ProblemsError, type Problem } from '../base/problem.js';
import { listWords } from '../base/text.js';
import { parseSpec } from '../spec/parse-spec.js';
import { lockFileOf, readSpec, specExtensions, type ReadOptions } from '../spec/read.js';

/**
 * The other specs of a folder whose lock file is this one: `web.yaml` beside `web.json`. What has such a name and is no
 * spec (another tool's `web.conf`) is none of them.
 */
export async function lockSharers(
  config: string,
  { workingDirectory }: Pick<ReadOptions, 'workingDirectory'>,
): Promise<readonly string[]> {
  const folder = path.dirname(config);
  const stem = path.basename(config, path.extname(config));
  const names = ['', ...specExtensions].map((extension) => stem + extension).filter((name) => isOther(name, config));
  const found = await Promise.all(
    names.map(async (name) => ((await isSpec(path.join(folder, name), workingDirectory)) ? [name] : [])),
  );
  return found.flat();
}

const isOther = (name: string, config: string): boolean =>
  name !== path.basename(config) && path.basename(lockFileOf(name)) === path.basename(lockFileOf(config));

/** What every spec has. */
const telling: readonly string[] = ['/name', '/cpu', '/mem'];

async function isSpec(file: string, workingDirectory: string): Promise<boolean> {
  try {
    const parsed = await parseSpec(readSpec(file, { workingDirectory, isRegular: true }));
    if (!parsed.ok) return false;
    return parsed.problems.every(({ code, place }) => code !== 'required' || !telling.includes(place?.pointer ?? ''));
  } catch (error) {
    if (error instanceof ProblemsError) return false;
    throw error;
  }
}

const words = (sharers: readonly string[], file: string): Pick<Problem, 'code' | 'message' | 'fix'> => ({
  code: 'lock-shared',
  message: `${file} is the lock file of ${listWords(sharers)} too`,
  fix: 'give each spec a name of its own, or its own lock file with --lock FILE',
});

/** Two VMs would be known by one identity. */
export async function sharedLockWarnings(
  config: string,
  file: string,
  context: Pick<ReadOptions, 'workingDirectory'>,
): Promise<readonly Problem[]> {
  const sharers = await lockSharers(config, context);
  return sharers.length === 0 ? [] : [{ ...words(sharers, file), severity: 'warning' }];
}

/** @throws ProblemsError `spec` where another spec has the same lock file */
export async function refuseSharedLock(
  config: string,
  file: string,
  context: Pick<ReadOptions, 'workingDirectory'>,
): Promise<void> {
  const sharers = await lockSharers(config, context);
  if (sharers.length > 0) throw new ProblemsError('spec', config, [{ ...words(sharers, file), severity: 'error' }]);
}
