import type { Problem } from '../base/problem.js';
import { describeSystemError, systemError } from '../host/errno.js';
import { processStart } from '../host/process-identity.js';
import { whoRuns, type HeldRunDirectory, type RunState } from '../host/run-directory.js';
import type { RunTool } from '../host/tools.js';
import type { HostView } from '../host/view.js';
import type { Machine } from '../machine/machine.js';

/** Where runs are written down; a host that was captured elsewhere has no such place here. */
export interface RunRecords {
  /** Folder of the run directories. */
  readonly base: string;
  readonly run: RunTool;
}

/**
 * What keeps this process from being the supervisor of a VM name, for somebody who only looks: `claim` would say the
 * same. Another supervisor or an orphan is told alone, since its VM is there by right.
 */
export async function nameProblems(
  { name, isLoadedByOthers }: Pick<Machine, 'name' | 'isLoadedByOthers'>,
  view: Pick<HostView, 'vms' | 'system'>,
  records: RunRecords | undefined,
): Promise<readonly Problem[]> {
  const holders = records === undefined ? [] : await recordedHolders(name, records);
  if (holders.some(({ severity }) => severity === 'error')) return holders;
  const vms = await view.vms();
  if (!vms.ok) return [...holders, unknownVms(name, vms.error)];
  const isThere = vms.value.includes(name);
  if (isThere && !isLoadedByOthers) return [...holders, vmExists(name)];
  return !isThere && isLoadedByOthers && view.system === 'freebsd' ? [...holders, notLoaded(name)] : holders;
}

async function recordedHolders(name: string, { base, run }: RunRecords): Promise<readonly Problem[]> {
  let holder;
  try {
    holder = whoRuns(base, name);
  } catch (error) {
    return [unknownHolder(base, describeSystemError(systemError(error)))];
  }
  if ('heldBy' in holder) return [runElsewhere(holder)];
  const pid = await orphanOf(holder.leftState, run);
  return pid === undefined ? [] : [orphaned(pid, holder.leftState)];
}

/** The pid of what a dead supervisor left running: the same process, not one that got its number. */
export async function orphanOf(state: RunState | undefined, run: RunTool): Promise<number | undefined> {
  const left = state?.bhyve ?? state?.loader;
  if (left === undefined) return undefined;
  const start = await processStart(left.pid, run);
  return start !== undefined && start === left.start ? left.pid : undefined;
}

export const runElsewhere = ({ heldBy }: HeldRunDirectory): Problem => ({
  code: 'in-use',
  severity: 'error',
  message: `this VM is run by ${heldBy === '' ? 'another vmrun' : heldBy}`,
  fix: 'stop that one first; nothing was changed',
});

export const orphaned = (pid: number, state: RunState | undefined): Problem => ({
  code: 'orphan',
  severity: 'error',
  message: `${state?.loader === undefined ? 'this VM' : 'a loader of this VM'} still runs as process ${pid}; its supervisor, process ${state?.supervisor ?? 0}, is gone`,
  fix: `shut the guest down, or end it with --force (or: kill ${pid})`,
});

export const vmExists = (name: string): Problem => ({
  code: 'vm-exists',
  severity: 'error',
  message: `/dev/vmm/${name} is there already: another program runs this VM, or one that did left it behind`,
  fix: `if nothing runs it: bhyvectl --vm=${name} --destroy, or vmrun --force`,
});

export const notLoaded = (name: string): Problem => ({
  code: 'not-loaded',
  severity: 'error',
  message: `/dev/vmm/${name} is not there: with loader "none" somebody else loads the guest before each boot`,
  fix: 'load it first, or let vmrun do it with e.g. "loader": {"kind": "bhyveload"}',
});

const unknownVms = (name: string, error: string): Problem => ({
  code: 'vm-unknown',
  severity: 'warning',
  message: `whether /dev/vmm/${name} is there is not known: ${error}`,
  fix: 'look as root',
});

const unknownHolder = (base: string, error: string): Problem => ({
  code: 'in-use-unknown',
  severity: 'warning',
  message: `whether this VM runs is not known: cannot look into ${base}: ${error}`,
  fix: 'look as the user who runs it, or name another folder with --run-dir',
});
