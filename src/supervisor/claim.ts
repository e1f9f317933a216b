import { ProblemsError, type Problem } from '../base/problem.js';
import { formatDuration } from '../base/duration.js';
import type { Host } from '../host/host.js';
import { processStart } from '../host/process-identity.js';
import { openRunDirectory, type RunDirectory, type RunState } from '../host/run-directory.js';
import { signalProcess } from '../host/signal-process.js';

export interface ClaimOptions {
  readonly host: Host;
  /** Folder of the run directories. */
  readonly base: string;
  /** End and destroy what an earlier run left; never what another supervisor runs. */
  readonly force: boolean;
  /** How long an orphan may take to power off. */
  readonly stopTimeoutMs: number;
  /** Somebody else has loaded the VM, so it is right that it is there. */
  readonly isLoadedByOthers: boolean;
}

/**
 * Makes this process the one supervisor of a VM name: takes the run directory, and sees to what a run that was killed
 * has left, a bhyve or loader without supervisor or `/dev/vmm/NAME`.
 * @throws ProblemsError `in-use`, or `cannot-create` where there can be no run directory
 */
export async function claim(name: string, options: ClaimOptions): Promise<RunDirectory> {
  const directory = await open(name, options.base);
  try {
    const problems = await leftovers(name, directory, options);
    if (problems.length > 0) throw new ProblemsError('in-use', name, problems);
    return directory;
  } catch (error) {
    // Whoever looks next must find what we found.
    if (directory.leftState === undefined) await directory.release();
    else await directory.abandon();
    throw error;
  }
}

async function open(name: string, base: string): Promise<RunDirectory> {
  let directory;
  try {
    directory = await openRunDirectory(base, name);
  } catch (error) {
    const problem: Problem = {
      code: 'run-directory',
      severity: 'error',
      message: `there can be no run directory: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'run vmrun as root, or give a folder of your own with --run-dir',
    };
    throw new ProblemsError('cannot-create', name, [problem]);
  }
  if (!('heldBy' in directory)) return directory;
  throw new ProblemsError('in-use', name, [
    {
      code: 'in-use',
      severity: 'error',
      message: `this VM is run by ${directory.heldBy === '' ? 'another vmrun' : directory.heldBy}`,
      fix: 'stop that one first; nothing was changed',
    },
  ]);
}

async function leftovers(
  name: string,
  { leftState }: RunDirectory,
  options: ClaimOptions,
): Promise<readonly Problem[]> {
  const { host, force, isLoadedByOthers } = options;
  const orphan = await orphanOf(leftState, host);
  if (orphan !== undefined) {
    if (!force) {
      const what = leftState?.loader === undefined ? 'this VM still runs' : 'a loader of this VM still runs';
      return [
        {
          code: 'orphan',
          severity: 'error',
          message: `${what} as process ${orphan}; its supervisor, process ${leftState?.supervisor ?? 0}, is gone`,
          fix: `shut the guest down, or end it with --force (or: kill ${orphan})`,
        },
      ];
    }
    if (!(await endOrphan(orphan, leftState, options))) {
      return [
        {
          code: 'orphan',
          severity: 'error',
          message: `process ${orphan}, which runs this VM, did not end within ${formatDuration(options.stopTimeoutMs)} nor when it was killed`,
        },
      ];
    }
  }
  // One that an orphan ran has been used up.
  if (!host.vmm.exists(name) || (isLoadedByOthers && orphan === undefined)) return [];
  if (force && (await host.vmm.destroy(name))) return [];
  return [
    {
      code: 'vm-exists',
      severity: 'error',
      message: force
        ? `/dev/vmm/${name} is there and could not be destroyed`
        : `/dev/vmm/${name} is there already: another program runs this VM, or one that did left it behind`,
      fix: `if nothing runs it: bhyvectl --vm=${name} --destroy${force ? '' : ', or vmrun --force'}`,
    },
  ];
}

/** The pid of what a dead supervisor left running: the same process, not one that got its number. */
async function orphanOf(state: RunState | undefined, host: Host): Promise<number | undefined> {
  const left = state?.bhyve ?? state?.loader;
  if (left === undefined) return undefined;
  const start = await processStart(left.pid, host.run);
  return start !== undefined && start === left.start ? left.pid : undefined;
}

const pollMs = 20;
const killWaitMs = 5000;

async function endOrphan(
  pid: number,
  state: RunState | undefined,
  { host, stopTimeoutMs }: ClaimOptions,
): Promise<boolean> {
  const isGone = async (): Promise<boolean> => (await orphanOf(state, host)) === undefined;
  for (const [signal, timeoutMs] of [
    ['SIGTERM', stopTimeoutMs],
    ['SIGKILL', killWaitMs],
  ] as const) {
    signalProcess(pid, signal);
    const end = host.clock.monotonicMs() + timeoutMs;
    while (host.clock.monotonicMs() < end) {
      if (await isGone()) return true;
      await host.clock.sleep(pollMs);
    }
  }
  return isGone();
}
