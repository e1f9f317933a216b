import { ProblemsError } from '../../base/problem.js';
import { programEnvironment } from '../process/environment.js';
import { refuseUnstartable } from '../process/program.js';

/** On a system that has none; for whoever has not named a bhyve. */
export const noBhyve = (
  platform: string,
  fix = 'try the spec with --simulate, or look at the command with --dry-run',
): ProblemsError =>
  new ProblemsError('host', 'this system', [
    {
      code: 'no-bhyve',
      severity: 'error',
      message: `bhyve runs only on FreeBSD, and this system is ${platform}`,
      fix,
    },
  ]);

/** @throws ProblemsError `host` where this system is no FreeBSD and has no program of that name in PATH either */
export function refuseWithoutBhyve(): void {
  if (process.platform === 'freebsd') return;
  try {
    refuseUnstartable('bhyve', programEnvironment().PATH);
  } catch {
    throw noBhyve(process.platform);
  }
}
