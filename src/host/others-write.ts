import path from 'node:path';
import type { Problem } from '../base/problem.js';
import { shown } from '../base/text.js';
import type { NamedFile } from '../machine/named-files.js';
import { doubtOf, type Doubt, type Looker } from './trust.js';

/**
 * What others than root and this user can change of that which a run does as they say: a spec with its hooks is code of
 * whoever can write it. One problem for each file or folder that is open to them.
 * @param files the spec, its lock file, the programs that it names
 * @param folder where relative names begin
 */
export function othersWrite(
  files: Iterable<NamedFile>,
  folder: string,
  severity: Problem['severity'],
  looker?: Looker,
): readonly Problem[] {
  const problems = new Map<string, Problem>();
  for (const { path: file, owner } of files) {
    const whole = path.resolve(folder, file);
    const doubt = lookedAt(whole, looker);
    if (doubt === undefined || problems.has(doubt.path)) continue;
    const where = doubt.path === whole ? 'it' : printable(doubt.path);
    problems.set(doubt.path, {
      code: 'others-write',
      severity,
      message: `others can change ${owner}, ${printable(file)}, and so what this user runs: ${where} ${doubt.why}`,
      fix: `take the right from others: chmod go-w ${printable(doubt.path)}, or chown it to yourself`,
    });
  }
  return [...problems.values()];
}

const printable = (file: string): string => (/^[ -~]+$/.test(file) ? file : shown(file));

/** What cannot be looked at is told where it is used. */
function lookedAt(file: string, looker: Looker | undefined): Doubt | undefined {
  try {
    return doubtOf(file, looker);
  } catch {
    return undefined;
  }
}
