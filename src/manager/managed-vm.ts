import type { Problem } from '../base/problem.js';
import type { Explanation } from '../explain/rule.js';
import type { LastEnd, RunState } from '../host/run-directory/run-state.js';
import type { GuestAct } from '../supervisor/guest-act.js';
import { unknownTarget } from '../spec/targets.js';
import type { RunResult } from '../supervisor/run-options.js';
import { afterEnd, failureOf, type Failure } from './after-end.js';
import { comingStart, type HeldStart } from './coming-start.js';
import type { Asker, StartRequest, StopRequest } from './manager.js';
import type { BeginOptions, LeftStop, OngoingOperation } from './operation-book.js';
import type { KeptStop } from './operation-record.js';
import type { Operation } from './operations.js';
import { othersOf, type Others } from './other-run.js';
import { ownRun, type RunOver } from './own-run.js';
import { managerEnding, notRunning, replacedBy, runsElsewhere } from './refusals.js';
import { retrying } from './retry.js';
import type { Surroundings } from './surroundings.js';
import { problemsOf, type BootedSpec, type Life } from './vm-life.js';
import { vmLog } from './vm-log.js';
import { readVmRecord } from './vm-record.js';
import type { Wanted } from './vm-view.js';
import { wantedOf, type WantOptions } from './wanted.js';

/** What is known of a VM beside its spec, at one moment. */
export interface VmStatus {
  readonly id: string;
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
  /** Nobody watches what runs of it, and it is not ours. */
  readonly isOrphaned: () => boolean;
  /** Ends that; nothing where there is none. What goes wrong is told. */
  readonly endOrphan: (request: StopRequest) => Promise<void>;
  /** A start that has not begun is called off; what is wanted stays. */
  readonly callOff: (why: Problem) => void;
  /** Stops and restarts that the manager before was asked for, oldest first. */
  readonly seeThrough: (left: readonly LeftStop[]) => void;
  /** A start by itself that others come before. */
  readonly hold: (asker: Asker) => HeldStart;
  readonly want: (state: Wanted['state'], by: string, options?: WantOptions) => void;
  readonly setReady: (isReady: boolean | undefined) => void;
  /** @returns what keeps it from being on the disk: it stays where it is then */
  readonly setGroup: (group: string) => Problem | undefined;
  /** Resolves when no run of ours goes on. */
  readonly idle: () => Promise<void>;
}

/** Of a run that has not told it yet. */
const defaultStopMs = 60_000;

