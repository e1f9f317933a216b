import type { Problem } from '../base/problem.js';
import { aborted, anyOf } from '../host/abort.js';
import type { Machine } from '../machine/machine.js';
import { actsOn } from './guest-acts.js';
import { powerButton, signalGuest, type VmProcess } from './power-button.js';
import type { Session } from './session.js';

/** bhyvectl --force-poweroff acts at once; only a bhyve that hangs in the kernel does not follow. */
const forcedPowerOffMs = 3000;

/** A bhyve that is in the kernel for longer is told to whoever waits for its end. */
const killMs = 10_000;

/**
 * Lets a guest be asked for this and that, waits until a stop is asked for and sees it through, or until bhyve has ended
 * by itself. SIGTERM is the power button once the guest has switched ACPI on, and ends bhyve before that: bhyve(8), SIGNAL
 * HANDLING. It is pressed once more half way, for a guest that was not listening yet; bhyve drops a press that comes while
 * the guest handles another.
 */
export async function stopWhenAsked(
  target: VmProcess,
  machine: Machine,
  ended: AbortSignal,
  session: Pick<Session, 'host' | 'emit' | 'signals' | 'state'>,
): Promise<void> {
  const { host, emit, signals, state } = session;
  const { name, isMonitored, policy } = machine;
  const over = (): boolean => ended.aborted;
  const send = (...what: readonly NodeJS.Signals[]): Promise<boolean> =>
    signalGuest(target, isMonitored, host, what, over);
  const acts = actsOn(target, machine, ended, session);
  const act: typeof acts = async (what) => {
    const problem = await acts(what);
    if (problem === undefined) emit({ kind: 'request', boot: state.current().boot ?? 1, what });
    return problem;
  };
  signals.guestRuns({ act, isMonitored, ended });
  // One that was taken over: the kernel lets go on what a terminal's processes leave stopped when they are killed.
  if (state.current().phase === 'paused') await send('SIGSTOP');
  await aborted(signals.stop, ended);
  if (over()) return;
  if (state.current().phase === 'paused') await send('SIGCONT');
  const { askedMs } = signals.stopTimes(policy.stopTimeoutMs);
  const given = anyOf(ended, signals.hurry);
  const givenMs = (): number => Math.round(signals.stopTimes(policy.stopTimeoutMs).dueMs - askedMs);
  const halfMs = (): number => Math.ceil(givenMs() / 2);
  const leftMs = (): number => Math.max(0, Math.round(pressedMs + givenMs() - host.clock.monotonicMs()));
  /** For who waits for the end of the stop. */
  const tellUntil = (): void => {
    const until = new Date(host.clock.now().getTime() + leftMs());
    state.update({ phase: 'stopping', guestUntil: Number.isNaN(until.getTime()) ? undefined : until.toISOString() });
  };
  /** Until so long after the button was pressed; what is shortened meanwhile is looked at anew. */
  const sleepUntil = async (afterMs: () => number): Promise<void> => {
    for (let isShortened = true; isShortened && !given.signal.aborted;) {
      const shortened = signals.shortened();
      const woken = anyOf(given.signal, shortened);
      const restMs = pressedMs + afterMs() - host.clock.monotonicMs();
      if (restMs > 0) await host.clock.sleep(restMs, woken.signal);
      woken.release();
      isShortened = shortened.aborted;
      if (isShortened && !over()) tellUntil();
    }
  };
  const pressedMs = host.clock.monotonicMs();
  tellUntil();
  emit({ kind: 'stopping', how: 'power button', timeoutMs: givenMs() });
  await send(...powerButton);
  await sleepUntil(halfMs);
  if (!given.signal.aborted && givenMs() > halfMs()) {
    // It may have been shortened to less than the half that has passed.
    emit({ kind: 'stopping', how: 'power button again', timeoutMs: leftMs() });
    await send(...powerButton);
    await sleepUntil(givenMs);
  }
  given.release();
  if (over()) return;
  if (host.vmm.exists(name)) {
    state.update({ forced: 'power-off' });
    emit({ kind: 'stopping', how: 'forced power-off', timeoutMs: forcedPowerOffMs });
    await host.vmm.forcePowerOff(name);
    await host.clock.sleep(forcedPowerOffMs, ended);
    if (over()) return;
  }
  state.update({ forced: 'kill' });
  emit({ kind: 'stopping', how: 'kill', timeoutMs: 0 });
  await target.kill('SIGKILL');
  await host.clock.sleep(killMs, ended);
  if (!over()) signals.doesNotEnd(notEnded(target.pid));
}

const notEnded = (pid: number): Problem => ({
  code: 'not-ended',
  severity: 'error',
  message: `bhyve, process ${pid}, was killed and has not ended`,
  fix: `look at what it waits for in the kernel: ps -o state,wchan -p ${pid}`,
});
