/** Where a value stands in the file as written: lines and columns count from 1, columns in UTF-16 units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** JSON Pointer (RFC 6901) of the value as written in the file. */
  readonly pointer: string;
}

/** Something that the user can mend: what is wrong, where, and what to do. */
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

/** In the order of the file, what has no place first; one that several targets share is kept once. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const unique = new Map<string, Problem>();
  for (const problem of problems) {
    const { line, column } = problem.place ?? { line: 0, column: 0 };
    const key = `${line}:${column} ${problem.code} ${problem.message}`;
    if (!unique.has(key)) unique.set(key, problem);
  }
  const order = ({ place }: Problem): readonly [number, number] => [place?.line ?? 0, place?.column ?? 0];
  return [...unique.values()].sort((a, b) => order(a)[0] - order(b)[0] || order(a)[1] - order(b)[1]);
}

/** Nobody reads more than this at once. */
export const mostProblems = 100;

/**
 * The first errors of a long list, or warnings where there is none, and a last one that counts the rest; a list that is
 * short as it is.
 * @param omitted how many more there are that nobody put into words
 */
export function limited(problems: readonly Problem[], omitted = 0): readonly Problem[] {
  if (omitted === 0 && problems.length <= mostProblems) return problems;
  const errors = problems.filter(({ severity }) => severity === 'error');
  const worst = errors.length === 0 && omitted === 0 ? problems : errors;
  const rest = Math.max(0, worst.length - mostProblems) + omitted;
  if (rest === 0) return problems;
  const severity = worst === problems ? 'warning' : 'error';
  const message = `${rest} more ${rest === 1 ? 'problem is' : 'problems are'} not listed`;
  const last: Problem = { code: 'more-problems', severity, message, fix: 'fix these first', standsFor: rest };
  return [...worst.slice(0, mostProblems), last];
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
