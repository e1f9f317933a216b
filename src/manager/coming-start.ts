import type { Problem } from '../base/problem.js';
import type { OngoingOperation } from './operation-book.js';
import { cancelled, replacedBy } from './refusals.js';

/** A start that waits for other VMs. */
export interface HeldStart {
  /** Resolves when its operation has ended, or something else has taken its place. */
  readonly over: Promise<unknown>;
  readonly isWaiting: () => boolean;
  /** Those that it waits for yet. */
  readonly waitFor: (names: readonly string[]) => void;
  readonly release: () => void;
  readonly giveUp: (problems: readonly Problem[]) => void;
}

/** What is to be launched: for which operation, with which target of the first boot. */
export interface Launch {
  readonly ongoing: OngoingOperation;
  readonly target: string | undefined;
}

/** The start of a VM that has not begun: it waits for other VMs, or for the end of the run that is being stopped. */
export interface ComingStart {
  readonly isThere: () => boolean;
  readonly operation: () => OngoingOperation | undefined;
  /** Names that it waits for. */
  readonly waitsFor: () => readonly string[] | undefined;
  /** The one that waits for the end of a run, with that target. */
  readonly sameAs: (target: string | undefined) => OngoingOperation | undefined;
  /** Until the run is over that is being stopped. */
  readonly wait: (launch: Launch, options?: { readonly isCancellable: boolean }) => void;
  readonly hold: (launch: Launch, then: HoldOptions) => Omit<HeldStart, 'over'>;
  /** It gives way. @param why for its operation */
  readonly callOff: (why: Problem) => void;
  /** The one that has waited for the end of a run: it is to be launched now. */
  readonly take: () => Launch | undefined;
}

export interface HoldOptions {
  readonly release: (launch: Launch) => void;
  readonly giveUp: (problems: readonly Problem[]) => void;
}

/** @param onCancel a client has taken it back */
export function comingStart(onCancel: () => void): ComingStart {
  let next: (Launch & { readonly isHeld: boolean }) | undefined;
  let waitsFor: readonly string[] | undefined;

  const isNext = ({ ongoing }: Launch): boolean => next?.ongoing === ongoing;

  function forget(): void {
    next = undefined;
    waitsFor = undefined;
  }

  function callOff(why: Problem): void {
    const { ongoing } = next ?? {};
    forget();
    ongoing?.interrupted(why);
  }

  /** Whatever was there gives way: nobody would see it through any more. */
  function setNext(launch: Launch, isHeld: boolean, isCancellable = true): void {
    callOff(replacedBy(launch.ongoing.current().kind));
    next = { ...launch, isHeld };
    if (!isCancellable) return;
    launch.ongoing.whenCancelled(() => {
      if (!isNext(launch)) return;
      forget();
      onCancel();
      launch.ongoing.interrupted(cancelled);
    });
  }

  return {
    isThere: () => next !== undefined,
    operation: () => next?.ongoing,
    waitsFor: () => waitsFor,
    sameAs: (target) => (next !== undefined && !next.isHeld && next.target === target ? next.ongoing : undefined),
    wait: (launch, { isCancellable } = { isCancellable: true }) => {
      setNext(launch, false, isCancellable);
    },
    hold(launch, { release, giveUp }) {
      setNext(launch, true);
      /** Of a start that waits yet. */
      const end = (how: () => void): void => {
        if (!isNext(launch)) return;
        forget();
        how();
      };
      return {
        isWaiting: () => isNext(launch),
        waitFor: (names) => {
          if (isNext(launch)) waitsFor = names;
        },
        release: () => {
          end(() => {
            release(launch);
          });
        },
        giveUp: (problems) => {
          end(() => {
            giveUp(problems);
            launch.ongoing.failed(problems);
          });
        },
      };
    },
    callOff,
    take() {
      if (next === undefined || next.isHeld) return undefined;
      const { ongoing, target } = next;
      forget();
      return { ongoing, target };
    },
  };
}
