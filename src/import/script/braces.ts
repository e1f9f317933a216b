import type { Dialect } from './run.js';
import type { Part, Word } from './tree.js';

/** Words that braces may make of one. */
const mostWords = 1000;

/** In one word: what follows each is read again and again. */
const mostBraces = 100;

/** A character that is not quoted, or a part of the word that braces leave alone. */
type Atom = string | Part;

/** `{a,b}` and `{1..4}`, which become words of their own: of bash before anything else is expanded, of csh after. */
export function inBraces(word: Word, dialect: Dialect): readonly Word[] {
  const isOpen = word.parts.some((part) => part.kind === 'text' && !part.isQuoted && part.text.includes('{'));
  if (!isOpen) return [word];
  const atoms = word.parts.flatMap((part): readonly Atom[] =>
    part.kind === 'text' && !part.isQuoted ? part.text.split('') : [part],
  );
  if (atoms.filter((atom) => atom === '{').length > mostBraces) return [word];
  const all = expanded(atoms, dialect);
  return all.length > mostWords ? [word] : all.map((each) => ({ ...word, parts: partsOf(each) }));
}

function expanded(atoms: readonly Atom[], dialect: Dialect): readonly (readonly Atom[])[] {
  for (let at = atoms.indexOf('{'); at !== -1; at = atoms.indexOf('{', at + 1)) {
    const found = alternatives(atoms, at, dialect);
    if (found === undefined) continue;
    const [before, after] = [atoms.slice(0, at), expanded(atoms.slice(found.end + 1), dialect)];
    const inner = found.choices.flatMap((choice) => expanded(choice, dialect));
    if (inner.length * after.length > mostWords) return Array.from({ length: mostWords + 1 }, () => []);
    return inner.flatMap((choice) => after.map((rest) => [...before, ...choice, ...rest]));
  }
  return [atoms];
}

interface Alternatives {
  readonly choices: readonly (readonly Atom[])[];
  /** The place of the closing brace. */
  readonly end: number;
}

/** What stands between the brace at a place and the one that closes it; undefined: it is no more than a brace. */
function alternatives(atoms: readonly Atom[], from: number, dialect: Dialect): Alternatives | undefined {
  let depth = 0;
  let start = from + 1;
  const choices: (readonly Atom[])[] = [];
  for (let at = from; at < atoms.length; at += 1) {
    const atom = atoms[at];
    if (atom === '{') depth += 1;
    else if (atom === '}') depth -= 1;
    const isEnd = depth === 0;
    if (isEnd || (depth === 1 && atom === ',')) {
      choices.push(atoms.slice(start, at));
      start = at + 1;
    }
    if (!isEnd) continue;
    const [only = []] = choices;
    const found = choices.length > 1 ? choices : dialect === 'csh' ? alone(only) : rangeOf(only);
    return found === undefined ? undefined : { choices: found, end: at };
  }
  return undefined;
}

/** csh(1) takes the braces away from `{a}`, and knows no ranges. */
const alone = (atoms: readonly Atom[]): readonly (readonly Atom[])[] | undefined =>
  atoms.length === 0 ? undefined : [atoms];

/** `1..4`, `a..c`, `1..9..2`. */
function rangeOf(atoms: readonly Atom[]): readonly (readonly Atom[])[] | undefined {
  if (!atoms.every((atom) => typeof atom === 'string')) return undefined;
  const form = /^(?:(-?\d{1,6})\.\.(-?\d{1,6})|([A-Za-z])\.\.([A-Za-z]))(?:\.\.(-?\d{1,4}))?$/;
  const [, low, high, first, last, by = '1'] = form.exec(atoms.join('')) ?? [];
  const [start, end] =
    first === undefined ? [Number(low), Number(high)] : [first.charCodeAt(0), last?.charCodeAt(0) ?? 0];
  if (Number.isNaN(start) || Number.isNaN(end)) return undefined;
  const step = Math.abs(Number(by)) || 1;
  const count = Math.min(mostWords + 1, Math.floor(Math.abs(end - start) / step) + 1);
  const isPadded = [low, high].some((each) => each !== undefined && /^-?0\d/.test(each));
  const width = isPadded ? Math.max(low?.length ?? 0, high?.length ?? 0) : 0;
  return Array.from({ length: count }, (_, at) => {
    const value = end < start ? start - at * step : start + at * step;
    return (first === undefined ? padded(value, width) : String.fromCharCode(value)).split('');
  });
}

const padded = (value: number, width: number): string =>
  value < 0 ? `-${String(-value).padStart(width - 1, '0')}` : String(value).padStart(width, '0');

function partsOf(atoms: readonly Atom[]): readonly Part[] {
  const parts: Part[] = [];
  for (const atom of atoms) {
    const last = parts.at(-1);
    if (typeof atom !== 'string') parts.push(atom);
    else if (last?.kind === 'text' && !last.isQuoted) parts[parts.length - 1] = { ...last, text: last.text + atom };
    else parts.push({ kind: 'text', text: atom, isQuoted: false });
  }
  return parts;
}
