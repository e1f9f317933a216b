import { randomBytes } from 'node:crypto';
import { ProblemsError, type Problem } from '../base/problem.js';
import { abort, aborted } from '../host/abort.js';
import type { Clock } from '../host/clock.js';
import type { KeptRecords } from './kept-records.js';
import type { Operation, OperationKind, Operations } from './operations.js';
import { operationIn, type KeptStop } from './operation-record.js';

/** An operation that goes on, in the hands of who does it. */
export interface OngoingOperation {
  readonly id: string;
  readonly current: () => Operation;
  readonly isOver: () => boolean;
  readonly done: (hadEffect?: boolean) => void;
  readonly failed: (problems: readonly Problem[]) => void;
  readonly interrupted: (problem: Problem) => void;
  /** The run is over that was to be stopped first: a manager that comes after us must not stop the one that follows. */
  readonly stopIsOver: () => void;
  /** It has not begun to act: how it is taken back. Undefined from then on. */
  readonly whenCancelled: (cancel: (() => void) | undefined) => void;
}

type Kept = boolean | 'soon';

/** A stop, or a restart, that was under way when the manager before ended. */
export interface LeftStop {
  readonly ongoing: OngoingOperation;
  readonly stop: KeptStop;
}

export interface BeginOptions {
  readonly isKept?: Kept;
  readonly stop?: KeptStop;
  /** What whoever asks should know, however it ends. */
  readonly warnings?: readonly Problem[];
}

export interface OperationBook extends Operations {
  /**
   * @param isKept on disk, so that the next manager knows of it; `soon`: in a moment, for what nobody has asked for and
   * is many at once
   */
  readonly begin: (
    about: { readonly kind: OperationKind; readonly vm: string; readonly by: string },
    options?: BeginOptions,
  ) => OngoingOperation;
  /** What is to be seen through, oldest first. */
  readonly leftStops: () => readonly LeftStop[];
  /** The manager ends: stops stay as they are for the next one, all else is interrupted. */
  readonly end: () => void;
}

/** How long one is known after its end. */
const knownMs = 24 * 3600 * 1000;
/** More are not kept, the oldest of those that have ended are forgotten. */
const mostEnded = 10_000;
const forgetMs = 60_000;
const folder = 'operations';

