import { shortened } from './text.js';

/** Where a value stands in the file as written. */
export interface Place {
  /** Its name, or what a value that came without a file is called. */
  readonly file: string;
  /** From 1. Absent where there is no text, but a value. */
  readonly line?: number;
  /** From 1, in UTF-16 units. Absent as `line` is. */
  readonly column?: number;
  /** JSON Pointer (RFC 6901) of the value as written in the file. */
  readonly pointer: string;
}

/** `vm.json:3:14`; of a value, which has no lines, `a request /cpu`. */
export const placeWords = ({ file, line, column, pointer }: Place): string =>
  line === undefined || column === undefined
    ? `${file} ${shortened(pointer, 400)}`.trimEnd()
    : `${file}:${line}:${column}`;

/** The same for the same place, and for no other of its file. */
export const placeKey = ({ line = 0, column = 0, pointer }: Place): string => `${line}:${column} ${pointer}`;

/** Something that the user can fix: what is wrong, where, and what to do. */
export interface Problem {
  /** Stable word for tests and API clients; the sentences may change. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  /** What is wrong, with the value found. One line, no final full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
  /** Absent where a problem has no place in the spec. */
  readonly place?: Place;
  /** Lines of the file with a caret below, for errors of syntax. */
  readonly excerpt?: readonly string[];
  /** What it is about, for grouping: `emulations[1] virtio-blk "disk.img"`. Absent: the spec as a whole. */
  readonly subject?: string;
  /** How many problems it stands for: there are too many to list them. Absent: it is one. */
  readonly standsFor?: number;
}

/**
 * In the order of the file, what has no place first; in a value, which has no lines, in the order they were found. One
 * that several targets share is kept once.
 */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const unique = new Map<string, Problem>();
  for (const problem of problems) {
    const key = problemKey(problem);
    if (!unique.has(key)) unique.set(key, problem);
  }
  return [...unique.values()].sort(byPlace);
}

/** The same for problems of which one is enough: at one place, with the same words. */
export function problemKey({ place, code, message }: Problem): string {
  const at = place?.line === undefined ? (place?.pointer ?? '') : `${place.line}:${place.column ?? 0}`;
  return `${at} ${code} ${message}`;
}

/** Which of two problems is told first, as `Array.prototype.sort` asks. */
export type ProblemOrder = (a: Problem, b: Problem) => number;

function byPlace({ place: a }: Problem, { place: b }: Problem): number {
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0);
}

/** Nobody reads more than this at once. */
export const mostProblems = 100;

/** What is found in a file piece by piece. However much it is, no more is kept of it than is told in the end. */
interface ProblemList {
  add(problems: readonly Problem[]): void;
  readonly hasErrors: boolean;
  /** As `limited` gives them. */
  all(): readonly Problem[];
}

export function problemList(order: ProblemOrder = byPlace): ProblemList {
  const seen = new Set<string>();
  const lists = { error: firstOf(order), warning: firstOf(order) };
  return {
    add(problems) {
      for (const problem of problems) {
        const { severity, standsFor } = problem;
        const key = problemKey(problem);
        if (standsFor !== undefined) lists[severity].omit(standsFor);
        else if (!seen.has(key)) {
          seen.add(key);
          lists[severity].add(problem);
        }
      }
    },
    get hasErrors() {
      return lists.error.count() > 0;
    },
    all() {
      const errors = lists.error.first(mostProblems);
      const warnings = lists.warning.first(mostProblems - errors.length);
      const rest = [
        moreProblems(lists.error.count() - errors.length, 'error'),
        moreProblems(lists.warning.count() - warnings.length, 'warning'),
      ];
      return [...[...errors, ...warnings].sort(order), ...rest.filter((problem) => problem !== undefined)];
    },
  };
}

/** Keeps the first of many, and how many there were. */
function firstOf(order: ProblemOrder) {
  let kept: Problem[] = [];
  let total = 0;
  const tidy = (): void => {
    kept = kept.sort(order).slice(0, mostProblems);
  };
  return {
    add(problem: Problem): void {
      total += 1;
      if (kept.push(problem) > 10 * mostProblems) tidy();
    },
    omit(number: number): void {
      total += number;
    },
    count: () => total,
    first(number: number): readonly Problem[] {
      tidy();
      return kept.slice(0, number);
    },
  };
}

function moreProblems(number: number, severity: Problem['severity']): Problem | undefined {
  if (number === 0) return undefined;
  const noun = severity === 'error' ? 'problem' : 'warning';
  const message = `${number} more ${number === 1 ? `${noun} is` : `${noun}s are`} not listed`;
  return { code: 'more-problems', severity, message, fix: 'fix these first', standsFor: number };
}

/**
 * Each problem once and in the order of the file, at most `mostProblems` of them, errors before warnings where there are
 * more; then one that says how many errors are not listed, and one for warnings.
 * @param omitted how many more errors there are that nobody put into words
 * @param order that of a value, which has no lines
 */
export function limited(problems: readonly Problem[], omitted = 0, order?: ProblemOrder): readonly Problem[] {
  const list = problemList(order);
  list.add(problems);
  const more = moreProblems(omitted, 'error');
  if (more !== undefined) list.add([more]);
  return list.all();
}

/**
 * A problem before it has a place: the pointer is relative to whatever was looked at (a device, the effective spec),
 * and whoever knows where that stands in a file turns it into a `Problem`.
 */
export interface Finding {
  readonly code: string;
  readonly severity?: 'error' | 'warning';
  /** JSON Pointer (RFC 6901); `''` is the whole thing. */
  readonly pointer: string;
  readonly message: string;
  readonly fix?: string;
}

/** Thrown where problems must end what the caller asked for; carries them all. */
export class ProblemsError extends Error {
  constructor(
    /** What the problems are in: it decides the exit code. */
    readonly kind: 'spec' | 'unreadable' | 'host' | 'in-use' | 'usage' | 'cannot-create',
    /** What was looked at, for people: a file name, a VM name. */
    readonly source: string,
    readonly problems: readonly Problem[],
  ) {
    super(`${source}: ${problems.map(({ message }) => message).join('; ')}`);
    this.name = 'ProblemsError';
  }
}
