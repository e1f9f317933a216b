/** A shell script as a tree. Every node knows its line; what may be decided one way or another has a number. */

/** A part of a word, as it is written. Unquoted expansions are split into words. */
export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly isQuoted: boolean }
  | Parameter
  | {
      readonly kind: 'command';
      readonly source: string;
      readonly body: List;
      /** `<(…)`: it stands for a file with what the commands print. */
      readonly isFile?: true;
      readonly isQuoted: boolean;
    }
  | { readonly kind: 'arithmetic'; readonly source: string; readonly word: Word; readonly isQuoted: boolean };

/** `$name`, `${name[index]}`, `${#name}`, `${name:-operand}`, `${name/operand/replacement}`, `$1`, `$@`. */
export interface Parameter {
  readonly kind: 'parameter';
  readonly id: number;
  readonly line: number;
  readonly source: string;
  /** Empty: an expansion that is not understood. */
  readonly name: string;
  readonly index?: Word;
  /** `#`: its length; `!`: the variable that it names. */
  readonly prefix?: '#' | '!';
  readonly operator?: string;
  readonly operand?: Word;
  readonly replacement?: Word;
  readonly isQuoted: boolean;
}

export interface Word {
  readonly line: number;
  readonly source: string;
  readonly parts: readonly Part[];
}

/** `name=value`, `name+=value`, `name=(…)`, `name[index]=value`. */
export interface Assignment {
  readonly name: string;
  readonly line: number;
  readonly isAdded: boolean;
  readonly index?: Word;
  /** Several: an array. */
  readonly value: Word | readonly Word[];
}

export interface Redirect {
  readonly line: number;
  /** `<`, `>`, `>>`, `<<` for a here-document and `<<<` for a here-string. */
  readonly operator: string;
  readonly descriptor: number | undefined;
  readonly target: Word;
}

export interface Simple {
  readonly kind: 'simple';
  readonly id: number;
  readonly line: number;
  readonly source: string;
  readonly assignments: readonly Assignment[];
  readonly words: readonly Word[];
  readonly redirects: readonly Redirect[];
}

export interface CaseItem {
  readonly patterns: readonly Word[];
  readonly body: List;
  /** `;&`: what follows is run, too. */
  readonly isOpen: boolean;
}

export type Command =
  | Simple
  | { readonly kind: 'pipeline'; readonly line: number; readonly isNegated: boolean; readonly commands: List }
  | { readonly kind: 'and-or'; readonly line: number; readonly first: Command; readonly rest: readonly AndOr[] }
  | { readonly kind: 'background'; readonly line: number; readonly command: Command }
  | { readonly kind: 'if'; readonly line: number; readonly clauses: readonly IfClause[]; readonly otherwise: List }
  | {
      readonly kind: 'loop';
      readonly id: number;
      readonly line: number;
      readonly isUntil: boolean;
      readonly condition: List;
      readonly body: List;
    }
  | {
      readonly kind: 'for';
      readonly id: number;
      readonly line: number;
      readonly name: string;
      /** Absent: the arguments. */
      readonly words?: readonly Word[];
      readonly body: List;
    }
  | {
      readonly kind: 'counting';
      readonly line: number;
      readonly start: Word;
      readonly condition: Word;
      readonly step: Word;
      readonly body: List;
    }
  | {
      readonly kind: 'case';
      readonly id: number;
      readonly line: number;
      readonly subject: Word;
      readonly items: readonly CaseItem[];
    }
  | { readonly kind: 'function'; readonly line: number; readonly name: string; readonly body: Command }
  | {
      readonly kind: 'group';
      readonly line: number;
      readonly isSubshell: boolean;
      /** `{ … }` in an expression of csh(1), which asks whether the command succeeds. */
      readonly isQuestion?: true;
      readonly body: List;
    }
  | { readonly kind: 'arithmetic'; readonly line: number; readonly word: Word }
  | {
      readonly kind: 'redirected';
      readonly line: number;
      readonly command: Command;
      readonly redirects: readonly Redirect[];
    };

export interface AndOr {
  readonly operator: '&&' | '||';
  readonly command: Command;
}

export interface IfClause {
  readonly condition: List;
  readonly body: List;
}

export type List = readonly Command[];

/** A script that was read. */
export interface Tree {
  readonly commands: List;
  /** Names that something in it may set: another one comes from outside. */
  readonly assigned: ReadonlySet<string>;
  /** Lines whose last backslash has a blank behind it, and so continues nothing. */
  readonly brokenLines: ReadonlySet<number>;
}

/** Why a script is not read: `csh`, what of csh(1) is not followed; `limit`, it is more than is followed. */
export type StopCode = 'csh' | 'limit';

export type Parsed =
  | { readonly ok: true; readonly tree: Tree }
  | { readonly ok: false; readonly line: number; readonly message: string; readonly code?: StopCode | undefined };

/** The text of a word without any expansion; undefined: it has one. */
export function literalOf({ parts }: Word): string | undefined {
  let text = '';
  for (const part of parts) {
    if (part.kind !== 'text') return undefined;
    text += part.text;
  }
  return text;
}
