import type { Ephemeral } from '../devices/device.js';
import { abort } from '../host/abort.js';
import type { Child, ProcessEnd } from '../host/process/child.js';
import { removeTrace, tracesOf, type Trace } from '../host/run-directory/ephemeral.js';
import type { LastEnd } from '../host/run-directory/run-state.js';
import { rememberTerminal } from '../host/process/terminal.js';
import type { MachineChange } from '../machine/difference.js';
import type { Machine } from '../machine/machine.js';
import { privateConfigName } from '../machine/plan.js';
import { explainEnd } from '../explain/explain-end.js';
import { hasIn } from '../explain/has.js';
import { load } from './load.js';
import { outputsOf } from './outputs.js';
import type { Patience } from './patience.js';
import { isUnexpected, readEnd, reasonOf, type RunEnd } from '../explain/run-end.js';
import {
  environmentOf,
  pidFilePart,
  rememberProcess,
  removeOldFiles,
  stdioOf,
  survivorOf,
  tellUnwaited,
  type BootResult,
  type Session,
} from './session.js';
import { stopWhenAsked } from './stop.js';

interface Boot {
  readonly machine: Machine;
  /** Counts from 1. */
  readonly number: number;
  /** What differs from the boot before. */
  readonly changes: readonly MachineChange[];
  readonly patience: Patience;
}

/**
 * One boot: loaded where the guest has no boot ROM, then one life of bhyve, and what both leave removed.
 * @returns undefined where a stop was asked for before bhyve was started
 * @throws StartError
 */
export async function bootOnce(session: Session, boot: Boot): Promise<BootResult | undefined> {
  const { host, directory, secrets, signals, state } = session;
  const { machine, number, patience } = boot;
  const before = tracesOf(machine.ephemerals);
  state.update({
    phase: machine.loader === undefined ? 'starting' : 'loading',
    target: machine.target,
    boot: number,
    bootSince: host.clock.now().toISOString(),
    isMonitored: machine.isMonitored ? true : undefined,
    stopTimeoutMs: machine.policy.stopTimeoutMs,
    sockets: socketsOf(machine, before),
  });
  removeOldFiles(session, machine);
  const restoreTerminal = machine.usesStdio ? rememberTerminal(0) : () => undefined;
  // A VM that others have loaded is theirs until bhyve runs it.
  let hasStarted = machine.loader !== undefined;
  try {
    const isReady = await patience.attempt(async () => {
      const text = await secrets.privateText(machine);
      if (text !== undefined) directory.write(privateConfigName, text);
      if (machine.servesConsole) await session.console.prepare();
    });
    if (isReady === undefined) return undefined;
    const loaded = (await patience.attempt(() => load(session, machine, number)))?.value ?? 'stopped';
    if (loaded === 'stopped' || signals.stop.aborted) return undefined;
    if (loaded !== 'loaded') return loaded;
    const child = await patience.attempt(() => startBhyve(session, boot));
    if (child === undefined) return undefined;
    hasStarted = true;
    return await liveOnce(session, boot, child.value);
  } finally {
    restoreTerminal();
    state.soon({ phase: 'ending', bhyve: undefined, loader: undefined });
    if (hasStarted) await removeTraces(session, machine.name, machine.ephemerals, before);
  }
}

const socketsOf = ({ ephemerals }: Machine, before: readonly Trace[]) => ({
  paths: ephemerals.map(({ path }) => path),
  before: before.map(({ path, device, inode }) => ({ path, device: String(device), inode: String(inode) })),
});

/** The command of a boot, the program first. */
const commandOf = ({ bhyve }: Session, { argv }: Machine): readonly string[] => [...bhyve, ...argv];

async function startBhyve(session: Session, { machine, number }: Boot): Promise<Child> {
  const survivor = await survivorOf(session, { role: 'bhyve', boot: number, target: machine.target });
  return session.host.spawn(commandOf(session, machine), {
    ...stdioOf(session, machine, outputsOf(session, 'bhyve')),
    ownSession: !machine.usesStdio,
    survivor,
    env: environmentOf(session, machine, number),
    onUnwaited: tellUnwaited(session, 'bhyve'),
  });
}

const lookMs = 200;

