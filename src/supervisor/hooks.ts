import { abort, anyOf } from '../host/abort.js';
import type { HookEnd, HookOptions } from '../host/process/hook.js';
import type { Host } from '../host/host.js';
import { StartError } from '../host/process/start-error.js';
import { tailBuffer } from '../host/process/tail.js';
import type { Machine } from '../machine/machine.js';
import type { ExitReason } from '../fields/exits.js';
import type { Emit, HookName } from './events.js';
import type { StopSignals } from './stop-signals.js';

/** What a hook is told beside the machine. */
export interface HookFacts {
  readonly boot: number;
  /** Of the bhyve that runs, or ran last. */
  readonly pid?: number | undefined;
  /** Why the last boot ended. */
  readonly reason?: ExitReason | undefined;
}

interface HookRun {
  readonly end: HookEnd;
  /** The last of what it wrote. */
  readonly output: string;
  /** The system lacked what it takes to start it. */
  readonly shortage?: StartError;
}

/**
 * Runs the user's programs: none outlives its time or the run, and what it leaves running in its process group when its
 * time is over is ended with it.
 */
export interface Hooks {
  /**
   * Before bhyve is started; a stop kills it. Undefined where the spec has none.
   * @throws StartError `no-resources`: it says nothing about the VM, and can be tried again
   */
  readonly preStart: (machine: Machine, facts: HookFacts) => Promise<HookRun | undefined>;
  /** Beside the VM, as soon as that is there: a slow one delays nothing. @param ended this life of bhyve is over */
  readonly postStart: (machine: Machine, facts: HookFacts, ended: AbortSignal) => void;
  /** Before the next boot; a stop kills it. */
  readonly preReboot: (machine: Machine, facts: HookFacts) => Promise<void>;
  /** When no boot follows; whoever hurries a stop kills it. */
  readonly postStop: (machine: Machine, facts: HookFacts) => Promise<void>;
  /** Kills what still runs, and waits until it is gone. */
  readonly end: () => Promise<void>;
}

const tailBytes = 8 * 1024;

function notNow(error: unknown): Omit<HookRun, 'output'> {
  if (!(error instanceof StartError)) throw error;
  return { end: { kind: 'not-started', error: error.message }, shortage: error };
}

export function makeHooks(
  host: Host,
  emit: Emit,
  signals: StopSignals,
  onOutput: (text: string, hook: HookName) => void,
): Hooks {
  const over = new AbortController();
  const running = new Set<Promise<void>>();

  async function runHook(
    hook: HookName,
    argv: readonly string[],
    machine: Machine,
    facts: HookFacts,
    signal: AbortSignal,
  ): Promise<HookRun> {
    const { boot, pid, reason } = facts;
    const tail = tailBuffer(tailBytes);
    emit({ kind: 'hook', hook, boot, state: 'started' });
    const options: HookOptions = {
      env: {
        VMRUN_NAME: machine.name,
        VMRUN_PID: pid === undefined ? '' : String(pid),
        VMRUN_TARGET: machine.target,
        VMRUN_BOOT: String(boot),
        VMRUN_REASON: reason ?? '',
      },
      timeoutMs: machine.policy.hooks.timeoutMs,
      clock: host.clock,
      signal,
      onOutput: (text) => {
        tail.push(text);
        onOutput(text, hook);
      },
    };
    const ran = await host.runHook(argv, options).then((end) => ({ end }), notNow);
    emit({ kind: 'hook', hook, boot, state: 'ended', end: ran.end });
    return { ...ran, output: tail.text() };
  }

  async function runPostStart(machine: Machine, facts: HookFacts, ended: AbortSignal): Promise<void> {
    const { postStart } = machine.policy.hooks;
    if (postStart === undefined) return;
    const given = anyOf(ended, over.signal);
    await host.vmm.appears(machine.name, given.signal);
    given.release();
    if (!given.signal.aborted) await runHook('post_start', postStart, machine, facts, over.signal);
  }

  return {
    preStart: async (machine, facts) => {
      const { preStart } = machine.policy.hooks;
      if (preStart === undefined) return undefined;
      const ran = await runHook('pre_start', preStart, machine, facts, signals.stop);
      if (ran.shortage !== undefined) throw ran.shortage;
      return ran;
    },
    postStart: (machine, facts, ended) => {
      const hook = runPostStart(machine, facts, ended).finally(() => running.delete(hook));
      running.add(hook);
    },
    preReboot: async (machine, facts) => {
      const { preReboot } = machine.policy.hooks;
      if (preReboot !== undefined) await runHook('pre_reboot', preReboot, machine, facts, signals.stop);
    },
    postStop: async (machine, facts) => {
      const { postStop } = machine.policy.hooks;
      // Whoever was in a hurry before wanted the VM to end, not what cleans up after it.
      const signal = signals.hurry.aborted ? new AbortController().signal : signals.hurry;
      if (postStop !== undefined) await runHook('post_stop', postStop, machine, facts, signal);
    },
    end: async () => {
      abort(over);
      await Promise.all(running);
    },
  };
}
