import { closeSync, constants, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createManager } from '../../src/manager/create-manager.js';
import type { ManagerEvent } from '../../src/manager/manager-events.js';
import type { Manager } from '../../src/manager/manager.js';
import type { Operation } from '../../src/manager/operations.js';
import type { ManagerOptions } from '../../src/manager/options.js';
import type { VmView } from '../../src/manager/vm-view.js';
import { smallVm, until, type Place } from '../e2e/support/place.js';

/** The guests of a folder: shell scripts that do what the test says. */
export interface Guests {
  readonly file: string;
  /** Ends a guest, as soon as it is up, with a status of bhyve: 0 reboot, 1 power off. */
  readonly end: (name: string, status: number) => Promise<void>;
  /** What bhyves were started, a line each: `up NAME BOOT PID`, `bye NAME STATUS`. */
  readonly log: () => readonly string[];
}

/** @param onSigterm what the guest makes of its power button: `bye 1`, nothing, … */
export function guestsOf(place: Place, onSigterm = 'bye 1'): Guests {
  place.write('guests.log', '');
  const file = place.script(
    'bhyve',
    `cd '${place.folder}' || exit 4`,
    'bye() { echo "bye $VMRUN_NAME $1" >> guests.log; exit "$1"; }',
    `trap '${onSigterm}' TERM`,
    '[ -p "fifo.$VMRUN_NAME" ] || mkfifo "fifo.$VMRUN_NAME"',
    'exec 9<> "fifo.$VMRUN_NAME"',
    'echo "up $VMRUN_NAME $VMRUN_BOOT $$" >> guests.log',
    'echo "words of $VMRUN_NAME" >&2',
    'while :; do read -r status <&9 && bye "$status"; done',
  );
  return {
    file,
    end: (name, status) =>
      until(() => {
        try {
          const writer = openSync(place.path(`fifo.${name}`), constants.O_WRONLY | constants.O_NONBLOCK);
          writeFileSync(writer, `${status}\n`);
          closeSync(writer);
          return true;
        } catch {
          return false; // nobody reads it yet
        }
      }),
    log: () => readFileSync(place.path('guests.log'), 'utf8').split('\n').slice(0, -1),
  };
}

/** A manager in this process, and what it told. */
export interface Managing {
  readonly manager: Manager;
  readonly seen: readonly ManagerEvent[];
  /** Resolves when the look finds something, after any event. */
  readonly until: <T>(what: string, look: () => T | undefined | false) => Promise<T>;
  readonly state: (name: string, state: VmView['state']) => Promise<VmView>;
  /** Resolves with the operation when it has ended. */
  readonly ended: (operation: Operation) => Promise<Operation>;
  /** The nth bhyve of a VM runs. */
  readonly boots: (name: string, count?: number) => Promise<unknown>;
}

export const asker = { by: 'test' } as const;

/** Starts a manager of a place; its VMs are guests. */
export async function manage(place: Place, guests: Guests, options: Partial<ManagerOptions> = {}): Promise<Managing> {
  const manager = await createManager({
    specs: place.path('specs'),
    state: place.path('state'),
    runBase: place.runBase,
    bhyve: [guests.file],
    check: false,
    ...options,
  });
  const seen: ManagerEvent[] = [];
  const watchers = new Set<() => void>();
  const events = manager.events.subscribe();
  void (async () => {
    for await (const event of events) {
      seen.push(event);
      for (const watcher of [...watchers]) watcher();
    }
  })();
  const sees: Managing['until'] = (_what, look) =>
    new Promise((resolve) => {
      const watcher = (): void => {
        const found = look();
        if (found === undefined || found === false) return;
        watchers.delete(watcher);
        resolve(found);
      };
      watchers.add(watcher);
      watcher();
    });
  const boots: Managing['boots'] = (name, count = 1) =>
    sees(
      `boot ${count} of ${name}`,
      () =>
        seen.filter((event) => event.kind === 'run' && event.vm === name && event.event.kind === 'boot').length >=
        count,
    );
  return {
    manager,
    seen,
    until: sees,
    state: (name, state) =>
      sees(`${name} ${state}`, () => {
        const view = manager.vm(name);
        return view?.state === state ? view : undefined;
      }),
    ended: async (operation) => (await manager.operations.ended(operation.id)) ?? operation,
    boots,
  };
}

/** Writes a spec into the folder of a place. @returns its file */
export function addSpec(place: Place, name: string, fields: object = {}, file = `${name}.json`): string {
  mkdirSync(place.path('specs'), { recursive: true });
  return place.write(`specs/${file}`, JSON.stringify({ ...smallVm(name), ...fields }));
}

export const removeSpec = (place: Place, file: string): void => {
  rmSync(place.path('specs', file));
};

/** Stops all that runs, quickly. */
export const endNow = ({ manager }: Managing): Promise<void> => manager.end({ kind: 'stop', budgetMs: 0 });
