import type { Problem } from '../base/problem.js';
import type { Explanation } from '../explain/rule.js';
import type { LastEnd, RunState } from '../host/run-directory/run-state.js';
import type { RunEvent } from '../supervisor/events.js';
import { readKeptSpec } from '../supervisor/kept-spec.js';
import type { RunResult } from '../supervisor/run-options.js';
import type { StopRequest } from './manager.js';
import type { OngoingOperation } from './operation-book.js';
import type { Surroundings } from './surroundings.js';
import { beginLife, type BootedSpec, type Life, type LifeEnd } from './vm-life.js';

/** What a run of ours leaves to be decided when it has ended. */
export interface RunOver {
  readonly end: LifeEnd;
  /** The start that has no guest yet. */
  readonly starting: OngoingOperation | undefined;
  /** Those that wait for the end. */
  readonly stops: readonly OngoingOperation[];
  /** Tells its last event: who hears of the end finds a VM that has ended. */
  readonly tell: () => void;
}

/** What is known of our run of a VM, or of the last one. */
export interface OwnRunStatus {
  readonly life: Life | undefined;
  readonly state: RunState | undefined;
  readonly last: LastEnd | undefined;
  readonly why: Explanation | undefined;
  readonly isReady: boolean | undefined;
}

/** The run of a VM that is ours: at most one at a time. */
export interface OwnRun {
  readonly isThere: () => boolean;
  readonly life: () => Life | undefined;
  readonly isStopping: () => boolean;
  /** It has a bhyve, or had one. */
  readonly hasBegun: () => boolean;
  readonly status: () => OwnRunStatus;
  /** The operation that goes on with it. */
  readonly starting: () => OngoingOperation | undefined;
  readonly stopping: () => OngoingOperation | undefined;
  /** @param ongoing done when its first bhyve runs @param target of its first boot */
  readonly launch: (ongoing: OngoingOperation | undefined, target: string | undefined) => void;
  /** Has an operation for whoever asks for the start that goes on. */
  readonly joinStart: (begin: () => OngoingOperation) => OngoingOperation;
  readonly giveUpStart: (why: Problem) => void;
  /** @param ongoing done when the run is over */
  readonly stop: (request: StopRequest, ongoing?: OngoingOperation) => void;
  readonly setReady: (isReady: boolean | undefined) => void;
  /** Resolves when no run goes on. */
  readonly idle: () => Promise<void>;
}

export interface OwnRunOptions {
  readonly around: Pick<Surroundings, 'clock' | 'ring' | 'runOptions' | 'onBoot' | 'onExit'>;
  /** The spec of the next boot. @throws ProblemsError */
  readonly nextSpec: () => Promise<BootedSpec>;
  /** Whole lines of what its programs write. */
  readonly onWords: (text: string) => void;
  /** Called before anything of the run is removed. */
  readonly beforeEnd: (result: RunResult) => void;
  readonly onEnd: (over: RunOver) => void;
}

export function ownRun(name: string, { around, nextSpec, onWords, beforeEnd, onEnd }: OwnRunOptions): OwnRun {
  const { clock, ring, runOptions } = around;
  let life: Life | undefined;
  let idle: Promise<void> = Promise.resolve();
  let starting: OngoingOperation | undefined;
  const stops = new Set<OngoingOperation>();
  let isStopping = false;
  let hasBegun = false;
  let isReady: boolean | undefined;
  let lastEvent: RunEvent | undefined;
  let last: LastEnd | undefined;
  let why: Explanation | undefined;

  function launch(ongoing: OngoingOperation | undefined, target: string | undefined): void {
    starting = ongoing;
    ongoing?.whenCancelled(undefined);
    ongoing?.stopIsOver();
    isStopping = false;
    isReady = undefined;
    hasBegun = false;
    const begun = beginLife({
      options: {
        ...runOptions,
        adopt: true,
        onStderr: onWords,
        onHookOutput: onWords,
        beforeEnd,
        ...(target === undefined ? {} : { target }),
      },
      nextSpec,
      clock,
      onEvent: hear,
    });
    life = begun;
    idle = begun.over.then((end) => {
      ended(begun, end);
    });
  }

  function hear(event: RunEvent): void {
    if (event.kind === 'stop') {
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
    const kept = await readKeptSpec(name, runOptions);
    if (kept !== undefined) adopter?.setBooted(kept);
  }

  function ended(over: Life, end: LifeEnd): void {
    const event = lastEvent;
    const left = { end, starting, stops: [...stops] };
    last = over.run.state().last ?? last;
    if (end.kind === 'ended') why = end.result.why ?? why;
    life = undefined;
    starting = undefined;
    stops.clear();
    isStopping = false;
    isReady = undefined;
    lastEvent = undefined;
    onEnd({
      ...left,
      tell: () => {
        if (event !== undefined) ring.tell({ kind: 'run', vm: name, event });
      },
    });
  }

  return {
    isThere: () => life !== undefined,
    life: () => life,
    isStopping: () => isStopping,
    hasBegun: () => hasBegun,
    status: () => {
      const state = life?.run.state();
      return { life, state, last: state?.last ?? last, why, isReady };
    },
    starting: () => starting,
    stopping: () => [...stops].at(-1),
    launch,
    joinStart: (begin) => (starting ??= begin()),
    giveUpStart(reason) {
      const ongoing = starting;
      starting = undefined;
      ongoing?.interrupted(reason);
    },
    stop(request, ongoing) {
      if (ongoing !== undefined) stops.add(ongoing);
      if (life === undefined) return;
      isStopping = true;
      void life.stop(request).then((outcome) => {
        if (outcome.kind === 'done') return;
        // It goes on all the same: who waits for the stop is told.
        for (const stop of stops) stop.failed([outcome.problem]);
        stops.clear();
      });
    },
    setReady: (ready) => {
      isReady = ready;
    },
    idle: async () => {
      while (life !== undefined) await idle;
    },
  };
}
