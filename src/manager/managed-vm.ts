import type { Problem } from '../base/problem.js';
import type { Explanation } from '../explain/rule.js';
import type { LastEnd, RunState } from '../host/run-directory/run-state.js';
import type { GuestAct } from '../supervisor/guest-act.js';
import type { RunEvent } from '../supervisor/events.js';
import { readKeptSpec } from '../supervisor/kept-spec.js';
import type { RunResult } from '../supervisor/run-options.js';
import type { Asker, StartRequest, StopRequest } from './manager.js';
import type { OngoingOperation } from './operation-book.js';
import type { KeptStop } from './operation-record.js';
import type { Operation } from './operations.js';
import { othersOf, type Others } from './other-run.js';
import { cancelled, managerEnding, notRunning, replacedBy, runsElsewhere } from './refusals.js';
import type { Surroundings } from './surroundings.js';
import { beginLife, problemsOf, type BootedSpec, type Life, type LifeEnd } from './vm-life.js';
import { vmLog } from './vm-log.js';
import { readVmRecord, recordName, rootGroup, type VmRecord } from './vm-record.js';
import type { Wanted } from './vm-view.js';

/** What is known of a VM beside its spec, at one moment. */
export interface VmStatus {
  readonly wanted: Wanted;
  readonly group: string;
  readonly life: Life | undefined;
  /** What our run tells, if there is one. */
  readonly state: RunState | undefined;
  /** Runs that are not ours. */
  readonly others: Others;
  /** Names that it waits for. */
  readonly waitsFor: readonly string[] | undefined;
  /** It was to run and could not, or was given up. */
  readonly isFailed: boolean;
  readonly why: Explanation | undefined;
  readonly problems: readonly Problem[];
  readonly last: LastEnd | undefined;
  readonly isReady: boolean | undefined;
  readonly operation: string | undefined;
}

/** A start that waits for other VMs. */
export interface HeldStart {
  readonly isWaiting: () => boolean;
  /** Those that it waits for yet. */
  readonly waitFor: (names: readonly string[]) => void;
  readonly release: () => void;
  readonly giveUp: (problems: readonly Problem[]) => void;
}

/** A VM in the hands of its manager: at most one run, what is wanted, and what was asked for. */
export interface ManagedVm {
  readonly name: string;
  readonly status: () => VmStatus;
  readonly others: Others;
  readonly log: () => readonly string[];
  /** A run of ours goes on. */
  readonly isRunning: () => boolean;
  /** How long its guest has to power off. */
  readonly stopTimeoutMs: () => number;
  /** A run of ours goes on, or is about to begin. */
  readonly isActive: () => boolean;
  readonly start: (request: StartRequest, asker: Asker) => Operation;
  readonly stop: (request: StopRequest, asker: Asker) => Operation;
  readonly restart: (request: StartRequest & StopRequest, asker: Asker) => Operation;
  readonly act: (what: GuestAct, asker: Asker) => Operation;
  /** Takes over what runs, or runs on what was begun; nobody has asked for it. */
  readonly takeOver: () => void;
  /** Removes what a run that was killed has left. */
  readonly tidy: () => void;
  /** The manager ends: a stop that nobody has asked for by name, so what is wanted stays. Earlier ends win. */
  readonly endWith: (request: StopRequest) => void;
  /** A start that has not begun is called off; what is wanted stays. */
  readonly callOff: () => void;
  /** A stop that the manager before was asked for. */
  readonly seeThrough: (ongoing: OngoingOperation, stop: KeptStop) => void;
  /** A start by itself that others come before. */
  readonly hold: (asker: Asker) => HeldStart;
  readonly want: (
    state: Wanted['state'],
    by: string,
    options?: { readonly isKept?: boolean; readonly target?: string },
  ) => void;
  readonly setReady: (isReady: boolean | undefined) => void;
  /** Resolves when no run of ours goes on. */
  readonly idle: () => Promise<void>;
}

/** Of a run that has not told it yet. */
const defaultStopMs = 60_000;
/** A start is tried again after so long; who waits for it is told of the failure in the end. */
const retryMs = { first: 100, last: 5000, told: 60_000 } as const;

