import { watchFile } from '../host/process/watch-file.js';
import type { ManagedVm } from './managed-vm.js';
import type { Surroundings } from './surroundings.js';

export interface WatchOthersOptions {
  readonly around: Pick<Surroundings, 'runBase' | 'clock' | 'over' | 'ring'>;
  readonly vms: ReadonlyMap<string, ManagedVm>;
}

/** What comes and goes in one moment is looked at once. */
const settleMs = 100;
/** What a run of somebody else's does is seen in its own folder alone. */
const againMs = 2000;

/** Notices who else runs VMs of ours: `vmrun -c`, beside this manager. Costs nothing while nobody does. */
export function watchOthers({ around, vms }: WatchOthersOptions): void {
  const { runBase, clock, over, ring } = around;
  let isDue = false;
  let isLooking = false;

  async function look(): Promise<void> {
    isDue = true;
    if (isLooking) return;
    isLooking = true;
    for (let pauseMs: number | undefined = settleMs; pauseMs !== undefined && !over.aborted;) {
      await clock.sleep(pauseMs, over);
      isDue = false;
      for (const vm of vms.values()) if (!vm.isRunning()) await vm.others.look().catch(() => undefined);
      const isSupervised = [...vms.values()].some((vm) => vm.others.isSupervised());
      pauseMs = wasAskedMeanwhile() ? settleMs : isSupervised ? againMs : undefined;
    }
    isLooking = false;
  }

  const wasAskedMeanwhile = (): boolean => isDue;

  const unwatch = watchFile(runBase, {
    onChange: () => {
      void look();
    },
    onBlind: (error) => {
      ring.tell({
        kind: 'warning',
        problem: { code: 'run-watch', severity: 'warning', message: `${runBase}: ${error}` },
      });
    },
    clock,
  });
  over.addEventListener('abort', unwatch, { once: true });
  void look();
}
