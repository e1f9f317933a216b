import { setMaxListeners } from 'node:events';
import { ProblemsError, type Problem } from '../base/problem.js';
import { describeSystemError, systemError } from '../host/errno.js';
import { makeFolders } from '../host/files/make-folders.js';
import { openStateFolder, type StateFolder } from '../host/files/state-folder.js';
import { systemHost } from '../host/host.js';
import { hostBootId } from '../host/look/host-boot.js';
import { runDirectoryOf, systemRunBase } from '../host/run-directory/run-base.js';
import { holderWords } from '../host/run-directory/run-files.js';
import { forecastSeverity } from '../report/with-forecast.js';
import type { Spec } from '../spec/parse-spec.js';
import type { RunOptions } from '../supervisor/run-options.js';
import { autostarter } from './autostart.js';
import { autostartOf } from './autostart-of.js';
import { ender } from './ending.js';
import { eventRing, keptEvents } from './event-ring.js';
import { joined } from './joined.js';
import { keptRecords } from './kept-records.js';
import { managedVm, type ManagedVm } from './managed-vm.js';
import type { Manager } from './manager.js';
import { operationBook } from './operation-book.js';
import type { ManagerOptions } from './options.js';
import { readyWatch } from './ready.js';
import { specRemoved, unknownVm } from './refusals.js';
import { specShelf, type Looked, type SpecShelf } from './spec-shelf.js';
import { specTexts } from './spec-texts.js';
import { startOrder, type StartOrder } from './start-order.js';
import { startUp } from './start-up.js';
import type { Surroundings } from './surroundings.js';
import { viewTeller, type TellView } from './view-of.js';
import { watchOthers } from './watch-others.js';
import { recordName } from './vm-record.js';
import type { VmView } from './vm-view.js';

/** What the state folder has besides its files. */
export const stateFolders = ['vms', 'specs', 'accepted', 'operations'] as const;

/**
 * Starts a manager: reads the specs, takes over what runs, starts what was wanted and is gone, and what is to start by
 * itself. It resolves when all of that is under way; no guest is waited for.
 * @throws ProblemsError `in-use` where another manager uses the state folder, `cannot-create` where a folder cannot be used
 */
