import type { ProcessIdentity } from '../host/process-identity.js';
import { identify, isStillThere } from '../host/process-identity.js';
import type { Note } from '../host/run-directory.js';
import type { RunState } from '../host/run-state.js';
import type { RunTool } from '../host/tools.js';

/** A bhyve or loader that goes on without its supervisor, which was killed. */
export interface Orphan extends Note {
  /** For a process that has no such number any more. */
  readonly identity: ProcessIdentity;
  /** It holds the lock of the VM: the kernel tells when it has ended. An older vmrun has not given it one. */
  readonly holdsLock: boolean;
}

/** What a run that was killed has left, as its run directory tells it. */
export interface Remains {
  readonly state: RunState | undefined;
  readonly note: Note | undefined;
  /** Somebody has inherited the lock of the VM and lives. */
  readonly hasOrphan: boolean;
}

/**
 * Who goes on without a supervisor. Where somebody holds the VM's lock it is he who wrote the note; a note or state of
 * a dead process is never taken for one that got its number.
 * @returns undefined where there is none; `unknown` where somebody holds the lock and has not said who he is, or where
 * he who said so is gone and something that he started holds it
 */
export async function orphanOf(
  { state, note, hasOrphan }: Remains,
  run: RunTool,
): Promise<Orphan | 'unknown' | undefined> {
  if (!hasOrphan) {
    const left = recorded(state);
    if (left === undefined || !(await isStillThere(left.identity, run))) return undefined;
    // Without the kernel's word, what it runs counts as well.
    const { program } = left.identity;
    const now = program === undefined ? undefined : await identify(left.pid, run);
    return now?.program === program ? { ...left, holdsLock: false } : undefined;
  }
  const left = note === undefined ? recorded(state) : { ...note, identity: identityIn(state, note) };
  if (left === undefined) return 'unknown';
  const now = await identify(left.pid, run);
  const isAnother = left.identity.start !== undefined && left.identity.start !== now?.start;
  return now === undefined || isAnother ? 'unknown' : { ...left, identity: now, holdsLock: true };
}

function recorded(state: RunState | undefined): Omit<Orphan, 'holdsLock'> | undefined {
  const identity = state?.bhyve ?? state?.loader;
  if (state === undefined || identity === undefined) return undefined;
  const role = state.bhyve === undefined ? 'loader' : 'bhyve';
  return { role, pid: identity.pid, boot: state.boot ?? 1, target: state.target ?? 'default', identity };
}

function identityIn(state: RunState | undefined, { role, pid }: Note): ProcessIdentity {
  const known = state?.[role];
  return known?.pid === pid ? known : { pid };
}