export function managedVm(name: string, around: Surroundings): ManagedVm {
  const { clock, ring, book, records, shelf } = around;
  const log = vmLog();
  const others = othersOf(name, around);
  const kept = readVmRecord(records, name);
  const known: VmRecord | undefined = kept === 'damaged' ? undefined : kept;
  let wanted: Wanted = known?.wanted ?? { state: 'stopped', since: clock.now().toISOString(), by: 'nobody' };
  const group = known?.group ?? rootGroup;
  let life: Life | undefined;
  let idle: Promise<void> = Promise.resolve();
  /** Goes on until its first bhyve runs. */
  let starting: OngoingOperation | undefined;
  /** Waits for other VMs, or for the end of the run that is being stopped. */
  let next:
    { readonly ongoing: OngoingOperation; readonly target: string | undefined; readonly isHeld: boolean } | undefined;
  let waitsFor: readonly string[] | undefined;
  let isStopping = false;
  /** Its run has a bhyve, or had one. */
  let hasBegun = false;
  /** Ended stops are told when the run is over. */
  const stops = new Set<OngoingOperation>();
  let failure: { readonly problems: readonly Problem[]; readonly why: Explanation | undefined } | undefined;
  let last: LastEnd | undefined;
  let why: Explanation | undefined;
  let lastEvent: RunEvent | undefined;
  let isReady: boolean | undefined;

  /** The boot of the host that the file of this VM names. */
  let keptIn = known?.hostBoot;
  /** Its start is tried again, for this operation. */
  let isRetrying = false;
  let retrying: OngoingOperation | undefined;

  if (kept === 'damaged') ring.tell({ kind: 'warning', vm: name, problem: damagedRecord(name) });

  function want(
    state: Wanted['state'],
    by: string,
    { isKept = true, target }: { readonly isKept?: boolean; readonly target?: string } = {},
  ): void {
    const isSame = wanted.state === state && wanted.target === target;
    if (isSame && (!isKept || keptIn === around.hostBoot)) return;
    wanted = { state, since: clock.now().toISOString(), by, ...(target === undefined ? {} : { target }) };
    if (isKept) {
      keptIn = around.hostBoot;
      records.keep(recordName(name), { wanted, hostBoot: keptIn, group });
    }
    if (!isSame) ring.tell({ kind: 'wanted', vm: name, wanted });
  }

  const done = (ongoing: OngoingOperation, hadEffect: boolean): Operation => {
    ongoing.done(hadEffect);
    return ongoing.current();
  };
  const failed = (ongoing: OngoingOperation, problems: readonly Problem[]): Operation => {
    ongoing.failed(problems);
    return ongoing.current();
  };
  const begin = (kind: Operation['kind'], { by }: Asker, isKept = true, stop?: KeptStop): OngoingOperation =>
    book.begin({ kind, vm: name, by }, { isKept, ...(stop === undefined ? {} : { stop }) });

  /** A start that has not begun gives way to what was asked for later. */
  function replaceNext(by: string): void {
    const { ongoing } = next ?? {};
    next = undefined;
    waitsFor = undefined;
    ongoing?.interrupted(replacedBy(by));
  }

  const nextSpec = async (): Promise<BootedSpec> => {
    await around.readSpecOf(name);
    return shelf.bootable(name);
  };

  function launch(ongoing: OngoingOperation | undefined, target: string | undefined): void {
    others.see(undefined);
    starting = ongoing;
    ongoing?.whenCancelled(undefined);
    failure = undefined;
    isStopping = false;
    isReady = undefined;
    hasBegun = false;
    const begun = beginLife({
      options: {
        ...around.runOptions,
        adopt: true,
        onStderr: log.add,
        onHookOutput: log.add,
        beforeEnd: note,
        ...(target === undefined ? {} : { target }),
      },
      nextSpec,
      clock,
      onEvent: hear,
    });
    life = begun;
    idle = begun.over.then(ended);
  }

  function hear(event: RunEvent): void {
    if (event.kind === 'stop') {
      // Who hears of the end finds a VM that has ended.
      lastEvent = event;
      return;
    }
    ring.tell({ kind: 'run', vm: name, event });
    if (event.kind === 'boot' || event.kind === 'adopted') {
      why = undefined;
      isReady = undefined;
      hasBegun = true;
      starting?.done();
      starting = undefined;
      if (event.kind === 'adopted') void findBooted(life);
      if (life !== undefined) around.onBoot(name, life, event);
    } else if (event.kind === 'exit') {
      isReady = undefined;
      ({ why } = event);
      around.onExit(name);
    }
  }

  /** What a bhyve runs with that was taken over. */
  async function findBooted(adopter: Life | undefined): Promise<void> {
    const kept = await readKeptSpec(name, around.runOptions);
    if (kept !== undefined) adopter?.setBooted(kept);
  }

  function ended(end: LifeEnd): void {
    const over = life;
    last = over?.run.state().last ?? last;
    life = undefined;
    isStopping = false;
    isReady = undefined;
    const ongoing = starting;
    starting = undefined;
    const event = lastEvent;
    lastEvent = undefined;
    if (end.kind === 'failed') {
      failure = { problems: end.problems, why: undefined };
      if (end.problems.some(({ code }) => code === 'in-use' || code === 'orphan'))
        void others.look().catch(() => undefined);
      if (isInTheWay(end.problems) && stops.size === 0 && mayGoOn()) {
        retrying = ongoing;
        if (!isRetrying) void tryAgain();
        isRetrying = true;
      } else if (isInTheWay(end.problems) && stops.size > 0) {
        ongoing?.interrupted(replacedBy('stop'));
        endOther([...stops], {});
        stops.clear();
      } else {
        ongoing?.failed(end.problems);
      }
    } else {
      tellPolicy(end, ongoing);
    }
    if (event !== undefined) ring.tell({ kind: 'run', vm: name, event });
    for (const stop of stops) stop.done();
    stops.clear();
    goOn();
  }

  const mayGoOn = (): boolean => next === undefined && wanted.state === 'running' && !around.isEnding();

  /** Before anything of the run is removed: were we killed then, the next manager would boot a guest again that is off. */
  function note({ because, end }: RunResult): void {
    if (because === 'asked' || because === 'status-unknown' || next !== undefined) return;
    const isGuest = because === 'guest' && (end?.kind === 'powered-off' || end?.kind === 'halted');
    want('stopped', isGuest ? 'guest' : 'policy');
  }

  /** The guest powered off, its policy lets no boot follow, or somebody asked for a stop. */
  function tellPolicy({ result }: Extract<LifeEnd, { kind: 'ended' }>, ongoing: OngoingOperation | undefined): void {
    const { because } = result;
    why = result.why ?? why;
    if (because === 'asked') {
      ongoing?.interrupted(replacedBy('stop'));
      return;
    }
    if (result.why !== undefined || because === 'restart-limit') failure = { problems: [], why: result.why };
    ongoing?.failed([endedAtOnce(name, because)]);
    // Nobody knows how its bhyve ended: as one that ended while there was no manager.
    if (because === 'status-unknown' && mayGoOn()) launch(undefined, wanted.target);
  }

  /** What a manager which was killed has left is in the way, a loader as a rule: it ends by itself. */
  async function tryAgain(): Promise<void> {
    const endMs = clock.monotonicMs() + retryMs.told;
    for (let pauseMs: number = retryMs.first; failure !== undefined; pauseMs = Math.min(2 * pauseMs, retryMs.last)) {
      await clock.sleep(pauseMs, around.over);
      if (life !== undefined || !mayGoOn()) break;
      const ongoing = retrying;
      retrying = undefined;
      if (clock.monotonicMs() >= endMs) ongoing?.failed(failure.problems);
      isRetrying = true;
      launch(ongoing?.isOver() === true ? undefined : ongoing, wanted.target);
      await idle;
    }
    isRetrying = false;
    retrying?.interrupted(replacedBy('stop'));
    retrying = undefined;
  }

  /** What waits for the end of a run. */
  function goOn(): void {
    if (next === undefined || next.isHeld || life !== undefined) {
      if (life === undefined && !isRetrying) around.onIdle(name);
      return;
    }
    const { ongoing, target } = next;
    next = undefined;
    if (around.isEnding()) ongoing.interrupted(managerEnding);
    else launch(ongoing, target);
  }

  function askStop(request: StopRequest): void {
    if (life === undefined) return;
    isStopping = true;
    void life.stop(request).then((outcome) => {
      if (outcome.kind === 'done') return;
      // It goes on all the same: who waits for the stop is told.
      for (const stop of stops) stop.failed([outcome.problem]);
      stops.clear();
    });
  }

  function addStop(ongoing: OngoingOperation, request: StopRequest): void {
    stops.add(ongoing);
    askStop(request);
  }

  const keptStop = ({ timeoutMs, now }: StopRequest): KeptStop => ({
    ...(timeoutMs === undefined ? {} : { due: new Date(clock.now().getTime() + timeoutMs).toISOString() }),
    ...(now === true ? { now } : {}),
  });

  function stop(request: StopRequest, asker: Asker): Operation {
    const wasWanted = wanted.state === 'running' || next !== undefined;
    const replaced = next !== undefined;
    replaceNext('stop');
    if (life === undefined) {
      if (others.isThere() || isRetrying) return stopOther(request, asker);
      want('stopped', asker.by);
      failure = undefined;
      return done(begin('stop', asker, false), wasWanted || replaced);
    }
    want('stopped', asker.by);
    const ongoing = begin('stop', asker, true, keptStop(request));
    addStop(ongoing, request);
    return ongoing.current();
  }

  function stopOther(request: StopRequest, asker: Asker): Operation {
    want('stopped', asker.by);
    const ongoing = begin('stop', asker);
    endOther([ongoing], request);
    return ongoing.current();
  }

  /** What is not ours, or is in the way of ours. */
  function endOther(ongoing: readonly OngoingOperation[], request: StopRequest): void {
    failure = undefined;
    others.stop(request).then(
      () => {
        for (const each of ongoing) each.done();
      },
      (error: unknown) => {
        for (const each of ongoing) each.failed(problemsOf(error));
      },
    );
  }

  /** @returns the operation where nothing can be started now */
  function refuseStart(kind: 'start' | 'restart', asker: Asker): Operation | undefined {
    if (around.isEnding()) return failed(begin(kind, asker, false), [managerEnding]);
    const { supervisor, isSupervised } = others;
    if (life === undefined && isSupervised()) {
      return kind === 'start'
        ? done(begin(kind, asker, false), false)
        : failed(begin(kind, asker, false), [runsElsewhere(name, supervisor())]);
    }
    return undefined;
  }

  function start({ target }: StartRequest, asker: Asker): Operation {
    const refused = refuseStart('start', asker);
    if (refused !== undefined) return refused;
    if (life !== undefined && !isStopping) {
      if (hasBegun) return done(begin('start', asker, false), false);
      // Two that ask for the same start have one.
      starting ??= begin('start', asker);
      return starting.current();
    }
    if (life === undefined && isRetrying) {
      want('running', asker.by, target === undefined ? {} : { target });
      retrying ??= begin('start', asker);
      return retrying.current();
    }
    if (next !== undefined && !next.isHeld && next.target === target) return next.ongoing.current();
    replaceNext('start');
    want('running', asker.by, target === undefined ? {} : { target });
    const ongoing = begin('start', asker);
    if (life === undefined) launch(ongoing, target);
    else wait(ongoing, target);
    return ongoing.current();
  }

  /** Until the run is over that is being stopped. */
  function wait(ongoing: OngoingOperation, target: string | undefined): void {
    next = { ongoing, target, isHeld: false };
    ongoing.whenCancelled(() => {
      if (next?.ongoing !== ongoing) return;
      next = undefined;
      want('stopped', 'cancel');
      ongoing.interrupted(cancelled);
    });
  }

  function restart({ target, ...request }: StartRequest & StopRequest, asker: Asker): Operation {
    const refused = refuseStart('restart', asker);
    if (refused !== undefined) return refused;
    replaceNext('restart');
    const ongoing = begin('restart', asker, true, keptStop(request));
    want('running', asker.by, target === undefined ? {} : { target });
    if (life === undefined) {
      launch(ongoing, target);
    } else {
      starting?.interrupted(replacedBy('restart'));
      starting = undefined;
      next = { ongoing, target, isHeld: false };
      askStop(request);
    }
    return ongoing.current();
  }

  function act(what: GuestAct, asker: Asker): Operation {
    const ongoing = begin(what, asker);
    if (life === undefined) {
      const problem = others.isSupervised() ? runsElsewhere(name, others.supervisor()) : notRunning(name);
      return failed(ongoing, [problem]);
    }
    void life.run.request({ kind: what }).then((outcome) => {
      if (outcome.kind === 'done') ongoing.done();
      else ongoing.failed([outcome.problem]);
    });
    return ongoing.current();
  }

  function seeThrough(ongoing: OngoingOperation, { due, now }: KeptStop): void {
    const isRestart = ongoing.current().kind === 'restart';
    const { by, target } = wanted;
    const start = (): OngoingOperation | undefined =>
      wanted.state === 'stopped' ? undefined : isRestart ? ongoing : begin('start', { by });
    if (life === undefined) {
      void clearAway().then(() => {
        if (!isRestart) ongoing.done();
        const then = life === undefined && next === undefined ? start() : undefined;
        if (then !== undefined) launch(then, target);
        else if (isRestart) ongoing.interrupted(replacedBy('stop'));
      });
      return;
    }
    const then = start();
    if (then !== undefined) wait(then, target);
    const leftMs = due === undefined ? NaN : Math.max(0, Date.parse(due) - clock.now().getTime());
    if (!isRestart) stops.add(ongoing);
    askStop({ ...(Number.isNaN(leftMs) ? {} : { timeoutMs: leftMs }), ...(now === undefined ? {} : { now }) });
  }

  /** What a run that was killed has left. */
  async function clearAway(): Promise<void> {
    try {
      if (others.isThere()) await others.stop({});
    } catch (error) {
      for (const problem of problemsOf(error)) ring.tell({ kind: 'warning', vm: name, problem });
    }
  }

  function hold(asker: Asker): HeldStart {
    const ongoing = begin('start', asker, false);
    const isWaiting = (): boolean => next?.ongoing === ongoing;
    next = { ongoing, target: wanted.target, isHeld: true };
    ongoing.whenCancelled(() => {
      if (!isWaiting()) return;
      next = undefined;
      waitsFor = undefined;
      want('stopped', 'cancel');
      ongoing.interrupted(cancelled);
    });
    return {
      isWaiting,
      waitFor: (names) => {
        if (isWaiting()) waitsFor = names;
      },
      release: () => {
        if (!isWaiting()) return;
        const target = next?.target;
        next = undefined;
        waitsFor = undefined;
        launch(ongoing, target);
      },
      giveUp: (problems) => {
        if (!isWaiting()) return;
        next = undefined;
        waitsFor = undefined;
        failure = { problems, why: undefined };
        ongoing.failed(problems);
      },
    };
  }

  return {
    name,
    others,
    log: log.lines,
    status: () => {
      const state = life?.run.state();
      return {
        wanted,
        group,
        life,
        state,
        others,
        waitsFor,
        isFailed: failure !== undefined,
        why: failure?.why ?? why,
        problems: failure?.problems ?? [],
        last: state?.last ?? last,
        isReady,
        operation: (starting ?? retrying ?? next?.ongoing ?? [...stops].at(-1))?.id,
      };
    },
    isRunning: () => life !== undefined,
    stopTimeoutMs: () => life?.run.state().stopTimeoutMs ?? defaultStopMs,
    isActive: () => life !== undefined || next !== undefined || isRetrying,
    start,
    stop,
    restart,
    act,
    takeOver: () => {
      if (life === undefined) launch(undefined, wanted.target);
    },
    tidy: () => {
      void clearAway().then(goOn);
    },
    endWith: askStop,
    callOff: () => {
      const { ongoing } = next ?? {};
      next = undefined;
      waitsFor = undefined;
      ongoing?.interrupted(managerEnding);
    },
    seeThrough,
    hold,
    want: (state, by, options) => {
      want(state, by, options);
    },
    setReady: (ready) => {
      isReady = ready;
    },
    idle: async () => {
      while (life !== undefined) await idle;
    },
  };
}

/** Something runs that was started for this VM, and is no bhyve that can be taken over. */
const isInTheWay = (problems: readonly Problem[]): boolean => problems.some(({ code }) => code === 'orphan');

const endedAtOnce = (name: string, because: string): Problem => ({
  code: 'ended',
  severity: 'error',
  message: `${name} ended before a guest ran (${because})`,
  fix: 'see why in its log',
});

const damagedRecord = (name: string): Problem => ({
  code: 'damaged-state',
  severity: 'warning',
  message: `what the state folder keeps of ${name} is damaged: nobody knows any more what was wanted of it`,
  fix: 'start or stop it, and what is wanted is known again',
});
