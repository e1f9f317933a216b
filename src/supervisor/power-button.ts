import type { Host } from '../host/host.js';
import { isProven, isStillChild } from '../host/process-identity.js';
import { signalProcess } from '../host/signal-process.js';
import type { Orphan } from './orphan.js';

/** A process that runs a VM, or loads one. */
export interface VmProcess {
  readonly pid: number;
  /** It is this process that has the number, and no other. */
  readonly isThere: () => boolean | Promise<boolean>;
  /** False where it is there no more; nobody else is signalled. */
  readonly kill: (signal: NodeJS.Signals) => boolean | Promise<boolean>;
}

/** One that is no child of ours: it is looked at right before each signal. */
export function orphanProcess({ pid, identity, vmLock }: Orphan, { run }: Pick<Host, 'run'>): VmProcess {
  const isThere = (): Promise<boolean> => isProven(identity, vmLock, run);
  return { pid, isThere, kill: async (signal) => (await isThere()) && signalProcess(pid, signal) };
}

/**
 * SIGTERM to what runs the guest. In monitor mode that is a child; a SIGTERM to its parent would end both at once.
 * @param isOver it has ended meanwhile
 */
export async function pressPowerButton(
  { pid, isThere, kill }: VmProcess,
  isMonitored: boolean,
  { childrenOf }: Pick<Host, 'childrenOf'>,
  isOver: () => boolean = () => false,
): Promise<void> {
  const children = isMonitored && (await isThere()) ? await childrenOf(pid) : [];
  if (isOver()) return;
  const heard = children.filter((child) => isStillChild(child, pid) && signalProcess(child, 'SIGTERM'));
  if (heard.length === 0) await kill('SIGTERM');
}
