import { removeTrace, tracesOf, type Trace } from '../host/ephemeral.js';
import { rememberTerminal } from '../host/terminal.js';
import type { MachineChange } from '../machine/difference.js';
import type { Machine } from '../machine/machine.js';
import { privateConfigName } from '../machine/plan.js';
import { explain } from './explain.js';
import { load, removeLoaderFiles } from './load.js';
import { privateText } from './private-text.js';
import { readEnd } from './run-end.js';
import { environmentOf, rememberProcess, type BootResult, type Session } from './session.js';
import { stopWhenAsked } from './stop.js';

/**
 * One boot: loaded where the guest has no boot ROM, then one life of bhyve, and what both leave removed.
 * @returns undefined where a stop was asked for before bhyve was started
 * @throws StartError
 */
export async function bootOnce(
  session: Session,
  machine: Machine,
  boot: number,
  changes: readonly MachineChange[],
): Promise<BootResult | undefined> {
  const { host, directory, signals } = session;
  const secrets = await privateText(machine, host.readSecret);
  if (secrets !== undefined) directory.write(privateConfigName, secrets);
  const before = tracesOf(machine.ephemerals);
  const restoreTerminal = machine.usesStdio ? rememberTerminal(0) : () => undefined;
  // A VM that others have loaded is theirs until bhyve runs it.
  let hasStarted = machine.loader !== undefined;
  try {
    const loaded = await load(session, machine, boot);
    if (loaded === 'stopped' || signals.stop.aborted) return undefined;
    if (loaded !== 'loaded') return loaded;
    return await runBhyve(session, machine, boot, changes, () => {
      hasStarted = true;
    });
  } finally {
    restoreTerminal();
    if (hasStarted) await removeTraces(session, machine, before);
    removeLoaderFiles(session, machine);
    if (machine.privateConfig !== undefined) directory.remove(privateConfigName);
  }
}

/** One life of bhyve: started, watched, stopped when asked. */
async function runBhyve(
  session: Session,
  machine: Machine,
  boot: number,
  changes: readonly MachineChange[],
  onStart: () => void,
): Promise<BootResult> {
  const { host, emit, hooks, pidFile } = session;
  const command = [...session.bhyve, ...machine.argv];
  const ended = new AbortController();
  try {
    const child = await host.spawn(command, {
      stdin: machine.usesStdio ? 'inherit' : 'ignore',
      stdout: machine.usesStdio ? 1 : 2,
      ownSession: !machine.usesStdio,
      env: environmentOf(session, machine, boot),
      onStderr: session.onStderr,
    });
    onStart();
    const { pid } = child;
    const startedMs = host.clock.monotonicMs();
    emit({ kind: 'boot', boot, target: machine.target, pid, command, changes });
    pidFile?.write(pid);
    const identified = rememberProcess(session, 'bhyve', machine, boot, pid, ended.signal);
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
    pidFile?.clear();
  }
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
