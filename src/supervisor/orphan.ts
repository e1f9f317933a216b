import type { ProcessIdentity } from '../host/process/process-identity.js';
import { identify, isOfEarlierHost, isProven, isStillThere } from '../host/process/process-identity.js';
import type { ProcessEnd } from '../host/process/staying-shell.js';
import type { KnownEnd, RunDirectory } from '../host/run-directory/run-directory.js';
import type { Note } from '../host/run-directory/run-files.js';
import type { RunState } from '../host/run-directory/run-state.js';
import type { RunTool } from '../host/process/tools.js';

/** A bhyve or loader that goes on without its supervisor, which was killed. */
export interface Orphan extends Note {
  /** For a process that has no such number any more. */
  readonly identity: ProcessIdentity;
  /** It holds the lock of the VM: the kernel tells when it has ended. */
  readonly holdsLock: boolean;
  /** The file of that lock. */
  readonly vmLock: string;
  /** It runs no more: its end came after that of its supervisor. */
  readonly ended?: LateEnd;
}

/** An end that no supervisor has lived to see. */
export interface LateEnd {
  /** Undefined where nobody knows: its shell was killed, too. */
  readonly end: ProcessEnd | undefined;
  /** When, by the clock that tells dates; undefined where nobody knows. */
  readonly atMs: number | undefined;
  /** What a supervisor has told of it that was killed then: the kind of the end. */
  readonly told?: string | undefined;
}

/** What a run that was killed has left, as its run directory tells it. */
export interface Remains {
  readonly state: RunState | undefined;
  readonly note: Note | undefined;
  /** Somebody has inherited the lock of the VM and lives. */
  readonly hasOrphan: boolean;
  /** The file of that lock. */
  readonly vmLock: string;
}

/**
 * Who goes on without a supervisor, and is proven to: a note or state of a dead process is never taken for one that got
 * its number.
 * @returns undefined where there is none; `unknown` where somebody holds the lock who cannot be proven to be the one that
 * was started, or where that one is gone and something that it started holds the lock
 */
export async function orphanOf(remains: Remains, run: RunTool): Promise<Orphan | 'unknown' | undefined> {
  const { state, note, hasOrphan, vmLock } = remains;
  const told = hasOrphan && note !== undefined ? [{ ...note, identity: identityIn(state, note) }] : [];
  const candidates = [...told, ...recorded(state)];
  for (const left of candidates) {
    if (!(await isProven(left.identity, vmLock, run))) continue;
    const identity = await identify(left.pid, run);
    if (identity !== undefined) return { ...left, identity, holdsLock: hasOrphan, vmLock };
  }
  if (hasOrphan) return 'unknown';
  // One was started then that nobody has written down the program of.
  for (const { identity } of candidates) if (await isStillThere(identity, run)) return 'unknown';
  return undefined;
}

/** A bhyve that runs no more, of which no supervisor has lived to see the end. */
export interface Ended {
  readonly left: Note & Pick<Orphan, 'identity'>;
  /** Undefined where nobody knows how. */
  readonly end: KnownEnd | undefined;
  /** It has ended with the host, which has been started anew since. */
  readonly isOfEarlierHost: boolean;
  /** What its supervisor has told of it before that was killed: the kind of the end. It is told no more. */
  readonly told: string | undefined;
}

/** @returns undefined where none was left. Ask only where nobody holds the lock of the VM */
export function endedIn({
  leftState,
  readNote,
  readEnd,
}: Pick<RunDirectory, 'leftState' | 'readNote' | 'readEnd'>): Ended | undefined {
  const note = readNote();
  const left = note === undefined ? recorded(leftState)[0] : { ...note, identity: identityIn(leftState, note) };
  if (left?.role !== 'bhyve') return undefined;
  const startedMs = Date.parse(leftState?.bootSince ?? '');
  const told = leftState?.last?.boot === left.boot ? leftState.last.end : undefined;
  return { left, end: readEnd(left), isOfEarlierHost: isOfEarlierHost(left.identity, startedMs), told };
}

/** What the state file says, if it does. */
function recorded(state: RunState | undefined): readonly (Note & Pick<Orphan, 'identity'>)[] {
  const identity = state?.bhyve ?? state?.loader;
  if (state === undefined || identity === undefined) return [];
  const role = state.bhyve === undefined ? 'loader' : 'bhyve';
  return [{ role, pid: identity.pid, boot: state.boot ?? 1, target: state.target ?? 'default', identity }];
}

function identityIn(state: RunState | undefined, { role, pid }: Note): ProcessIdentity {
  const known = state?.[role];
  return known?.pid === pid ? known : { pid };
}
