import { aborted, anyOf } from '../host/abort.js';
import type { Machine } from '../machine/machine.js';
import { pressPowerButton, type VmProcess } from './power-button.js';
import type { Session } from './session.js';

/** bhyvectl --force-poweroff acts at once; only a bhyve that hangs in the kernel does not follow. */
const forcedPowerOffMs = 3000;

export interface StopSignals {
  /** Aborted: stop, and boot no more. */
  readonly stop: AbortSignal;
  /** Aborted: do not wait for the guest any longer. */
  readonly hurry: AbortSignal;
}

/**
 * Waits until a stop is asked for and sees it through, or until bhyve has ended by itself. SIGTERM is the power button
 * once the guest has switched ACPI on, and ends bhyve before that: bhyve(8), SIGNAL HANDLING. It is pressed once more
 * half way, for a guest that was not listening yet; bhyve drops a press that comes while the guest handles another.
 */
export async function stopWhenAsked(
  target: VmProcess,
  machine: Machine,
  ended: AbortSignal,
  { host, emit, signals, state }: Pick<Session, 'host' | 'emit' | 'signals' | 'state'>,
): Promise<void> {
  const { name, isMonitored, policy } = machine;
  const over = (): boolean => ended.aborted;
  const press = (): Promise<void> => pressPowerButton(target, isMonitored, host, over);
  await aborted(signals.stop, ended);
  if (over()) return;
  state.update({ phase: 'stopping' });
  const firstMs = Math.ceil(policy.stopTimeoutMs / 2);
  const secondMs = policy.stopTimeoutMs - firstMs;
  emit({ kind: 'stopping', how: 'power button', timeoutMs: policy.stopTimeoutMs });
  await press();
  const given = anyOf(ended, signals.hurry);
  await host.clock.sleep(firstMs, given.signal);
  if (!given.signal.aborted && secondMs > 0) {
    emit({ kind: 'stopping', how: 'power button again', timeoutMs: secondMs });
    await press();
    await host.clock.sleep(secondMs, given.signal);
  }
  given.release();
  if (over()) return;
  if (host.vmm.exists(name)) {
    emit({ kind: 'stopping', how: 'forced power-off', timeoutMs: forcedPowerOffMs });
    await host.vmm.forcePowerOff(name);
    await host.clock.sleep(forcedPowerOffMs, ended);
    if (over()) return;
  }
  emit({ kind: 'stopping', how: 'kill', timeoutMs: 0 });
  await target.kill('SIGKILL');
}
