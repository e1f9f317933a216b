import type { Child } from '../host/child.js';
import { removeTrace, tracesOf, type Trace } from '../host/ephemeral.js';
import type { Host } from '../host/host.js';
import type { PidFile } from '../host/pid-file.js';
import { processStart } from '../host/process-identity.js';
import type { RunDirectory, RunState } from '../host/run-directory.js';
import { rememberTerminal } from '../host/terminal.js';
import type { MachineChange } from '../machine/difference.js';
import type { Machine } from '../machine/machine.js';
import type { Cleaner } from './cleanup.js';
import type { Emit } from './events.js';
import { explain, type Explanation } from './explain.js';
import type { Hooks } from './hooks.js';
import { readEnd, type RunEnd } from './run-end.js';
import { stopWhenAsked, type StopSignals } from './stop.js';

/** Name of the private file in the run directory. */
export const privateConfigName = 'bhyve.conf';

/** What the boots of one run share. */
export interface Session {
  readonly host: Host;
  readonly emit: Emit;
  readonly signals: StopSignals;
  readonly cleaner: Cleaner;
  readonly hooks: Hooks;
  readonly directory: RunDirectory;
  readonly pidFile: PidFile | undefined;
  /** The bhyve program, and words that go before its options. */
  readonly bhyve: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly onStderr: (text: string) => void;
  readonly saveState: (more: Partial<RunState>) => void;
}

export interface BootResult {
  readonly end: RunEnd;
  readonly aliveMs: number;
  /** Where it was no doing of the guest or of us. */
  readonly why?: Explanation;
}

/**
 * One life of bhyve: started, watched, stopped when asked, and what it leaves removed.
 * @throws StartError
 */
export async function bootOnce(
  session: Session,
  machine: Machine,
  boot: number,
  changes: readonly MachineChange[],
): Promise<BootResult> {
  const { host, emit, directory, hooks, pidFile } = session;
  const command = [...session.bhyve, ...machine.argv];
  if (machine.privateConfig !== undefined) directory.write(privateConfigName, machine.privateConfig.content);
  const before = tracesOf(machine.ephemerals);
  const restoreTerminal = machine.usesStdio ? rememberTerminal(0) : () => undefined;
  const ended = new AbortController();
  let child: Child | undefined;
  try {
    child = await host.spawn(command, {
      stdin: machine.usesStdio ? 'inherit' : 'ignore',
      stdout: machine.usesStdio ? 1 : 2,
      ownSession: !machine.usesStdio,
      env: { ...session.env, VMRUN_NAME: machine.name, VMRUN_TARGET: machine.target, VMRUN_BOOT: String(boot) },
      onStderr: session.onStderr,
    });
    const { pid } = child;
    const startedMs = host.clock.monotonicMs();
    emit({ kind: 'boot', boot, target: machine.target, pid, command, changes });
    pidFile?.write(pid);
    const identified = rememberProcess(session, machine, boot, pid, ended.signal);
    const stopped = stopWhenAsked(child, machine, ended.signal, session);
    hooks.postStart(machine, boot, pid, ended.signal);
    const end = readEnd(await child.ended, child.stderrTail());
    ended.abort();
    await Promise.all([stopped, identified]);
    const aliveMs = host.clock.monotonicMs() - startedMs;
    const isUnexpected = end.kind === 'failed' || (end.kind === 'killed' && !session.signals.stop.aborted);
    const why = isUnexpected ? { why: explain(child.stderrTail()) } : {};
    emit({ kind: 'exit', boot, end, aliveMs, ...why });
    return { end, aliveMs, ...why };
  } finally {
    ended.abort();
    restoreTerminal();
    pidFile?.clear();
    if (child !== undefined) await removeTraces(session, machine, before);
    if (machine.privateConfig !== undefined) directory.remove(privateConfigName);
  }
}

/** Tells the next run which process this is. What costs a process on some systems is not waited for. */
async function rememberProcess(
  { host, saveState }: Session,
  { target }: Machine,
  boot: number,
  pid: number,
  ended: AbortSignal,
): Promise<void> {
  saveState({ target, boot, bhyve: { pid } });
  const start = await processStart(pid, host.run);
  if (start !== undefined && !ended.aborted) saveState({ target, boot, bhyve: { pid, start } });
}

/** What bhyve leaves on every exit: its sockets, and the VM with its memory. */
async function removeTraces({ host, cleaner }: Session, machine: Machine, before: readonly Trace[]): Promise<void> {
  const isNew = (trace: Trace): boolean =>
    !before.some(({ path, device, inode }) => path === trace.path && device === trace.device && inode === trace.inode);
  for (const trace of tracesOf(machine.ephemerals).filter(isNew)) {
    await cleaner.remove('socket', trace.path, () => {
      const removal = removeTrace(trace);
      return Promise.resolve(typeof removal === 'object' ? removal.error : undefined);
    });
  }
  if (!host.vmm.exists(machine.name)) return;
  await cleaner.remove('vm', machine.name, async () =>
    (await host.vmm.destroy(machine.name)) ? undefined : `/dev/vmm/${machine.name} is still there`,
  );
}
