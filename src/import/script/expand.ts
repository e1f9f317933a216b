import { inBraces } from './braces.js';
import type { Expander } from './expander.js';
import { parameterValue } from './parameters.js';
import { quotedPattern } from './patterns.js';
import { isBashLike, countText, type EmptyValue, type Field, type Run } from './run.js';
import { createSplitter, separatorOf } from './split.js';
import type { List, Parameter, Part, Word } from './tree.js';
import { arithmetic, joined, type Value } from './variables.js';

/** Follows the commands of `$(…)`, and gives what they print. */
type Capture = (run: Run, body: List, source: string) => string;

type ValueOf = (run: Run, part: Part) => Value;

export function createExpander(capture: Capture): Expander {
  const expander: Expander = {
    fields: (run, words) => fields(run, words, valueOf),
    text: (run, word) => text(run, word, valueOf),
    pattern: (run, word) => pattern(run, word, valueOf),
  };
  return expander;

  function valueOf(run: Run, part: Part): Value {
    switch (part.kind) {
      case 'text':
        return part.text;
      case 'command': {
        if (part.isFile === true) return printedFile(run, part, capture);
        const printed = capture(run, part.body, part.source);
        // Each line of it is a word of csh, in quotes, too.
        return run.dialect === 'csh' && part.isQuoted && printed.includes('\n') ? printed.split('\n') : printed;
      }
      case 'arithmetic':
        return arithmetic(run, expander.text(run, part.word), part.source);
      case 'parameter': {
        const value = parameterValue(run, part, expander);
        if (typeof value === 'string') countText(run, value, part.line);
        else for (const item of value ?? []) countText(run, item, part.line);
        return value;
      }
    }
  }
}

function fields(run: Run, words: readonly Word[], valueOf: ValueOf): readonly Field[] {
  const empty: EmptyValue[] = [];
  let before = '';
  const result = words.flatMap((word) => {
    const found = (isBashLike(run) ? inBraces(word, run.dialect) : [word]).flatMap((each) =>
      fieldsOf(run, each, valueOf),
    );
    const takesValue = /^-[A-Za-z]*[cfgGkKlmnoprsU]$/.test(before);
    if (found.length === 0 && takesValue) empty.push({ option: before, source: word.source, line: word.line });
    before = found.at(-1)?.text ?? before;
    return found;
  });
  run.emptyValues = empty;
  return result;
}

function fieldsOf(run: Run, word: Word, valueOf: ValueOf): readonly Field[] {
  const splitter = createSplitter(run, word.line);
  for (const part of withHome(run, word)) {
    const value = valueOf(run, part);
    const isHole = value === undefined || (value === '' && part.kind === 'parameter' && isUnset(run, part));
    if (isHole && part.kind === 'parameter') splitter.hole(part);
    if (typeof value === 'object') {
      const isWhole = isWholeOfZsh(run, part);
      const isJoined = part.isQuoted && (isStar(part) || isWhole);
      const items = isJoined ? [value.join(separatorOf(run))] : isWhole ? value.filter((item) => item !== '') : value;
      items.forEach((item, index) => {
        if (index > 0) splitter.end();
        splitter.add(item, part.isQuoted || isWhole ? 'quoted' : 'split');
      });
    } else if (part.isQuoted) splitter.add(value ?? '', 'quoted');
    else splitter.add(value ?? '', part.kind === 'text' ? 'plain' : 'split');
  }
  return splitter.fields();
}

function text(run: Run, word: Word, valueOf: ValueOf): string {
  let result = '';
  const holes: { readonly source: string; readonly at: number }[] = [];
  for (const part of withHome(run, word)) {
    const value = argumentsAsText(run, part) ?? valueOf(run, part);
    if (value === undefined && part.kind === 'parameter') holes.push({ source: part.source, at: result.length });
    result += typeof value === 'object' ? value.join(isStar(part) ? separatorOf(run) : ' ') : (value ?? '');
  }
  const tokens = holes.length === 0 ? [] : [...result.matchAll(/\S+/g)];
  let next = 0;
  for (const { source, at } of holes) {
    while ((tokens[next]?.index ?? at) + (tokens[next]?.[0].length ?? 0) < at) next += 1;
    const found = tokens[next];
    if (found !== undefined && found.index <= at && found[0].length > 2) {
      run.holes.push({ source, line: word.line, token: found[0] });
    }
  }
  return result;
}

function pattern(run: Run, word: Word, valueOf: ValueOf): string {
  return word.parts
    .map((part) => {
      const value = joined(valueOf(run, part));
      return part.isQuoted ? quotedPattern(value) : value;
    })
    .join('');
}

/** `<(…)`: a file with what the commands print. */
function printedFile(run: Run, { body, source }: Extract<Part, { kind: 'command' }>, capture: Capture): string {
  const printed = capture(run, body, source);
  const name = `/dev/fd/${source}`;
  run.files.set(name, printed === '' ? '' : `${printed}\n`);
  return name;
}

const isStar = (part: Part): boolean => part.kind === 'parameter' && (part.name === '*' || part.index?.source === '*');

/** `$list` of zsh is all that is in it, but for what is empty. */
const isWholeOfZsh = ({ dialect }: Run, part: Part): boolean =>
  dialect === 'zsh' && part.kind === 'parameter' && part.index === undefined && /^\w+$/.test(part.name);

/** `O=$*` in a call without arguments: whatever the caller gives. */
function argumentsAsText(run: Run, part: Part): string | undefined {
  if (part.kind !== 'parameter' || !/^[@*]$/.test(part.name) || part.operator !== undefined) return undefined;
  if (part.prefix !== undefined || !run.isPlainCall || run.positional.length > 0) return undefined;
  return run.symbols.of({ source: part.source, kind: 'argument', plain: '' });
}

const isUnset = ({ variables }: Run, { name, operator }: Parameter): boolean =>
  operator === undefined && /^[A-Za-z_]\w*$/.test(name) && !variables.has(name);

/** The parts of a word; an unquoted `~` in front is the folder of whoever calls the script. */
function withHome(run: Run, { parts }: Word): readonly Part[] {
  const [first, ...rest] = parts;
  if (first?.kind !== 'text' || first.isQuoted || !/^~(?:\/|$)/.test(first.text)) return parts;
  const home = run.variables.get('HOME');
  const text = typeof home === 'string' ? home : run.symbols.of({ source: '~', kind: 'variable' });
  return [{ kind: 'text', text: text + first.text.slice(1), isQuoted: true }, ...rest];
}