export async function createManager(options: ManagerOptions): Promise<Manager> {
  const { host = systemHost(), runBase = systemRunBase() } = options;
  const { clock } = host;
  const platform = options.platform ?? host.platform;
  for (const folder of [options.specs, runBase]) makeFolder(folder);
  const isOwnFolder = typeof options.state === 'string';
  const state = await stateOf(options.state, holderWords(host.pid, clock.now().toISOString()));
  const ring = eventRing(clock);
  const records = keptRecords(state, {
    clock,
    onWarning: (problem) => {
      ring.tell({ kind: 'warning', problem });
    },
  });
  const book = operationBook(records, {
    clock,
    onChange: (operation) => {
      ring.tell({ kind: 'operation', vm: operation.vm, operation });
    },
    onDamaged: (problem) => {
      ring.tell({ kind: 'warning', problem });
    },
  });
  const vms = new Map<string, ManagedVm>();
  const views = new Map<string, TellView>();
  /** Of VMs that are gone: who could see them is to hear of that, however late he reads. */
  const lastGroups = new Map<string, string>();
  const over = new AbortController();
  // Hundreds of VMs hear of the end.
  setMaxListeners(0, over.signal);
  const reading = { hostBhyve: platform, severity: forecastSeverity(options.bhyve?.[0] ?? '') };
  const shelf = specShelf({
    folders: { specs: options.specs, own: state.file('specs') },
    // One that waits for others has not begun: without its file it is not started any more.
    isInUse: (name) => vms.get(name)?.isActive() === true && vms.get(name)?.status().waitsFor === undefined,
    onDamaged: (vm, problem) => {
      ring.tell({ kind: 'warning', vm, problem });
    },
    ...{ records, clock, ...reading },
  });
  let order: StartOrder = { waits: new Map(), problems: new Map() };
  const ready = readyWatch({
    host,
    onReady: (name, isReady, why) => {
      vms.get(name)?.setReady(isReady);
      ring.tell({ kind: 'ready', vm: name, isReady, ...(why === undefined ? {} : { why }) });
      if (isReady) starter.ready(name);
    },
  });
  const around: Surroundings = {
    ...{ host, clock, ring, book, records, shelf, runBase },
    runOptions: runOptionsOf(options, { host, runBase, platform, managedBy: options.socket ?? state.path }),
    hostBoot: await hostBootId(host.run),
    isEnding: () => over.signal.aborted,
    over: over.signal,
    readSpecOf: async (name) => {
      tell(await shelf.lookAt((shelf.get(name)?.files ?? []).map(({ file }) => file)));
    },
    onBoot: ready.watch,
    onExit: ready.forget,
    onIdle: (name) => {
      starter.idle(name);
      if (shelf.forget(name)) remove(name);
    },
  };
  const starter = autostarter({ around, shelf, vms, order: () => order });
  const end = ender({ clock, vms, waits: () => order.waits });

  function vmOf(name: string): ManagedVm {
    const vm = vms.get(name);
    if (vm === undefined || shelf.get(name) === undefined) throw unknownVm(name);
    return vm;
  }

  function remove(name: string): void {
    const vm = vms.get(name);
    vm?.callOff(specRemoved(name));
    if (vm !== undefined) {
      lastGroups.set(name, vm.status().group);
      const [oldest] = lastGroups.keys();
      if (lastGroups.size > keptEvents && oldest !== undefined) lastGroups.delete(oldest);
    }
    vms.delete(name);
    views.delete(name);
    records.drop(recordName(name));
    ring.tell({ kind: 'spec', vm: name, what: 'removed', problems: [] });
  }

  /** What a look has found is known from then on. */
  function tell({ added, changed, removed }: Looked): void {
    if (added.length + changed.length + removed.length > 0) order = startOrder(nextSpecs(shelf), shelf.names());
    for (const [what, names] of [
      ['added', added],
      ['changed', changed],
    ] as const) {
      for (const name of names) {
        if (!vms.has(name)) vms.set(name, managedVm(name, around));
        lastGroups.delete(name);
        ring.tell({ kind: 'spec', vm: name, what, problems: problemsOf(name) });
      }
    }
    for (const name of removed) remove(name);
  }

  const problemsOf = (name: string): readonly Problem[] => [
    ...(shelf.get(name)?.problems ?? []),
    ...(order.problems.get(name) ?? []),
  ];

  function view(name: string): VmView | undefined {
    const [vm, shelved] = [vms.get(name), shelf.get(name)];
    if (vm === undefined || shelved === undefined) return undefined;
    const tell = views.get(name) ?? viewTeller(name, { ...platform, runDirectory: runDirectoryOf(runBase, name) });
    views.set(name, tell);
    const { files, accepted } = shelved;
    return tell(vm.status(), { name, files, accepted, problems: problemsOf(name) });
  }

  const texts = specTexts({ ...{ state, shelf, reading, view, tell }, vm: (name) => vms.get(name) });
  const close = (): void => {
    records.end();
    ring.end();
    if (isOwnFolder) state.release();
  };
  let isClosed = false;

  const reload = joined(async () => {
    const looked = await shelf.look();
    tell(looked);
    const notStarted = looked.added.filter((name) => {
      const spec = shelf.get(name)?.accepted?.spec;
      return spec !== undefined && autostartOf(spec).isAutomatic;
    });
    return {
      ...looked,
      ...(notStarted.length === 0 ? {} : { notStarted }),
      problems: [...looked.problems, ...[...order.problems.values()].flat()],
    };
  });

  const manager: Manager = {
    vms: () =>
      shelf
        .names()
        .toSorted()
        .map(view)
        .filter((each) => each !== undefined),
    vm: view,
    groupOf: (name) => vms.get(name)?.status().group ?? lastGroups.get(name),
    events: { subscribe: ring.subscribe },
    operations: { list: book.list, get: book.get, ended: book.ended, cancel: book.cancel },
    readSpecOf: around.readSpecOf,
    start: (name, request, asker) => vmOf(name).start(request, asker),
    stop: (name, request, asker) => vmOf(name).stop(request, asker),
    restart: (name, request, asker) => vmOf(name).restart(request, asker),
    act: (name, what, asker) => vmOf(name).act(what, asker),
    reload,
    ...texts,
    setGroup: (name, group) => vmOf(name).setGroup(group),
    accepted: (name) => {
      vmOf(name);
      return shelf.bootable(name).spec;
    },
    log: (name) => vmOf(name).log(),
    end: async (ending) => {
      over.abort();
      ready.end();
      await end(ending);
      if (isClosed) return;
      isClosed = true;
      book.end();
      if (ending.kind === 'stop') close();
      // The runs go on until the process ends, and so does the lock of the state folder: nobody may take them over before.
      else records.end();
    },
  };
  try {
    await startUp({ around, shelf, vms, tell, starter, book, beforeStart: async () => options.beforeStart?.(manager) });
    watchOthers({ around, vms });
  } catch (error) {
    over.abort();
    close();
    throw error;
  }
  return manager;
}

/** The specs of the next boots, of the VMs that have one. */
const nextSpecs = (shelf: SpecShelf): ReadonlyMap<string, Spec> =>
  new Map(
    shelf.names().flatMap((name) => {
      const accepted = shelf.get(name)?.accepted;
      return accepted === undefined ? [] : [[name, accepted.spec] as const];
    }),
  );

/** Of every run. */
function runOptionsOf(
  { bhyve, loaders, env, check }: ManagerOptions,
  own: Pick<RunOptions, 'host' | 'runBase' | 'platform' | 'managedBy'>,
): RunOptions {
  return {
    ...own,
    keepSpec: true,
    servesStdio: true,
    ...(bhyve === undefined ? {} : { bhyve }),
    ...(loaders === undefined ? {} : { loaders }),
    ...(env === undefined ? {} : { env }),
    ...(check === undefined ? {} : { check }),
  };
}

const stateOf = (state: ManagerOptions['state'], holder: string): Promise<StateFolder> =>
  typeof state === 'string' ? openStateFolder(state, { folders: stateFolders, holder }) : Promise.resolve(state);

/** @throws ProblemsError `cannot-create` */
function makeFolder(folder: string): void {
  try {
    makeFolders(folder);
  } catch (error) {
    const message = `the folder cannot be made: ${describeSystemError(systemError(error))}`;
    const fix = 'make it, or name another';
    throw new ProblemsError('cannot-create', folder, [{ code: 'folder', severity: 'error', message, fix }]);
  }
}
