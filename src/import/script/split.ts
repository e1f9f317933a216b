import type { Field, Run } from './run.js';
import { inBraces } from './braces.js';
import { hasSymbol, shownText } from './symbols.js';
import type { Part } from './tree.js';

/** What becomes of a piece of a word: it stands for itself, may be a pattern of file names, or is split as well. */
type Treatment = 'quoted' | 'plain' | 'split';

const usualIfs = ' \t\n';
const usualSeparators = /[ \t\n]+/g;

/** Text between blanks, or what else IFS says. */
export function ifsOf({ variables }: Run): string {
  const value = variables.get('IFS');
  return typeof value === 'string' ? value : usualIfs;
}

/** What stands between the words of "$*". */
export const separatorOf = (run: Run): string => ifsOf(run).slice(0, 1);

/** What separates words: blanks of IFS count together, any other character of it counts by itself. */
export const separatorForm = (ifs: string): RegExp | undefined =>
  ifs === usualIfs ? usualSeparators : separatorFormOf(ifs);

function separatorFormOf(ifs: string): RegExp | undefined {
  const escaped = (text: string): string => text.replaceAll(/[\\\]^-]/g, '\\$&');
  const blanks = escaped(ifs.replaceAll(/[^ \t\n]/g, ''));
  const others = escaped(ifs.replaceAll(/[ \t\n]/g, ''));
  if (blanks === '' && others === '') return undefined;
  if (others === '') return new RegExp(`[${blanks}]+`, 'g');
  if (blanks === '') return new RegExp(`[${others}]`, 'g');
  return new RegExp(`[${blanks}]*[${others}][${blanks}]*|[${blanks}]+`, 'g');
}

/** A pattern of file names: `*`, `?`, `[a-z]`, but not the `[::1]` of an address. */
function isGlob(text: string): boolean {
  // Behind the last `]` no `[` has an end.
  const closed = text.slice(0, text.lastIndexOf(']') + 1);
  return /[*?]/.test(text) || /\[(?![0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\])[^\]]+\]/.test(closed);
}

interface Found {
  readonly text: string;
  /** The same with a blank for what is quoted. */
  readonly open: string;
}

/** csh(1) looks for braces when all else is expanded. */
function cshWords(text: string, open: string): readonly Found[] {
  if (!open.includes('{')) return [{ text, open }];
  const parts = open
    .split('')
    .map((bare, at): Part => ({ kind: 'text', text: text.charAt(at), isQuoted: bare === ' ' }));
  return inBraces({ line: 0, source: text, parts }, 'csh').map((word) => ({
    text: word.parts.map((part) => (part.kind === 'text' ? part.text : '')).join(''),
    open: word.parts
      .map((part) => (part.kind === 'text' ? (part.isQuoted ? ' '.repeat(part.text.length) : part.text) : ''))
      .join(''),
  }));
}

interface Splitter {
  readonly add: (text: string, treatment: Treatment) => void;
  /** A variable that is not set stands here. */
  readonly hole: (part: { readonly source: string }) => void;
  readonly end: () => void;
  readonly fields: () => readonly Field[];
}

/** Makes the words of a command out of one of the script. */
export function createSplitter(run: Run, line: number): Splitter {
  const result: Field[] = [];
  const ifs = ifsOf(run);
  const form = separatorForm(ifs);
  let now: string | undefined;
  // The same with a blank for what is quoted: a pattern may stand in the rest.
  let open = '';
  let pending: string | undefined;
  let holes: string[] = [];

  function push(text: string, isQuoted: boolean): void {
    now = (now ?? '') + text;
    open += isQuoted ? ' '.repeat(text.length) : text;
  }

  function end(): void {
    split();
    if (now !== undefined) {
      for (const source of holes) run.holes.push({ source, line, token: now });
      const words = run.dialect === 'csh' && !run.noglob ? cshWords(now, open) : [{ text: now, open }];
      for (const { text, open: bare } of words) {
        const isPattern = !run.noglob && isGlob(bare);
        result.push({
          line,
          text: isPattern ? run.symbols.of({ source: shownText(text, run.symbols), kind: 'files' }) : text,
        });
      }
    }
    [now, open, holes] = [undefined, '', []];
  }

  function split(): void {
    const text = pending;
    pending = undefined;
    if (text === undefined || text === '') return;
    if (hasSymbol(ifs)) {
      push(run.symbols.of({ source: text, kind: 'output' }), false);
      return;
    }
    let at = 0;
    for (const found of form === undefined ? [] : text.matchAll(form)) {
      if (found.index > at) push(text.slice(at, found.index), false);
      at = found.index + found[0].length;
      if (/[^ \t\n]/.test(found[0])) now ??= '';
      end();
    }
    if (at < text.length) push(text.slice(at), false);
  }

  return {
    add(text, treatment) {
      if (treatment === 'split') {
        pending = (pending ?? '') + text;
        return;
      }
      split();
      push(text, treatment === 'quoted');
    },
    hole: ({ source }) => void holes.push(source),
    end,
    fields() {
      end();
      return result;
    },
  };
}
