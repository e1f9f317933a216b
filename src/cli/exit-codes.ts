import { constants } from 'node:os';
import type { ProblemsError } from '../base/problem.js';
import type { RunResult } from '../supervisor/run-options.js';
import { statusOf, type RunEnd } from '../explain/run-end.js';

/** vmrun's own failures: sysexits(3). A VM that ran gives bhyve's status instead. */
export const exitCodes = {
  ok: 0,
  usage: 64,
  spec: 65,
  unreadable: 66,
  host: 69,
  internal: 70,
  system: 71,
  'cannot-create': 73,
  'in-use': 75,
} as const;

export const problemsExitCode = ({ kind }: ProblemsError): number => exitCodes[kind];

/** bhyve's own status, or 128 + n for a signal, as shells have it. */
export const endExitCode = (end: RunEnd): number =>
  end.kind === 'killed' ? 128 + constants.signals[end.signal] : (statusOf(end) ?? exitCodes.internal);

/** bhyve's "error", for a run that is none of the guest's doing and has no failing status of its own. */
const failed = 4;

/**
 * For those who take 0 for well done and everything else for failed: 0 where the run ended as somebody asked, or as the
 * guest wished. Who suspends a guest wants to resume it, and no other boot in between. A guest that reboots too often
 * has a status of 0 with bhyve, and is no success.
 */
export function serviceExitCode({ end, because }: Pick<RunResult, 'end' | 'because'>): number {
  if (end === undefined || because === 'asked') return exitCodes.ok;
  const isDone = end.kind === 'powered-off' || end.kind === 'halted' || end.kind === 'suspended';
  if (isDone && because !== 'restart-limit') return exitCodes.ok;
  const code = endExitCode(end);
  return because === 'restart-limit' && code === exitCodes.ok ? failed : code;
}
