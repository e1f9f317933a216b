import { setMaxListeners } from 'node:events';
import { abort, aborted } from '../host/abort.js';
import type { Clock } from '../host/clock.js';
import type { ManagedVm } from './managed-vm.js';
import type { Ending } from './manager.js';
import { managerEnding } from './refusals.js';
import type { Waits } from './start-order.js';
import { longestChains } from './stop-times.js';

export interface EndOptions {
  readonly clock: Clock;
  readonly vms: ReadonlyMap<string, ManagedVm>;
  /** Who waits for whom at the start: the other way round it is who is stopped first. */
  readonly waits: () => Waits;
}

/** Hundreds of VMs hear of it. */
function shared(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** The part of a budget that guests have; what comes after them takes a moment, too. */
const share = 0.9;

/**
 * Ends the runs of a manager. A VM is stopped when those that wait for it have ended.
 * @returns ends them; called again, it gives them less time. Resolves when none is watched any more
 */
export function ender({ clock, vms, waits }: EndOptions): (ending: Ending) => Promise<void> {
  let deadlineMs = Infinity;
  let stopping: Promise<unknown> | undefined;
  let shortening = shared();

  const leftMs = (): number => Math.max(0, deadlineMs - clock.monotonicMs());

  /** Resolves when the promise does, when the time is over, or when there is less of it than was said before. */
  async function within(promise: Promise<unknown>): Promise<void> {
    const over = new AbortController();
    await Promise.race([promise, clock.sleep(leftMs(), over.signal), aborted(shortening.signal, over.signal)]);
    abort(over);
  }

  function stopAll(): Promise<unknown> {
    const order = waits();
    const running = [...vms.values()].filter((vm) => vm.isRunning());
    const chains = longestChains(order, new Map(running.map((vm) => [vm.name, vm.stopTimeoutMs()])));
    const ends = new Map<ManagedVm, Promise<void>>();
    const endOf = (vm: ManagedVm): Promise<void> => {
      const known = ends.get(vm) ?? Promise.resolve().then(() => stopInTurn(vm));
      ends.set(vm, known);
      return known;
    };

    async function stopInTurn(vm: ManagedVm): Promise<void> {
      const followers = running.filter(({ name }) => order.get(name)?.includes(vm.name) === true);
      const left = new Set(followers);
      const gone = Promise.all(
        followers.map(async (follower) => {
          await endOf(follower);
          left.delete(follower);
        }),
      );
      while (left.size > 0 && leftMs() > 0) await within(gone);
      while (vm.isRunning()) {
        const needMs = vm.stopTimeoutMs();
        const chainMs = Math.max(needMs, chains.get(vm.name) ?? 0);
        const ownMs = chainMs === 0 ? 0 : (leftMs() * needMs) / chainMs;
        vm.endWith(leftMs() === 0 ? { now: true } : { timeoutMs: Math.min(needMs, ownMs) });
        await (leftMs() === 0 ? vm.idle() : within(vm.idle()));
      }
    }

    /** A loader, say, that a killed manager has left: a start waits for its end. */
    async function stopOrphan(vm: ManagedVm): Promise<void> {
      await within(vm.endOrphan({ timeoutMs: leftMs() }));
      if (leftMs() === 0) await vm.endOrphan({ now: true });
    }

    return Promise.all(
      [...vms.values()].map(async (vm) => {
        if (vm.isRunning()) await endOf(vm);
        if (vm.isOrphaned()) await stopOrphan(vm);
      }),
    );
  }

  return async (ending) => {
    for (const vm of vms.values()) vm.callOff(managerEnding);
    if (ending.kind === 'hand-over') return;
    const dueMs = clock.monotonicMs() + ending.budgetMs * share;
    if (dueMs < deadlineMs) {
      deadlineMs = dueMs;
      const before = shortening;
      shortening = shared();
      abort(before);
    }
    stopping ??= stopAll();
    await stopping;
  };
}
