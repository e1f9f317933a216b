import type { Problem } from '../base/problem.js';
import type { Machine } from '../machine/machine.js';
import type { GuestAct } from './guest-act.js';
import { signalGuest, type VmProcess } from './power-button.js';
import type { Session } from './session.js';

/**
 * Does it, as bhyve knows it: SIGTERM is the power button, SIGSTOP and SIGCONT pause; a reset and an NMI are
 * bhyvectl(8)'s. A bhyve that is paused hears nothing but SIGCONT and SIGKILL. What is written down comes before a pause
 * and after its end, so that there is no paused VM that another supervisor would take for one that runs.
 * @returns why it cannot be done
 */
export function actsOn(
  target: VmProcess,
  { name, arch, isMonitored }: Machine,
  ended: AbortSignal,
  { host, signals, state }: Pick<Session, 'host' | 'signals' | 'state'>,
): (act: GuestAct) => Promise<Problem | undefined> {
  const send = async (...what: readonly NodeJS.Signals[]): Promise<Problem | undefined> =>
    (await signalGuest(target, isMonitored, host, what, () => ended.aborted)) ? undefined : hasEnded;
  const isPaused = (): boolean => state.current().phase === 'paused';
  const resume = async (): Promise<Problem | undefined> => {
    const problem = await send('SIGCONT');
    if (isPaused()) state.update({ phase: 'running' });
    return problem;
  };

  return async (act) => {
    switch (act) {
      case 'pause': {
        if (!isPaused()) state.update({ phase: 'paused' });
        const problem = await send('SIGSTOP');
        // A stop that was asked for meanwhile has pressed a button that nobody hears.
        if (signals.stop.aborted) await send('SIGCONT');
        return problem;
      }
      case 'resume':
        return isPaused() ? resume() : undefined;
      case 'power-button':
        if (arch === 'arm64') return noButton('power button: SIGTERM would end bhyve');
        return isPaused() ? paused : send('SIGTERM');
      case 'nmi':
        if (arch === 'arm64') return noButton('NMI');
        return isPaused() ? paused : failed(await host.vmm.injectNmi(name));
      case 'reset':
        return failed(await host.vmm.forceReset(name)) ?? (isPaused() ? resume() : undefined);
    }
  };
}

const hasEnded: Problem = { code: 'no-guest', severity: 'error', message: 'bhyve has ended meanwhile' };
const paused: Problem = { code: 'paused', severity: 'error', message: 'the VM is paused', fix: 'resume it first' };

const noButton = (what: string): Problem => ({
  code: 'no-such-button',
  severity: 'error',
  message: `bhyve on arm64 has no ${what}`,
});

const failed = (error: string | undefined): Problem | undefined =>
  error === undefined ? undefined : { code: 'bhyvectl', severity: 'error', message: error };
