import path from 'node:path';
import { formatDuration } from '../base/duration.js';
import type { Problem } from '../base/problem.js';
import { describeSystemError, systemError } from '../host/errno.js';
import type { HeldRunDirectory } from '../host/run-directory/run-directory.js';
import { managerIn } from '../host/run-directory/run-files.js';
import { isSimulatedBase } from '../host/run-directory/run-base.js';
import { lookInto, whoRuns } from '../host/run-directory/who-runs.js';
import type { RunTool } from '../host/process/tools.js';
import type { HostView } from '../host/look/view.js';
import type { Machine } from '../machine/machine.js';
import { orphanOf, type Orphan, type Remains } from './orphan.js';

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
    lookInto(base);
    holder = whoRuns(base, name);
  } catch (error) {
    return [unknownHolder(base, describeSystemError(systemError(error)))];
  }
  if (holder.heldBy !== undefined) return [runElsewhere(holder)];
  const orphan = await orphanOf(holder, run);
  return orphan === undefined ? [] : [orphaned(orphan, holder)];
}

/** Somebody who has forced a run to start learns what that has cost a guest. */
export const orphanKilled = (pid: number, stopTimeoutMs: number): Problem => ({
  code: 'orphan-killed',
  severity: 'warning',
  message: `process ${pid}, the bhyve of a run that was killed, was killed too: its guest had not powered off within ${formatDuration(stopTimeoutMs)}`,
});

export const runElsewhere = ({ heldBy }: HeldRunDirectory): Problem => ({
  code: 'in-use',
  severity: 'error',
  message: `this VM is run by ${heldBy === '' ? 'another vmrun' : heldBy}`,
  fix:
    managerIn(heldBy) === undefined
      ? 'stop that one first; nothing was changed'
      : 'have the manager stop it, with vmrun stop; nothing was changed',
});

export function orphaned(orphan: Orphan | 'unknown', { state, vmLock }: Pick<Remains, 'state' | 'vmLock'>): Problem {
  const supervisor = state === undefined ? 'its supervisor' : `its supervisor, process ${state.supervisor},`;
  if (orphan === 'unknown') {
    return {
      code: 'orphan',
      severity: 'error',
      message: `something still runs that was started for this VM, and is not proven to be its bhyve; ${supervisor} is gone`,
      fix: `nothing was signalled; see who has ${vmLock} open with fuser, or what bhyve runs with ps, and end it`,
    };
  }
  const { role, pid } = orphan;
  const again = isSimulatedBase(path.dirname(path.dirname(vmLock))) ? '--simulate ' : '';
  const what = role === 'loader' ? 'a loader of this VM' : 'this VM';
  return {
    code: 'orphan',
    severity: 'error',
    message: `${what} still runs as process ${pid}; ${supervisor} is gone`,
    fix:
      role === 'loader'
        ? `end it with ${again}--force, or wait until it is done (kill ${pid} ends it too)`
        : `take it over with ${again}--adopt, or end it with ${again}--force`,
  };
}

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
