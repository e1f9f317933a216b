/**
 * What a UCL text says, with the place of everything: offsets count UTF-16 units from 0, the end is exclusive. Nothing
 * here knows what the text is for.
 */
export type UclValue = UclScalar | UclArray | UclObject;

interface UclSpan {
  readonly start: number;
  readonly end: number;
}

/** Quotes are part of the span. Of `key:` with nothing behind it, the span is empty. */
export interface UclScalar extends UclSpan {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
}

export interface UclArray extends UclSpan {
  readonly kind: 'array';
  readonly items: readonly UclValue[];
}

/** `{ … }`, the whole of a text without braces, or what stands behind a name: the `b { … }` of `a b { … }`. */
export interface UclObject extends UclSpan {
  readonly kind: 'object';
  /** In the order of each key's first appearance. */
  readonly entries: readonly UclEntry[];
}

/** A key may be given again; then it has several values, in the order of the text. */
export interface UclEntry {
  readonly key: string;
  readonly given: readonly [UclGiven, ...UclGiven[]];
}

export interface UclGiven {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly value: UclValue;
}

/** What is wrong at which offset, and what to do about it. */
export interface UclProblem {
  readonly message: string;
  readonly offset: number;
  readonly fix?: string;
}

export type UclResult =
  { readonly ok: true; readonly root: UclArray | UclObject } | { readonly ok: false; readonly problem: UclProblem };
