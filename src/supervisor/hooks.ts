import type { Host } from '../host/host.js';
import type { Machine } from '../machine/machine.js';
import type { Emit } from './events.js';

const hookTimeoutMs = 30_000;

/** Runs the user's programs beside the VM: a slow one delays nothing, and none outlives the run. */
export interface Hooks {
  /** Runs `post_start` when the VM is there. @param ended aborted when this life of bhyve is over */
  readonly postStart: (machine: Machine, boot: number, pid: number, ended: AbortSignal) => void;
  /** Kills what still runs, and waits until it is gone. */
  readonly end: () => Promise<void>;
}

export function makeHooks(host: Host, emit: Emit, onOutput: (text: string) => void): Hooks {
  const over = new AbortController();
  const running = new Set<Promise<void>>();

  async function runPostStart(machine: Machine, boot: number, pid: number, ended: AbortSignal): Promise<void> {
    const { postStart } = machine.policy;
    if (postStart === undefined) return;
    const given = AbortSignal.any([ended, over.signal]);
    await host.vmm.appears(machine.name, given);
    if (given.aborted) return;
    emit({ kind: 'hook', hook: 'post_start', boot, state: 'started' });
    const end = await host.runHook(postStart, {
      env: {
        VMRUN_NAME: machine.name,
        VMRUN_PID: String(pid),
        VMRUN_TARGET: machine.target,
        VMRUN_BOOT: String(boot),
      },
      timeoutMs: hookTimeoutMs,
      clock: host.clock,
      signal: over.signal,
      onOutput,
    });
    emit({ kind: 'hook', hook: 'post_start', boot, state: 'ended', end });
  }

  return {
    postStart: (machine, boot, pid, ended) => {
      const hook = runPostStart(machine, boot, pid, ended).finally(() => running.delete(hook));
      running.add(hook);
    },
    end: async () => {
      over.abort();
      await Promise.all(running);
    },
  };
}
