import { constants } from 'node:os';
import type { ProblemsError } from '../base/problem.js';
import { statusOf, type RunEnd } from '../supervisor/run-end.js';

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
