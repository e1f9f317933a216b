import { formatDuration } from '../base/duration.js';
import type { Problem } from '../base/problem.js';
import { abort } from '../host/abort.js';
import type { KnownRun } from '../supervisor/runs.js';
import type { Autostart } from '../fields/autostart.js';
import { autostartOf } from './autostart-of.js';
import type { HeldStart } from './coming-start.js';
import type { ManagedVm } from './managed-vm.js';
import type { SpecShelf } from './spec-shelf.js';
import type { StartOrder } from './start-order.js';
import type { Surroundings } from './surroundings.js';
import { readVmRecord } from './vm-record.js';

/** What becomes of a VM that others wait for. */
type Outcome = { readonly isReady: true } | { readonly isReady: false; readonly why: string };

export interface Autostarter {
  /**
   * Begins to start what is to run.
   * @param runs what runs already, or was left
   * @param stopping VMs whose stop, or restart, was under way: that is seen through by others
   */
  readonly begin: (runs: readonly KnownRun[], stopping: ReadonlySet<string>) => void;
  readonly ready: (name: string) => void;
  /** No run of it goes on, and none is about to. */
  readonly idle: (name: string) => void;
}

export interface AutostartOptions {
  readonly around: Pick<Surroundings, 'clock' | 'records' | 'hostBoot' | 'over'>;
  readonly shelf: Pick<SpecShelf, 'get'>;
  readonly vms: ReadonlyMap<string, ManagedVm>;
  readonly order: () => StartOrder;
}

const byItself = { by: 'autostart' } as const;

/** Starts what was wanted, and what is to start by itself, each when those it waits for are ready. */
export function autostarter({ around, shelf, vms, order }: AutostartOptions): Autostarter {
  const { clock, records, hostBoot, over } = around;
  /** Of those that are started, or run already. */
  const outcomes = new Map<
    string,
    { readonly settled: Promise<Outcome>; readonly settle: (outcome: Outcome) => void }
  >();

  /** Those that have been started. */
  const limited = new Set<string>();

  const autostart = (name: string): Autostart | undefined => {
    const accepted = shelf.get(name)?.accepted;
    return accepted === undefined ? undefined : autostartOf(accepted.spec);
  };

  function expect(name: string): void {
    let settle: (outcome: Outcome) => void = () => undefined;
    const settled = new Promise<Outcome>((resolve) => {
      settle = resolve;
    });
    outcomes.set(name, { settled, settle });
  }

  /** Never seen before, or the host has booted since. */
  function isNew(name: string): boolean {
    const record = readVmRecord(records, name);
    return record === undefined || record === 'damaged' || record.hostBoot !== hostBoot;
  }

  function shouldRun(name: string, vm: ManagedVm): boolean {
    if (autostart(name)?.isAutomatic === true && isNew(name)) {
      vm.want('running', byItself.by, { isKept: false });
      return true;
    }
    return vm.status().wanted.state === 'running';
  }

  /** Its time begins with its start, however often it boots again meanwhile. */
  function limit(name: string): void {
    if (limited.has(name)) return;
    limited.add(name);
    const timeoutMs = autostart(name)?.ready.timeoutMs ?? 0;
    const waited = new AbortController();
    void outcomes.get(name)?.settled.then(() => {
      abort(waited);
    });
    void clock.sleep(timeoutMs, waited.signal).then(() => {
      settle(name, { isReady: false, why: `is not ready after ${formatDuration(timeoutMs)}` });
    });
  }

  function settle(name: string, outcome: Outcome): void {
    outcomes.get(name)?.settle(outcome);
  }

  async function follow(name: string, held: HeldStart, waits: readonly string[]): Promise<void> {
    const { onFailure = 'skip', delayMs = 0 } = autostart(name) ?? {};
    const left = new Set(waits);
    held.waitFor([...left]);
    const failures: string[] = [];
    await Promise.all(
      waits.map(async (other) => {
        const outcome = await outcomeOf(other);
        left.delete(other);
        held.waitFor([...left]);
        if (!outcome.isReady) failures.push(`${other} ${outcome.why}`);
      }),
    );
    if (over.aborted) return;
    if (failures.length > 0 && onFailure === 'skip') {
      held.giveUp([notFollowed(name, failures)]);
      settle(name, { isReady: false, why: 'was not started' });
      return;
    }
    if (delayMs > 0) await clock.sleep(delayMs, over);
    // Also where the manager is ending by then: such a start is called off.
    if (!held.isWaiting()) return;
    held.release();
    limit(name);
  }

  /** Something else has taken the place of its start: who waits for it is not kept waiting. */
  async function watch(name: string, held: HeldStart): Promise<void> {
    await held.over;
    if (limited.has(name)) return;
    const vm = vms.get(name);
    if (vm?.isActive() === true) limit(name);
    else settle(name, { isReady: false, why: vm === undefined ? 'was removed' : 'was stopped before it was started' });
  }

  function outcomeOf(name: string): Promise<Outcome> {
    const known = outcomes.get(name);
    if (known !== undefined) return known.settled;
    return Promise.resolve({ isReady: false, why: 'is stopped, and nobody wants it to run' });
  }

  // Nobody waits for anything any more.
  over.addEventListener('abort', () => {
    for (const name of outcomes.keys()) settle(name, { isReady: false, why: 'is not waited for' });
  });

  return {
    begin(runs, stopping) {
      const isThere = new Map(runs.map((run) => [run.name, run]));
      const toStart: ManagedVm[] = [];
      for (const [name, vm] of vms) {
        const run = isThere.get(name);
        vm.others.see(run);
        if (run?.status === 'supervised') {
          expect(name);
          settle(name, { isReady: true });
        } else if (run?.status === 'orphaned') {
          // Also one that is not wanted: nobody was told that it is stopped.
          if (!stopping.has(name)) vm.want('running', 'adopted', { isKept: false });
          expect(name);
          vm.takeOver();
          limit(name);
        } else if (stopping.has(name)) {
          expect(name);
        } else if (shouldRun(name, vm)) {
          expect(name);
          if (run === undefined) toStart.push(vm);
          else {
            vm.takeOver();
            limit(name);
          }
        } else if (run !== undefined) {
          vm.tidy();
        }
      }
      const { waits, problems } = order();
      for (const vm of toStart) {
        const { name } = vm;
        const found = (problems.get(name) ?? []).filter(({ severity }) => severity === 'error');
        const held = vm.hold(byItself);
        void watch(name, held);
        if (found.length > 0 && isByItself(vm)) {
          held.giveUp(found);
          settle(name, { isReady: false, why: 'was not started' });
        } else {
          void follow(name, held, waitsOf(vm, waits.get(name) ?? []));
        }
      }
    },
    ready: (name) => {
      settle(name, { isReady: true });
    },
    idle: (name) => {
      settle(name, { isReady: false, why: 'has ended' });
    },
  };

  /** One that somebody has started by hand is started again without those that somebody has stopped by hand. */
  function waitsOf(vm: ManagedVm, waits: readonly string[]): readonly string[] {
    return isByItself(vm) ? waits : waits.filter((other) => outcomes.has(other));
  }
}

const isByItself = (vm: ManagedVm): boolean => vm.status().wanted.by === byItself.by;

const notFollowed = (name: string, failures: readonly string[]): Problem => ({
  code: 'not-ready',
  severity: 'error',
  message: `${name} waits for others, and was not started: ${failures.join('; ')}`,
  fix: `start it by hand, or set "on_failure": "start" in its autostart`,
});
