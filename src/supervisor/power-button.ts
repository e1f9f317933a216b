import type { Child } from '../host/process/child.js';
import type { Host } from '../host/host.js';
import { isChild, isProven, isStillChild, type ProcessIdentity } from '../host/process/process-identity.js';
import { signalProcess } from '../host/process/signal-process.js';
import type { Orphan } from './orphan.js';

/** A process that runs a VM, or loads one. */
export interface VmProcess {
  readonly pid: number;
  /** It is this process that has the number, and no other. */
  readonly isThere: () => boolean | Promise<boolean>;
  /** False where it is there no more; nobody else is signalled. */
  readonly kill: (signal: NodeJS.Signals) => boolean | Promise<boolean>;
}

interface OwnProcess {
  /** As far as it is known by now. */
  readonly identity: () => ProcessIdentity;
  /** The file of the lock that it has inherited. */
  readonly vmLock: string;
}

/**
 * One that we have started. As long as its shell is a child of ours, the number of a child of that is its own; where the
 * shell was killed, it is looked at as one of others is.
 */
export function ownProcess(
  { pid, shell, isWaitedFor }: Pick<Child, 'pid' | 'shell' | 'isWaitedFor'>,
  { identity, vmLock }: OwnProcess,
  { run }: Pick<Host, 'run'>,
): VmProcess {
  const isThere = async (): Promise<boolean> =>
    (isWaitedFor() && (await isChild(pid, shell, run))) || isProven(identity(), vmLock, run);
  return { pid, isThere, kill: async (signal) => (await isThere()) && signalProcess(pid, signal) };
}

/** One that is no child of ours: it is looked at right before each signal. */
export function orphanProcess({ pid, identity, vmLock }: Orphan, { run }: Pick<Host, 'run'>): VmProcess {
  const isThere = (): Promise<boolean> => isProven(identity, vmLock, run);
  return { pid, isThere, kill: async (signal) => (await isThere()) && signalProcess(pid, signal) };
}

/**
 * Signals what runs the guest. In monitor mode that is a child; a SIGTERM to its parent would end both at once.
 * @param isOver it has ended meanwhile
 * @returns false where there is nobody any more
 */
export async function signalGuest(
  { pid, isThere, kill }: VmProcess,
  isMonitored: boolean,
  { childrenOf }: Pick<Host, 'childrenOf'>,
  what: readonly NodeJS.Signals[],
  isOver: () => boolean = () => false,
): Promise<boolean> {
  const children = isMonitored && (await isThere()) ? await childrenOf(pid) : [];
  if (isOver()) return false;
  // A guest may be gone after the first signal: then it was heard, and its monitor must not get the signals in its place.
  const heard = children.filter((child) =>
    what.map((signal) => isStillChild(child, pid) && signalProcess(child, signal)).includes(true),
  );
  if (heard.length > 0) return true;
  for (const signal of what) if (!(await kill(signal))) return false;
  return true;
}

/** SIGTERM, and what makes a bhyve hear it that somebody has stopped: no other can tell whether it is. */
export const powerButton: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGCONT'];
