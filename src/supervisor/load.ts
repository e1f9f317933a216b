import path from 'node:path';
import { abort, anyOf } from '../host/abort.js';
import type { Child } from '../host/process/child.js';
import { StartError } from '../host/process/start-error.js';
import { loaderCommand } from '../machine/loader.js';
import type { Loader, Machine } from '../machine/machine.js';
import { explainLoad, type LoaderWords } from '../explain/explain-load.js';
import { hasIn } from '../explain/has.js';
import type { LoadEnd } from './load-end.js';
import { outputsOf } from './outputs.js';
import {
  environmentOf,
  rememberProcess,
  stdioOf,
  survivorOf,
  tellUnwaited,
  type BootResult,
  type Session,
} from './session.js';

/** bhyveload(8): `reboot` at the prompt. */
const rebootStatus = 2;
const signalGraceMs = 100;

/**
 * Runs the machine's loader, if it has one, until it has put the guest into memory, its time is over or a stop is
 * asked for. The files that it reads are made, and stay until the boot is over.
 * @returns how the boot ended where bhyve is not to be started
 * @throws StartError where there is no such program
 */
export async function load(
  session: Session,
  machine: Machine,
  boot: number,
): Promise<'loaded' | 'stopped' | BootResult> {
  const { loader } = machine;
  if (loader === undefined) return 'loaded';
  const { emit, directory, host } = session;
  const program = loader.kind;
  for (const file of loader.files) directory.write(path.basename(file.path), file.content);
  const startedMs = host.clock.monotonicMs();
  const { end, said } = await runLoader(session, machine, loader, boot);
  const aliveMs = host.clock.monotonicMs() - startedMs;
  const ended = { kind: 'loader', boot, state: 'ended', program, end, aliveMs } as const;
  if (end.kind === 'loaded' || end.kind === 'stopped') {
    emit(ended);
    return end.kind;
  }
  if (end.kind === 'rebooted') {
    emit(ended);
    return { end, aliveMs };
  }
  const why = explainLoad(program, end, said, hasIn(machine));
  emit({ ...ended, why });
  return { end: { kind: 'not-loaded', program, how: end }, aliveMs, why };
}

interface Ran {
  readonly end: LoadEnd;
  readonly said: LoaderWords;
}

async function runLoader(session: Session, machine: Machine, loader: Loader, boot: number): Promise<Ran> {
  const { host, emit, signals } = session;
  const command = loaderCommand(loader, session.loaders);
  let child: Child;
  try {
    const survivor = await survivorOf(session, { role: 'loader', boot, target: machine.target });
    child = await host.spawn(command, {
      ...stdioOf(session, loader, outputsOf(session, loader.kind)),
      ...(loader.input === undefined ? {} : { stdin: { text: loader.input } }),
      ownSession: !loader.usesStdio,
      survivor,
      env: environmentOf(session, machine, boot),
      onUnwaited: tellUnwaited(session, loader.kind),
    });
  } catch (error) {
    if (!(error instanceof StartError) || error.reason === 'not-found' || error.reason === 'no-resources') throw error;
    return { end: { kind: 'not-started', error: error.message }, said: { stderr: '', stdout: '' } };
  }
  const ended = new AbortController();
  emit({ kind: 'loader', boot, state: 'started', program: loader.kind, pid: child.pid, command });
  const process = rememberProcess(session, 'loader', child, ended.signal);
  const given = anyOf(signals.stop, ended.signal);
  const isOver = host.clock.sleep(loader.timeoutMs, given.signal);
  const byItself = await Promise.race([child.ended.then((end) => ({ end })), isOver.then(() => undefined)]);
  if (byItself === undefined && loader.usesStdio) await process.kill('SIGKILL');
  else if (byItself === undefined) child.killWhole();
  const processEnd = await child.ended;
  session.console.settle();
  abort(ended);
  given.release();
  await process.identified;
  session.state.soon({ loader: undefined });
  const said = { stderr: child.stderrTail(), stdout: child.stdoutTail() };
  // Ctrl-C reaches both of us, and its end may be told before our own signal.
  if (loader.usesStdio && byItself?.end?.kind === 'signalled') await host.clock.sleep(signalGraceMs, signals.stop);
  if (signals.stop.aborted) return { end: { kind: 'stopped' }, said };
  if (byItself === undefined) return { end: { kind: 'timed-out', timeoutMs: loader.timeoutMs }, said };
  if (processEnd === undefined) return { end: { kind: 'unknown' }, said };
  if (processEnd.kind === 'signalled') return { end: processEnd, said };
  return { end: endOfStatus(processEnd.status, loader), said };
}

function endOfStatus(status: number, { kind }: Loader): LoadEnd {
  if (status === 0) return { kind: 'loaded' };
  if (status === rebootStatus && kind === 'bhyveload') return { kind: 'rebooted' };
  return { kind: 'exited', status };
}
