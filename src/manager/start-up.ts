import { readKeptSpec, type KeptSpecOptions } from '../supervisor/kept-spec.js';
import { errorReason } from '../base/error-words.js';
import { listRuns, type KnownRun } from '../supervisor/runs.js';
import type { Autostarter } from './autostart.js';
import type { ManagedVm } from './managed-vm.js';
import type { LeftStop, OperationBook } from './operation-book.js';
import type { Looked, SpecShelf } from './spec-shelf.js';
import type { Surroundings } from './surroundings.js';

export interface StartUpOptions {
  readonly around: Pick<Surroundings, 'runBase' | 'host' | 'ring' | 'records' | 'runOptions'>;
  readonly shelf: SpecShelf;
  readonly vms: ReadonlyMap<string, ManagedVm>;
  readonly tell: (looked: Looked) => void;
  readonly starter: Autostarter;
  readonly book: Pick<OperationBook, 'leftStops'>;
  /** Called when all VMs are known and none is started. */
  readonly beforeStart: () => Promise<void>;
}

/** What a manager does first: it finds the specs and what runs of them, and goes on with what the one before was at. */
export async function startUp({ around, shelf, vms, tell, starter, book, beforeStart }: StartUpOptions): Promise<void> {
  const { records } = around;
  const looked = await shelf.look();
  const runs = await runsLeft(around);
  const lost = await keepLost(runs, shelf, around.runOptions, records.names('accepted'));
  tell({ ...looked, added: [...looked.added, ...lost] });
  await beforeStart();
  const stops = book.leftStops();
  const stopsOf = new Map<string, readonly LeftStop[]>();
  for (const left of stops) {
    const { vm } = left.ongoing.current();
    stopsOf.set(vm, [...(stopsOf.get(vm) ?? []), left]);
  }
  starter.begin(runs, new Set(stopsOf.keys()));
  for (const [name, left] of stopsOf) {
    const vm = vms.get(name);
    if (vm === undefined) for (const { ongoing } of left) ongoing.done();
    else vm.seeThrough(left);
  }
  shelf.tidy();
}

/** The kernel lets go of the locks of a process that was killed one after the other. */
const dyingMs = { most: 10_000, pause: 10 } as const;

/** What runs, and was left; the manager before, which has lost its state folder to us, runs none of it any more. */
async function runsLeft({
  runBase,
  host,
  ring,
  runOptions: { managedBy },
}: StartUpOptions['around']): Promise<readonly KnownRun[]> {
  const endMs = host.clock.monotonicMs() + dyingMs.most;
  for (;;) {
    const unknown = new Map<string, unknown>();
    const runs = await listRuns({ runBase, host, onUnknown: (name, error) => unknown.set(name, error) });
    const isDying = runs.some((run) => run.managedBy !== undefined && run.managedBy === managedBy);
    if (isDying && host.clock.monotonicMs() < endMs) {
      await host.clock.sleep(dyingMs.pause);
      continue;
    }
    for (const [vm, error] of unknown) {
      const message = `whether ${vm} runs is not known: ${errorReason(error)}`;
      ring.tell({ kind: 'warning', vm, problem: { code: 'run-unknown', severity: 'warning', message } });
    }
    return runs;
  }
}

/** VMs that run though their files are gone. */
async function keepLost(
  runs: readonly KnownRun[],
  shelf: SpecShelf,
  reading: KeptSpecOptions,
  accepted: readonly string[],
): Promise<readonly string[]> {
  const lost: string[] = [];
  for (const { name, status, state } of runs) {
    if (status === 'supervised' || shelf.get(name) !== undefined) continue;
    // A run of somebody else's is none of ours.
    if (state?.managedBy === undefined && !accepted.includes(name)) continue;
    if (await shelf.keepLost(name, await readKeptSpec(name, reading))) lost.push(name);
  }
  return lost;
}
