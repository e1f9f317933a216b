import path from 'node:path';
import type { Problem } from '../../base/problem.js';
import { shown } from '../../base/text.js';
import type { CodeFile } from '../../machine/code-files.js';
import { programFile } from '../process/program.js';
import { doubtOf, readersOf, type Doubt, type Looker } from '../files/trust.js';

interface Surroundings {
  /** Where relative names begin. */
  readonly folder: string;
  /** PATH, where programs are looked for. */
  readonly searchPath?: string | undefined;
  readonly severity: Problem['severity'];
  readonly looker?: Looker;
}

/**
 * What others than root and this user can change of that which a run does as they say: a spec with its hooks is code of
 * whoever can write it. One problem for each file or folder that is open to them, and for each secret that they can read.
 * @param files the spec, its lock file, what it runs
 */
export function othersWrite(files: Iterable<CodeFile>, about: Surroundings): readonly Problem[] {
  const problems = new Map<string, Problem>();
  for (const file of files) {
    const whole = wholePath(file, about);
    if (whole === undefined) continue;
    const doubt = lookedAt(() => doubtOf(whole, about.looker));
    if (doubt !== undefined && !problems.has(doubt.path))
      problems.set(doubt.path, changeable(file, whole, doubt, about));
    const readers = file.isSecret === true ? lookedAt(() => readersOf(whole, about.looker)) : undefined;
    if (readers !== undefined) problems.set(`${whole} read`, readable(file, readers, about));
  }
  return [...problems.values()];
}

function wholePath({ path: file, isProgram }: CodeFile, { folder, searchPath }: Surroundings): string | undefined {
  if (isProgram !== true || file.includes('/')) return path.resolve(folder, file);
  const found = programFile(file, searchPath);
  return found === undefined ? undefined : path.resolve(folder, found);
}

function changeable(
  { path: file, owner, isSecret }: CodeFile,
  whole: string,
  doubt: Doubt,
  about: Surroundings,
): Problem {
  const where = doubt.path === whole ? 'it' : printable(doubt.path);
  const what = isSecret === true ? '' : ', and so what this user runs';
  return {
    code: 'others-write',
    severity: about.severity,
    message: `others can change ${owner}, ${printable(file)}${what}: ${where} ${doubt.why}`,
    fix: `take the right from others: chmod go-w ${printable(doubt.path)}, or chown it to yourself`,
  };
}

const readable = ({ path: file, owner }: CodeFile, { why }: Doubt, { severity }: Surroundings): Problem => ({
  code: 'others-read',
  severity,
  message: `others can read ${owner}, ${printable(file)}: it ${why}`,
  fix: `take the right from others: chmod go-rwx ${printable(file)}`,
});

const printable = (file: string): string => (/^[ -~]+$/.test(file) ? file : shown(file));

/** What cannot be looked at is told where it is used. */
function lookedAt(look: () => Doubt | undefined): Doubt | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
