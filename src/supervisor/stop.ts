import type { Child } from '../host/child.js';
import type { Host } from '../host/host.js';
import { signalProcess } from '../host/signal-process.js';
import type { Machine } from '../machine/machine.js';
import type { Emit } from './events.js';

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
 * once the guest has switched ACPI on, and ends bhyve before that: bhyve(8), SIGNAL HANDLING.
 */
export async function stopWhenAsked(
  child: Child,
  machine: Machine,
  ended: AbortSignal,
  { host, emit, signals }: { readonly host: Host; readonly emit: Emit; readonly signals: StopSignals },
): Promise<void> {
  const { name, policy } = machine;
  const over = (): boolean => ended.aborted;
  await aborted(AbortSignal.any([signals.stop, ended]));
  if (over()) return;
  emit({ kind: 'stopping', how: 'power button', timeoutMs: policy.stopTimeoutMs });
  if (!(machine.isMonitored && (await signalGuest(child, host)))) child.kill('SIGTERM');
  await host.clock.sleep(policy.stopTimeoutMs, AbortSignal.any([ended, signals.hurry]));
  if (over()) return;
  if (host.vmm.exists(name)) {
    emit({ kind: 'stopping', how: 'forced power-off', timeoutMs: forcedPowerOffMs });
    await host.vmm.forcePowerOff(name);
    await host.clock.sleep(forcedPowerOffMs, ended);
    if (over()) return;
  }
  emit({ kind: 'stopping', how: 'kill', timeoutMs: 0 });
  child.kill('SIGKILL');
}

/** In monitor mode the process that runs the guest is a child; a SIGTERM to its parent would end both at once. */
async function signalGuest({ pid }: Child, host: Host): Promise<boolean> {
  const children = await host.childrenOf(pid);
  return children.map((each) => signalProcess(each, 'SIGTERM')).includes(true);
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      resolve();
    };
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