export function managedVm(name: string, around: Surroundings): ManagedVm {
  const { clock, ring, book, records, shelf } = around;
  const wanted = wantedOf(name, readVmRecord(records, name), around);
  const { want } = wanted;
  const log = vmLog();
  const others = othersOf(name, around);
  const own = ownRun(name, {
    around,
    nextSpec: async (): Promise<BootedSpec> => {
      await around.readSpecOf(name);
      return shelf.bootable(name);
    },
    onWords: log.add,
    beforeEnd: note,
    onEnd: goOnAfter,
  });
  const coming = comingStart(() => {
    want('stopped', 'cancel');
  });
  const retry = retrying({
    clock,
    over: around.over,
    launch: (ongoing) => {
      launch(ongoing, wanted.current().target);
    },
  });
  let failure: Failure | undefined;

  const done = (ongoing: OngoingOperation, hadEffect: boolean): Operation => {
    ongoing.done(hadEffect);
    return ongoing.current();
  };
  const failed = (ongoing: OngoingOperation, problems: readonly Problem[]): Operation => {
    ongoing.failed(problems);
    return ongoing.current();
  };
  const begin = (kind: Operation['kind'], { by }: Asker, options?: BeginOptions): OngoingOperation =>
    book.begin({ kind, vm: name, by }, options);
  /** One that is over at once, and that nobody has to find again. */
  const passing = { isKept: false };

  function launch(ongoing: OngoingOperation | undefined, target: string | undefined): void {
    others.see(undefined);
    failure = undefined;
    own.launch(ongoing, target);
  }

  /** A start that has not begun gives way to what was asked for later. */
  function replaceStart(by: string): void {
    coming.callOff(replacedBy(by));
    retry.callOff(replacedBy(by));
  }

  /** Were we killed after the run has removed what is its, the next manager would boot a guest again that is off. */
  function note({ because, end }: RunResult): void {
    if (because === 'asked' || because === 'status-unknown' || coming.isThere()) return;
    const isGuest = because === 'guest' && (end?.kind === 'powered-off' || end?.kind === 'halted');
    want('stopped', isGuest ? 'guest' : 'policy');
  }

  function goOnAfter({ end, starting, stops, tell }: RunOver): void {
    const mayGoOn = !coming.isThere() && wanted.current().state === 'running' && !around.isEnding();
    const step = afterEnd(name, end, { isStopAsked: stops.length > 0, mayGoOn });
    failure = failureOf(end);
    if (failure?.problems.some(({ code }) => code === 'in-use' || code === 'orphan') === true) {
      void others.look().catch(() => undefined);
    }
    if (step.do !== 'retry') retry.reset();
    switch (step.do) {
      case 'retry':
        retry.plan(starting, step.problems);
        break;
      case 'stop-other':
        starting?.interrupted(replacedBy('stop'));
        endOther(stops, {});
        break;
      case 'stopped':
        starting?.interrupted(replacedBy('stop'));
        break;
      case 'ended':
        starting?.failed(step.problems);
        if (step.isBootedAgain) launch(undefined, wanted.current().target);
        break;
    }
    tell();
    if (step.do !== 'stop-other') for (const stop of stops) stop.done();
    goOn();
  }

  /** What waits for the end of a run. */
  function goOn(): void {
    if (own.isThere()) return;
    const next = coming.take();
    if (next === undefined) {
      if (!retry.isPending()) around.onIdle(name);
    } else if (around.isEnding()) {
      next.ongoing.interrupted(managerEnding);
    } else {
      launch(next.ongoing, next.target);
    }
  }

  const keptStop = ({ timeoutMs, now }: StopRequest): KeptStop => ({
    ...(timeoutMs === undefined ? {} : { due: new Date(clock.now().getTime() + timeoutMs).toISOString() }),
    ...(now === true ? { now } : {}),
  });

  function stop(request: StopRequest, asker: Asker): Operation {
    const hadEffect = wanted.current().state === 'running' || coming.isThere();
    const isThereAnother = others.isThere() || retry.isPending();
    replaceStart('stop');
    const warnings = asList(want('stopped', asker.by));
    if (own.isThere()) {
      const ongoing = begin('stop', asker, { stop: keptStop(request), warnings });
      own.stop(request, ongoing);
      return ongoing.current();
    }
    if (isThereAnother) {
      const ongoing = begin('stop', asker, { stop: keptStop(request), warnings });
      endOther([ongoing], request);
      return ongoing.current();
    }
    failure = undefined;
    return done(begin('stop', asker, { isKept: hadEffect, warnings }), hadEffect);
  }

  /** What is not ours, or is in the way of ours. */
  function endOther(ongoing: readonly OngoingOperation[], request: StopRequest): void {
    failure = undefined;
    others.stop(request).then(
      () => {
        for (const each of ongoing) each.done();
        goOn();
      },
      (error: unknown) => {
        for (const each of ongoing) each.failed(problemsOf(error));
      },
    );
  }

  /** @returns the operation where nothing can be started now */
  function refuseStart(kind: 'start' | 'restart', asker: Asker): Operation | undefined {
    if (around.isEnding()) return failed(begin(kind, asker, passing), [managerEnding]);
    if (own.isThere() || !others.isSupervised()) return undefined;
    return kind === 'start'
      ? done(begin(kind, asker, passing), false)
      : failed(begin(kind, asker, passing), [runsElsewhere(name, others.supervisor())]);
  }

  /** What would keep a boot from having a spec, or that target: nobody stops a guest, or wants one, for the sake of it. */
  function whyNoBoot(target: string | undefined): readonly Problem[] {
    try {
      const { targets } = shelf.bootable(name).spec;
      return target === undefined || targets.includes(target) ? [] : [unknownTarget(target, targets)];
    } catch (error) {
      return problemsOf(error);
    }
  }

  const wantRunning = (target: string | undefined, { by }: Asker): readonly Problem[] =>
    asList(want('running', by, target === undefined ? {} : { target }));

  function start({ target }: StartRequest, asker: Asker): Operation {
    const refused = refuseStart('start', asker);
    if (refused !== undefined) return refused;
    if (own.isThere() && !own.isStopping()) {
      if (own.hasBegun()) return done(begin('start', asker, passing), false);
      // Two that ask for the same start have one.
      return own.joinStart(() => begin('start', asker)).current();
    }
    const problems = whyNoBoot(target);
    if (problems.length > 0) return failed(begin('start', asker, passing), problems);
    if (retry.isPending()) {
      const warnings = wantRunning(target, asker);
      return retry.join(() => begin('start', asker, { warnings })).current();
    }
    const same = coming.sameAs(target);
    if (same !== undefined) return same.current();
    replaceStart('start');
    const ongoing = begin('start', asker, { warnings: wantRunning(target, asker) });
    if (own.isThere()) coming.wait({ ongoing, target });
    else launch(ongoing, target);
    return ongoing.current();
  }

  function restart({ target, ...request }: StartRequest & StopRequest, asker: Asker): Operation {
    const refused = refuseStart('restart', asker);
    if (refused !== undefined) return refused;
    const problems = whyNoBoot(target);
    if (problems.length > 0) return failed(begin('restart', asker, passing), problems);
    replaceStart('restart');
    const ongoing = begin('restart', asker, { stop: keptStop(request), warnings: wantRunning(target, asker) });
    if (own.isThere()) {
      own.giveUpStart(replacedBy('restart'));
      coming.wait({ ongoing, target }, { isCancellable: false });
      own.stop(request);
    } else {
      launch(ongoing, target);
    }
    return ongoing.current();
  }

  function act(what: GuestAct, asker: Asker): Operation {
    const ongoing = begin(what, asker);
    const life = own.life();
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

  function seeThrough(left: readonly LeftStop[]): void {
    const stops = left.filter(({ ongoing }) => ongoing.current().kind !== 'restart').map(({ ongoing }) => ongoing);
    const restarts = left.filter(({ ongoing }) => ongoing.current().kind === 'restart').map(({ ongoing }) => ongoing);
    const { by, target } = wanted.current();
    /** The one start that follows: of the restart that was asked for last, or of a start that was asked for during a stop. */
    const startAfter = (): OngoingOperation | undefined => {
      if (wanted.current().state === 'stopped') return undefined;
      return restarts.at(-1) ?? begin('start', { by });
    };
    const giveWay = (next: OngoingOperation | undefined): void => {
      for (const each of restarts) {
        if (each !== next) each.interrupted(replacedBy(next === undefined ? 'stop' : 'restart'));
      }
    };
    if (!own.isThere()) {
      void clearAway().then(() => {
        for (const each of stops) each.done();
        const next = own.isThere() || coming.isThere() ? undefined : startAfter();
        giveWay(next);
        if (next !== undefined) launch(next, target);
      });
      return;
    }
    const next = startAfter();
    giveWay(next);
    if (next !== undefined) coming.wait({ ongoing: next, target });
    for (const { ongoing, stop } of left) own.stop(restOf(stop), restarts.includes(ongoing) ? undefined : ongoing);
  }

  /** What is left of the time that a guest was given. */
  function restOf({ due, now }: KeptStop): StopRequest {
    const leftMs = due === undefined ? NaN : Math.max(0, Date.parse(due) - clock.now().getTime());
    return { ...(Number.isNaN(leftMs) ? {} : { timeoutMs: leftMs }), ...(now === undefined ? {} : { now }) };
  }

  /** What is in the way of a start is known a moment before it has been looked at. */
  const isOrphaned = (): boolean =>
    !own.isThere() &&
    (others.known()?.status === 'orphaned' || failure?.problems.some(({ code }) => code === 'orphan') === true);

  /** What a run that was killed has left. */
  async function clearAway(request: StopRequest = {}): Promise<void> {
    try {
      if (others.isThere()) await others.stop(request);
    } catch (error) {
      for (const problem of problemsOf(error)) ring.tell({ kind: 'warning', vm: name, problem });
    }
  }

  return {
    name,
    others,
    log: log.lines,
    status: () => {
      const { life, state, last, why, isReady } = own.status();
      // Asked of hundreds at each request; a spread costs ten times as much.
      return {
        id: wanted.id,
        life,
        state,
        last,
        isReady,
        wanted: wanted.current(),
        group: wanted.group(),
        others,
        waitsFor: coming.waitsFor(),
        isFailed: failure !== undefined,
        why: failure?.why ?? why,
        problems: failure?.problems ?? wanted.damage(),
        operation: (own.starting() ?? retry.operation() ?? coming.operation() ?? own.stopping())?.id,
      };
    },
    isRunning: own.isThere,
    stopTimeoutMs: () => own.status().state?.stopTimeoutMs ?? defaultStopMs,
    isActive: () => own.isThere() || coming.isThere() || retry.isPending(),
    start,
    stop,
    restart,
    act,
    takeOver: () => {
      if (!own.isThere()) launch(undefined, wanted.current().target);
    },
    tidy: () => {
      void clearAway().then(goOn);
    },
    endWith: own.stop,
    isOrphaned,
    endOrphan: async (request) => {
      if (!isOrphaned()) return;
      await others.look().catch(() => undefined);
      await clearAway(request);
      failure = undefined;
    },
    callOff: (why) => {
      coming.callOff(why);
      retry.callOff(why);
    },
    seeThrough,
    hold: (asker) => {
      const ongoing = begin('start', asker, { isKept: 'soon' });
      const start = coming.hold(
        { ongoing, target: wanted.current().target },
        {
          release: (held) => {
            launch(held.ongoing, held.target);
          },
          giveUp: (problems) => {
            failure = { problems, why: undefined };
          },
        },
      );
      return { ...start, over: book.ended(ongoing.id) };
    },
    want,
    setReady: own.setReady,
    setGroup: wanted.setGroup,
    idle: own.idle,
  };
}

const asList = (problem: Problem | undefined): readonly Problem[] => (problem === undefined ? [] : [problem]);
