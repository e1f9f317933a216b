import { visible, visibleLines } from '../base/visible.js';

declare const kind: unique symbol;

/**
 * Text in which everything is seen, and whose line ends are vmrun's own: nothing else is written, and nothing of others
 * makes a line in it.
 */
export type OwnText = string & { readonly [kind]: 'own text' };

/** Lines, each of which stays one, whatever it says. */
export const asLines = (lines: readonly string[]): OwnText => own(lines.map((line) => `${visible(line)}\n`).join(''));

/** A question, which is answered on its own line. */
export const asQuestion = (text: string): OwnText => own(visible(text));

/** Text that says what of others is in it in a form that has no line ends: JSON, a picture, a table. */
export const asText = (text: string): OwnText => own(visibleLines(text));

/** Whole lines with the same before each of them. */
export const prefixed = (prefix: string, text: string): OwnText =>
  own(`${prefix}${visibleLines(endLines(text)).slice(0, -1).replaceAll('\n', `\n${prefix}`)}\n`);

/** Whole lines, the last with its end too, and each end as it is on UNIX. A noisy guest's lines all come through here. */
export function endLines(text: string): string {
  const lines = text.includes('\r') ? text.replaceAll('\r\n', '\n') : text;
  return lines.endsWith('\n') ? lines : `${lines}\n`;
}

/** What is put together of such text, and is not looked at again. */
export const own = (text: string): OwnText => text as OwnText;

export const asJson = (value: unknown, indent?: number): OwnText =>
  asText(`${JSON.stringify(value, undefined, indent)}\n`);

export type Paint = (text: string) => string;

/**
 * Colours are marks until the text is written, and only then what a terminal takes for them. A mark has a key that no
 * text of others can know: so every ESC in a text is somebody else's, and is shown.
 */
const key = Math.random().toString(36).slice(2).padEnd(12, '0');

const mark = (code: number): string => `\ue000${key}:${code}\ue001`;
const marks = new RegExp(`\ue000${key}:(\\d+)\ue001`, 'g');

/** A colour that is a mark for now. @param paint what it is on a terminal: an SGR sequence before and behind */
export function inColour(paint: Paint): Paint {
  const [begin = 0, end = 0] = Array.from(paint(' ').matchAll(/\d+/g), ([code]) => Number(code));
  return (text) => mark(begin) + text + mark(end);
}

/** Text without its colours. */
export const unpainted = (text: string): string => (text.includes(key) ? text.replaceAll(marks, '') : text);

/** What is written: nothing in it moves a cursor, or is not seen, but vmrun's own colours. */
export const writable = (text: OwnText): string => (text.includes(key) ? text.replaceAll(marks, '\u001b[$1m') : text);
