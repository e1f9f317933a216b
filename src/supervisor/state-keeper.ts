import { errorWords } from '../base/error-words.js';
import type { Clock } from '../host/clock.js';
import type { RunDirectory } from '../host/run-directory/run-directory.js';
import type { RunState, StateChanges, StateDraft } from '../host/run-directory/run-state.js';
import { atEndOfTurn } from '../host/process/turn.js';
import type { Emit, Part } from './events.js';

/** Keeps `state.json` true to what the run does. What fails at it is told, and never stops the VM. */
export interface StateKeeper {
  /** On disk when this returns, with what was to be there soon. */
  readonly update: (changes: StateChanges) => void;
  /**
   * On disk with the next update, at the latest before this process waits for anything. Between the end of a bhyve and
   * the start of the next nothing is waited for as a rule, so that one write says it all; a kill in between finds what a
   * kill a moment earlier would have found.
   */
  readonly soon: (changes: StateChanges) => void;
  /** A part beside the VM does not work, or works again; told once each. */
  readonly degraded: (part: Part, error: string | undefined) => void;
  /** Does something for a part beside the VM, which may fail: that is told, as by `degraded`. */
  readonly beside: (part: Part, action: () => void) => void;
  /** What the file says, or is about to; when it is removed, what it said last. */
  readonly current: () => RunState;
  /** Writes no more: the file is about to be removed, and may then be that of another run. */
  readonly end: () => void;
}

const statePart: Part = 'state';
const retryMs = 1000;

export function keepState(
  directory: Pick<RunDirectory, 'saveState'>,
  first: Pick<RunState, 'name' | 'supervisor' | 'since' | 'managedBy'>,
  { clock, emit }: { readonly clock: Clock; readonly emit: Emit },
): StateKeeper {
  const over = new AbortController();
  const isOver = (): boolean => over.signal.aborted;
  const broken = new Map<Part, string>();
  let state: StateDraft = { version: 1, ...first };
  let isRetrying = false;
  /** Of hundreds of runs it is asked again and again. */
  let known: RunState | undefined;
  let callOff: (() => void) | undefined;

  const told = (): StateDraft => (broken.size === 0 ? state : { ...state, degraded: Object.fromEntries(broken) });

  function change(changes: StateChanges): void {
    state = { ...state, ...changes };
    known = undefined;
  }

  function save(): boolean {
    try {
      directory.saveState(told());
      return true;
    } catch (error) {
      note(statePart, errorWords(error));
      return false;
    }
  }

  function note(part: Part, error: string | undefined): boolean {
    known = undefined;
    if (error === undefined) {
      if (!broken.delete(part)) return false;
      emit({ kind: 'recovered', part });
      return true;
    }
    const isNew = !broken.has(part);
    broken.set(part, error);
    if (isNew) emit({ kind: 'degraded', part, error });
    return isNew;
  }

  async function retry(): Promise<void> {
    if (isRetrying) return;
    isRetrying = true;
    const isDue = (): boolean => broken.has(statePart) && !isOver();
    while (isDue()) {
      await clock.sleep(retryMs, over.signal);
      if (isDue()) write();
    }
    isRetrying = false;
  }

  /** The file says what it lacked, and then that it lacks it no more. */
  function write(): void {
    callOff?.();
    callOff = undefined;
    if (!save()) void retry();
    else if (note(statePart, undefined)) save();
  }

  function degraded(part: Part, error: string | undefined): void {
    if (!isOver() && note(part, error)) write();
  }

  return {
    update: (changes) => {
      if (isOver()) return;
      change(changes);
      write();
    },
    soon: (changes) => {
      if (isOver()) return;
      change(changes);
      callOff ??= atEndOfTurn(write);
    },
    degraded,
    beside: (part, action) => {
      let error: string | undefined;
      try {
        action();
      } catch (cause) {
        error = errorWords(cause);
      }
      degraded(part, error);
    },
    current: () => (known ??= withoutGaps(told())),
    end: () => {
      callOff?.();
      over.abort();
    },
  };
}

/** A field that was taken away is not there, as in the file. */
function withoutGaps(draft: StateDraft): RunState {
  const { version, name, supervisor, since, managedBy, ...changes } = draft;
  const known = Object.entries(changes).filter(([, value]) => value !== undefined);
  const fixed = { version, name, supervisor, since, ...(managedBy === undefined ? {} : { managedBy }) };
  return { ...fixed, ...(Object.fromEntries(known) as Partial<RunState>) };
}