export function operationBook(
  records: KeptRecords,
  {
    clock,
    onChange,
    onDamaged,
  }: {
    readonly clock: Clock;
    readonly onChange: (operation: Operation) => void;
    readonly onDamaged: (problem: Problem) => void;
  },
): OperationBook {
  const entries = new Map<string, Entry>();
  let forgotMs = clock.monotonicMs();
  const left: LeftStop[] = [];

  interface Entry {
    operation: Operation;
    readonly isKept: Kept;
    stop: KeptStop | undefined;
    cancel: (() => void) | undefined;
    /** Somebody waits for its end. Thousands that have ended are kept. */
    over: AbortController | undefined;
  }

  const now = (): string => clock.now().toISOString();

  function keep({ operation, isKept, stop }: Entry): void {
    if (isKept === false) return;
    const [name, record] = [`${folder}/${operation.id}`, { operation, ...(stop === undefined ? {} : { stop }) }];
    if (isKept === 'soon') records.keepSoon(name, record);
    else records.keep(name, record);
  }

  function end(entry: Entry, changes: Pick<Operation, 'state'> & Partial<Operation>): void {
    if (entry.operation.state !== 'running') return;
    entry.operation = { ...entry.operation, ...changes, ended: now() };
    entry.cancel = undefined;
    keep(entry);
    if (entry.over !== undefined) abort(entry.over);
    entry.over = undefined;
    onChange(entry.operation);
    forgetNowAndThen();
  }

  /** There is little to forget, and much to look through. */
  function forgetNowAndThen(): void {
    const nowMs = clock.monotonicMs();
    if (entries.size <= 2 * mostEnded && nowMs - forgotMs < forgetMs) return;
    forgotMs = nowMs;
    forget();
  }

  function forget(): void {
    const before = clock.now().getTime() - knownMs;
    const ended = [...entries.values()].filter(({ operation }) => operation.state !== 'running');
    const excess = ended.length - mostEnded;
    for (const [index, { operation, isKept }] of ended.entries()) {
      if (index >= excess && Date.parse(operation.ended ?? '') >= before) continue;
      entries.delete(operation.id);
      if (isKept !== false) records.drop(`${folder}/${operation.id}`);
    }
  }

  function handle(entry: Entry): OngoingOperation {
    return {
      id: entry.operation.id,
      current: () => entry.operation,
      isOver: () => entry.operation.state !== 'running',
      done: (hadEffect = true) => {
        end(entry, { state: 'done', hadEffect });
      },
      failed: (problems) => {
        end(entry, { state: 'failed', problems: [...problems, ...entry.operation.problems] });
      },
      interrupted: (problem) => {
        end(entry, { state: 'interrupted', problems: [problem, ...entry.operation.problems] });
      },
      stopIsOver: () => {
        if (entry.stop === undefined) return;
        entry.stop = undefined;
        keep(entry);
      },
      whenCancelled: (cancel) => {
        entry.cancel = cancel;
      },
    };
  }

  function add(operation: Operation, { isKept, stop }: { isKept: Kept; stop?: KeptStop | undefined }): Entry {
    const entry = { operation, isKept, stop, cancel: undefined, over: undefined };
    entries.set(operation.id, entry);
    return entry;
  }

  for (const name of records.names(folder)) {
    const read = operationIn(records.read(`${folder}/${name}`));
    if (read?.operation.id !== name) {
      onDamaged(damagedOperation(records.file(`${folder}/${name}`)));
      records.drop(`${folder}/${name}`);
      continue;
    }
    const entry = add(read.operation, { isKept: true, stop: read.stop });
    if (read.operation.state !== 'running') continue;
    if (read.stop !== undefined) left.push({ ongoing: handle(entry), stop: read.stop });
    else end(entry, { state: 'interrupted', problems: [managerEnded] });
  }
  forget();

  return {
    list: () => [...entries.values()].map(({ operation }) => operation).sort(newestFirst),
    get: (id) => entries.get(id)?.operation,
    async ended(id, signal) {
      const entry = entries.get(id);
      if (entry === undefined) return undefined;
      if (entry.operation.state === 'running') {
        entry.over ??= new AbortController();
        await aborted(entry.over.signal, ...(signal === undefined ? [] : [signal]));
      }
      return entry.operation;
    },
    cancel(id) {
      const entry = entries.get(id);
      if (entry === undefined) throw new ProblemsError('usage', id, [unknownOperation(id)]);
      if (entry.cancel === undefined) return notCancelled(entry.operation);
      entry.cancel();
      return undefined;
    },
    begin(about, { isKept = true, stop, warnings = [] } = {}) {
      const id = randomBytes(9).toString('hex');
      const operation: Operation = {
        ...{ id, ...about, state: 'running', hadEffect: true, begun: now(), problems: warnings },
      };
      const entry = add(operation, { isKept, stop });
      keep(entry);
      onChange(operation);
      return handle(entry);
    },
    leftStops: () => left.toSorted((a, b) => newestFirst(b.ongoing.current(), a.ongoing.current())),
    end() {
      for (const entry of entries.values()) {
        if (entry.operation.state === 'running' && entry.stop === undefined)
          end(entry, { state: 'interrupted', problems: [managerEnded] });
      }
    },
  };
}

const newestFirst = (a: Operation, b: Operation): number => (a.begun < b.begun ? 1 : a.begun > b.begun ? -1 : 0);

const managerEnded: Problem = {
  code: 'manager-ended',
  severity: 'error',
  message: 'the manager ended before this was done',
  fix: 'see what the VM does now, and ask again',
};

const damagedOperation = (file: string): Problem => ({
  code: 'damaged-state',
  severity: 'warning',
  message: `${file} is damaged, and was removed: nobody knows any more what that operation was`,
  fix: 'see what its VM does now, and ask again',
});

const unknownOperation = (id: string): Problem => ({
  code: 'unknown-operation',
  severity: 'error',
  message: `there is no operation ${JSON.stringify(id)}`,
  fix: 'an operation is known for 24 hours after its end',
});

const notCancelled = ({ kind, state }: Operation): Problem => ({
  code: 'not-cancelled',
  severity: 'error',
  message:
    state === 'running' ? `this ${kind} has begun, and cannot be taken back` : `this ${kind} has ended: ${state}`,
  ...(state === 'running' ? { fix: 'stop the VM instead' } : {}),
});
