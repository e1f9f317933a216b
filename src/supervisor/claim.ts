import { ProblemsError, type Problem } from '../base/problem.js';
import { formatDuration } from '../base/duration.js';
import type { Host } from '../host/host.js';
import { openRunDirectory, type RunDirectory, type RunState } from '../host/run-directory.js';
import { signalProcess } from '../host/signal-process.js';
import { orphaned, orphanOf, runElsewhere, vmExists } from './name-in-use.js';

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
  throw new ProblemsError('in-use', name, [runElsewhere(directory)]);
}

async function leftovers(
  name: string,
  { leftState }: RunDirectory,
  options: ClaimOptions,
): Promise<readonly Problem[]> {
  const { host, force, isLoadedByOthers } = options;
  const orphan = await orphanOf(leftState, host.run);
  if (orphan !== undefined) {
    if (!force) return [orphaned(orphan, leftState)];
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
  return [force ? notDestroyed(name) : vmExists(name)];
}

const notDestroyed = (name: string): Problem => ({
  ...vmExists(name),
  message: `/dev/vmm/${name} is there and could not be destroyed`,
  fix: `if nothing runs it: bhyvectl --vm=${name} --destroy`,
});

const pollMs = 20;
const killWaitMs = 5000;

async function endOrphan(
  pid: number,
  state: RunState | undefined,
  { host, stopTimeoutMs }: ClaimOptions,
): Promise<boolean> {
  const isGone = async (): Promise<boolean> => (await orphanOf(state, host.run)) === undefined;
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
