import type { Call } from './call.js';
import { exited, type Flow } from './run.js';
import { ifsOf, separatorForm } from './split.js';
import { hasSymbol } from './symbols.js';

interface Asked {
  readonly names: readonly string[];
  /** `-a`: they are the words of one. */
  readonly isArray: boolean;
  /** `-d`, `-n`, `-u`: it is no line of standard input that is read. */
  readonly isOther: boolean;
}

function asked({ fields }: Call): Asked {
  const words = fields.slice(1).map(({ text }) => text);
  let [at, isArray, isOther] = [0, false, false];
  for (; /^-[A-Za-z]/.test(words[at] ?? ''); at += 1) {
    const letters = (words[at] ?? '').slice(1);
    const valued = /[ptndNui]/.exec(letters);
    if (letters.includes('a')) isArray = true;
    if (/[dnNu]/.test(letters)) isOther = true;
    if (valued !== null && valued.index === letters.length - 1) at += 1;
  }
  const names = words.slice(at).filter((word) => /^[A-Za-z_]\w*$/.test(word));
  return { names: names.length === 0 ? ['REPLY'] : names, isArray, isOther };
}

/** `read`: a line of what is known, or words that nobody knows. */
export function readLine(call: Call): Flow | undefined {
  const { run, command } = call;
  const { names, isArray, isOther } = asked(call);
  const { input } = run;
  if (input?.text === undefined || isOther || hasSymbol(ifsOf(run))) {
    for (const name of names) run.variables.set(name, run.symbols.of({ source: `$${name}`, kind: 'output' }));
    run.status = { kind: 'open', site: command.id, line: command.line, source: command.source, isNegated: false };
    return undefined;
  }
  const end = input.text.indexOf('\n');
  const line = end === -1 ? input.text : input.text.slice(0, end);
  run.status = exited(input.text === '' ? 1 : 0);
  input.text = end === -1 ? '' : input.text.slice(end + 1);
  if (isArray) run.variables.set(names[0] ?? '', lineWords(line, ifsOf(run), Number.MAX_SAFE_INTEGER));
  else {
    const words = lineWords(line, ifsOf(run), names.length);
    names.forEach((name, at) => void run.variables.set(name, words[at] ?? ''));
  }
  return undefined;
}

/** The words of a line; the last of so many has all the rest. */
function lineWords(line: string, ifs: string, count: number): readonly string[] {
  const form = separatorForm(ifs);
  if (form === undefined) return [line];
  const blanks = ifs.replaceAll(/[^ \t\n]/g, '');
  const isBlank = (char: string): boolean => blanks.includes(char) && char !== '';
  let [from, to] = [0, line.length];
  while (from < to && isBlank(line.charAt(from))) from += 1;
  while (to > from && isBlank(line.charAt(to - 1))) to -= 1;
  const text = line.slice(from, to);
  const words: string[] = [];
  let at = 0;
  for (const found of text.matchAll(form)) {
    const isAtEnd = found.index + found[0].length === text.length;
    if (words.length === count - 1 && !isAtEnd) break;
    if (words.length >= count) break;
    // A separator behind the last word alone belongs to none.
    words.push(text.slice(at, found.index));
    at = found.index + found[0].length;
  }
  if (at < text.length) words.push(text.slice(at));
  return words;
}

/** `mapfile`: the lines of what is known, or lines that nobody knows. */
export function readArray({ run, fields, command }: Call): Flow | undefined {
  const words = fields.slice(1).map(({ text }) => text);
  const name = words.at(-1) ?? '';
  const isNamed = /^[A-Za-z_]\w*$/.test(name) && !/^-[dnOsuCc]$/.test(words.at(-2) ?? '');
  const variable = isNamed ? name : 'MAPFILE';
  const options = isNamed ? words.slice(0, -1) : words;
  run.assigned.add(variable);
  run.status = exited(0);
  const text = run.input?.text;
  if (text !== undefined && options.length === 1 && options[0] === '-t') {
    run.variables.set(variable, text === '' ? [] : text.replace(/\n$/, '').split('\n'));
    return undefined;
  }
  run.variables.set(variable, [run.symbols.of({ source: `\${${variable}[@]}`, kind: 'output' })]);
  run.lost.push({
    line: command.line,
    code: 'not-read',
    message: `what ${fields[0]?.text ?? ''} reads into ${variable} is known only when the script runs`,
  });
  return undefined;
}
