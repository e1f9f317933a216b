import { lineOf, look, ScriptStop, skip, take, isAtEnd, within, type Cursor } from './cursor.js';
import type { Redirect } from './tree.js';
import { readWord } from './words.js';

/** A redirection; undefined: none stands here. The text of a here-document comes with the next line. */
export function readRedirect(cursor: Cursor): Redirect | undefined {
  const found = look(cursor, /(\d*)(<<<|<<-|<<|<>|<&|<(?!\()|>>|>&|>\||>(?!\()|&>>|&>)/y);
  if (found === null) return undefined;
  const line = lineOf(cursor);
  const [whole, digits = '', operator = ''] = found;
  take(cursor, whole.length);
  skip(cursor, /(?:[ \t]|\\\n)*/y);
  const descriptor = digits === '' ? undefined : Number(digits);
  const none = { line, source: '', parts: [] };
  if (!/^<<-?$/.test(operator)) return { line, operator, descriptor, target: readWord(cursor) ?? none };
  const written = skip(cursor, /(?:'[^'\n]*'|"[^"\n]*"|[^\s;&|()<>])+/y);
  const redirect = { line, operator: '<<', descriptor, target: none };
  cursor.pending.push({
    delimiter: written.replaceAll(/['"\\]/g, ''),
    isStripped: operator.endsWith('-'),
    isQuoted: /['"\\]/.test(written),
    line,
    redirect,
  });
  return redirect;
}

/** Takes the texts that the line before has asked for. */
export function readDocuments(cursor: Cursor): void {
  const { pending } = cursor;
  cursor.pending = [];
  for (const { delimiter, isStripped, isQuoted, line, redirect } of pending) {
    const start = cursor.line;
    const lines: string[] = [];
    for (;;) {
      if (isAtEnd(cursor)) throw new ScriptStop(line, `the here-document "${delimiter}" has no end`);
      const written = skip(cursor, /[^\n]*/y);
      take(cursor);
      const content = isStripped ? written.replace(/^\t+/, '') : written;
      if (content === delimiter) break;
      lines.push(`${content}\n`);
    }
    const text = lines.join('');
    redirect.target = isQuoted
      ? { line: start, source: text, parts: [{ kind: 'text', text, isQuoted: true }] }
      : cursor.readText(within(cursor, text, start));
  }
}
