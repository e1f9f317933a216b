import { constants, promises as files } from 'node:fs';
import { unreachable } from '../../base/unreachable.js';
import type { Problem } from '../../base/problem.js';
import { describeSystemError, systemError } from '../errno.js';
import { commandOf, type HostAction, type HostFix, type Undo } from '../look/findings.js';
import type { Ledger } from './ledger.js';
import { describeFailure } from '../process/tool-answer.js';
import type { RunTool, ToolResult } from '../process/tools.js';

/** How a fix went. Whether the host is ready now is for the next check to say. */
export type FixOutcome =
  | { readonly kind: 'fixed' }
  | {
      readonly kind: 'failed';
      readonly problem: Problem;
      /** What kept it from being written down, where nothing was tried for that. */
      readonly unwritten?: unknown;
    };

/**
 * Fixes one thing. How to take it back is on disk before anything is changed, so that a crash between the two leaves
 * an entry too many, never a change that nobody knows of.
 */
export async function applyFix(
  fix: HostFix,
  { run, ledger }: { readonly run: RunTool; readonly ledger: Ledger },
): Promise<FixOutcome> {
  let id: number | undefined;
  try {
    if (fix.undo !== undefined) id = await ledger.record(fix.undo);
  } catch (error) {
    return { ...failed(fix, `nothing was changed, since ${notWritten(ledger, error)}`), unwritten: error };
  }
  const failure = await act(fix.action, run);
  if (failure === undefined) return { kind: 'fixed' };
  if (id === undefined || !changedNothing(fix.undo, failure.result)) return failed(fix, failure.error);
  try {
    await ledger.settle(id);
    return failed(fix, failure.error);
  } catch (error) {
    return failed(fix, `${failure.error}; ${notWritten(ledger, error)}`);
  }
}

const notWritten = ({ path }: Ledger, error: unknown): string =>
  `${path} cannot be written: ${describeSystemError(systemError(error))}`;

interface Failure {
  readonly error: string;
  readonly result?: ToolResult;
}

async function act(action: HostAction, run: RunTool): Promise<Failure | undefined> {
  switch (action.kind) {
    case 'run': {
      const result = await run(action.argv);
      return result.exitCode === 0 ? undefined : { error: describeFailure(result), result };
    }
    case 'remove-socket':
      return removeSocket(action);
    case 'copy-file':
      return copyNew(action);
    default:
      return unreachable(action);
  }
}

async function removeSocket({ path, device, inode }: Extract<HostAction, { readonly kind: 'remove-socket' }>) {
  try {
    const stats = await files.lstat(path, { bigint: true });
    if (!stats.isSocket() || String(stats.dev) !== device || String(stats.ino) !== inode) {
      return { error: `${path} is not the file that was looked at` };
    }
    await files.unlink(path);
    return undefined;
  } catch (error) {
    const failure = systemError(error);
    return failure.code === 'ENOENT' ? undefined : { error: `cannot remove ${path}: ${describeSystemError(failure)}` };
  }
}

async function copyNew({
  from,
  to,
}: Extract<HostAction, { readonly kind: 'copy-file' }>): Promise<Failure | undefined> {
  try {
    await files.copyFile(from, to, constants.COPYFILE_EXCL);
    // What a package installs may be read-only.
    await files.chmod(to, (await files.stat(to)).mode | constants.S_IRUSR | constants.S_IWUSR);
    return undefined;
  } catch (error) {
    return { error: `cannot copy ${from} to ${to}: ${describeSystemError(systemError(error))}` };
  }
}

/**
 * An interface that `ifconfig create` refused to make is somebody else's, and must not be destroyed in the end; the
 * same is true of a member that a bridge refused. Where nobody knows (a time-out, a card that was taken from its driver and not given to ppt) the entry stays.
 */
const changedNothing = (undo: Undo | undefined, result: ToolResult | undefined): boolean =>
  result !== undefined &&
  (result.failure === 'ENOENT' ||
    ((undo?.kind === 'destroy-interface' || undo?.kind === 'remove-member') && result.exitCode !== undefined));

const failed = ({ action, subject, place }: HostFix, message: string): Extract<FixOutcome, { kind: 'failed' }> => ({
  kind: 'failed',
  problem: {
    code: 'fix-failed',
    severity: 'error',
    message,
    fix: `run it by hand and start again: ${commandOf(action)}`,
    subject,
    ...(place === undefined ? {} : { place }),
  },
});