/** One life of bhyve: watched, stopped when asked. */
async function liveOnce(session: Session, { machine, number, changes }: Boot, child: Child): Promise<BootResult> {
  const { host, emit, hooks, pidFile, state } = session;
  const ended = new AbortController();
  try {
    const { pid } = child;
    const startedMs = host.clock.monotonicMs();
    const command = commandOf(session, machine);
    emit({ kind: 'boot', boot: number, target: machine.target, pid, command, changes });
    writePid(session, pid);
    const bhyve = rememberProcess(session, 'bhyve', child, ended.signal);
    const stopped = stopWhenAsked(bhyve, machine, ended.signal, session);
    hooks.postStart(machine, { boot: number, pid }, ended.signal);
    const end = await child.ended;
    // A program that has closed the life line may outlive its shell unheard.
    while (end === undefined && (await bhyve.isThere())) await host.clock.sleep(lookMs);
    session.console.settle();
    abort(ended);
    await Promise.all([stopped, bhyve.identified]);
    const aliveMs = host.clock.monotonicMs() - startedMs;
    return tellEnd(session, machine, number, {
      pid,
      aliveMs,
      stderrTail: child.stderrTail(),
      stdoutTail: child.stdoutTail(),
      end,
    });
  } finally {
    abort(ended);
    if (pidFile !== undefined) state.beside(pidFilePart, pidFile.clear);
  }
}

interface Life {
  readonly pid: number;
  /** Undefined where nobody knows. */
  readonly aliveMs: number | undefined;
  /** The last of what bhyve wrote to stderr. */
  readonly stderrTail: string;
  /** The same for stdout, where that is no console: some of its refusals are told there. */
  readonly stdoutTail: string;
  /** Undefined where nobody tells. */
  readonly end: ProcessEnd | undefined;
  /** What another supervisor has told of it before that was killed: the kind of the end. */
  readonly told?: string | undefined;
}

/**
 * Says what the end of a bhyve means, and why it came where nobody wanted it. That it is told is on disk before: whoever
 * comes after us, should we be killed, does not tell it again.
 */
export function tellEnd(
  { host, emit, signals, state }: Session,
  machine: Machine,
  boot: number,
  { pid, aliveMs, stderrTail, stdoutTail, end: processEnd, told }: Life,
): BootResult {
  const tellsSuspend = host.vmm.isAvailable && !machine.isMonitored && machine.release < 16;
  // Who has told it may have removed the VM as well.
  const isVmGone = told === undefined ? tellsSuspend && !host.vmm.exists(machine.name) : told === 'suspended';
  const said = `${stdoutTail}${stderrTail}`;
  const end: RunEnd = processEnd === undefined ? { kind: 'unknown' } : readEnd(processEnd, said, { isVmGone });
  const why = isUnexpected(end, signals.stop.aborted) ? { why: explainEnd(end, said, hasIn(machine)) } : {};
  if (told === undefined) {
    const reason = reasonOf(end);
    state.update({ phase: 'ending', last: lastEnd(boot, host.clock.now(), { end, ...why }) });
    const known = { ...(reason === undefined ? {} : { reason }), ...(aliveMs === undefined ? {} : { aliveMs }) };
    emit({ kind: 'exit', boot, end, ...known, ...why });
  }
  // For the policy one of which that is not known was short.
  return { end, aliveMs: aliveMs ?? 0, pid, ...why };
}

/** How a boot ended, for the state. */
export function lastEnd(boot: number, at: Date, { end, why }: Pick<BootResult, 'end' | 'why'>): LastEnd {
  const reason = reasonOf(end);
  return {
    ...{ boot, at: at.toISOString(), end: end.kind },
    ...(reason === undefined ? {} : { reason }),
    ...(why === undefined ? {} : { why }),
  };
}

/** A pid file that cannot be written is told, and stops no VM. */
export function writePid({ pidFile, state }: Session, pid: number): void {
  if (pidFile === undefined) return;
  state.beside(pidFilePart, () => {
    pidFile.write(pid);
  });
}

/** What bhyve leaves on every exit: its sockets, and the VM with its memory. */
export async function removeTraces(
  { host, cleaner }: Session,
  name: string,
  ephemerals: readonly Ephemeral[],
  before: readonly Trace[],
): Promise<void> {
  const isNew = (trace: Trace): boolean =>
    !before.some(({ path, device, inode }) => path === trace.path && device === trace.device && inode === trace.inode);
  for (const trace of tracesOf(ephemerals).filter(isNew)) {
    await cleaner.remove('socket', trace.path, () => {
      const removal = removeTrace(trace);
      return Promise.resolve(typeof removal === 'object' ? removal.error : undefined);
    });
  }
  if (!host.vmm.exists(name)) return;
  await cleaner.remove('vm', name, async () =>
    (await host.vmm.destroy(name)) ? undefined : `/dev/vmm/${name} is still there`,
  );
}
