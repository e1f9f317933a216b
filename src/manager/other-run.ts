import { listRun, stopRun, type KnownRun } from '../supervisor/runs.js';
import type { StopRequest } from './manager.js';
import type { Surroundings } from './surroundings.js';

/** What runs under a VM's name, or was left there, and is not ours. */
export interface Others {
  /** As it was found last. */
  readonly known: () => KnownRun | undefined;
  readonly see: (run: KnownRun | undefined) => void;
  /** Looks again. */
  readonly look: () => Promise<void>;
  readonly isThere: () => boolean;
  /** Another vmrun runs it. */
  readonly isSupervised: () => boolean;
  readonly supervisor: () => number | undefined;
  /** Stops it. @throws ProblemsError */
  readonly stop: (request: StopRequest) => Promise<void>;
}

export function othersOf(name: string, { runBase, host }: Pick<Surroundings, 'runBase' | 'host'>): Others {
  let found: KnownRun | undefined;
  const look = async (): Promise<void> => {
    const run = await listRun(name, { runBase, host });
    found = run?.supervisor === host.pid ? undefined : run;
  };
  return {
    known: () => found,
    see: (run) => {
      found = run;
    },
    look,
    isThere: () => found !== undefined,
    isSupervised: () => found?.status === 'supervised',
    supervisor: () => found?.supervisor,
    stop: async (request) => {
      try {
        await stopRun(name, { runBase, host, ...request });
      } catch (error) {
        // A start that came meanwhile has taken over what was there: it is ours now.
        if ((await listRun(name, { runBase, host }))?.supervisor !== host.pid) throw error;
      }
      await look();
    },
  };
}
