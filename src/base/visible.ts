/**
 * What cannot be seen, or moves what can, as a class of a regular expression with the `u` flag: control characters, C1 and
 * DEL among them; what turns text around, ends a line, or has no width; halves of surrogate pairs; no characters at all.
 * In plain ranges, since schemas take them to other languages.
 */
export const unseen =
  '\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f' +
  '\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff' +
  '\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}';

/** What makes one picture of several, after a picture: no secret there. */
const picture = '\\p{Extended_Pictographic}';
const joins = `(?<=${picture}\\p{Emoji_Modifier}?)\\ufe0f|(?<=${picture}(?:\\p{Emoji_Modifier}|\\ufe0f)?)\\u200d`;

/* eslint-disable no-misleading-character-class -- the class is of single characters, those that combine too */
const any = new RegExp(`(?!${joins})[${unseen}]`, 'gu');
const butLayout = new RegExp(`(?!${joins}|[\\t\\n])[${unseen}]`, 'gu');
/* eslint-enable no-misleading-character-class */

const short: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\u001b': '\\e' };

/** Other characters by their UTF-16 units, which JSON reads as the same text: what JSON.stringify leaves as it is has no short form. */
const escaped = (character: string): string =>
  short[character] ??
  Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');

/** Most text has nothing to hide, and all characters of ASCII are looked at quickly. */
const isPlain = (text: string): boolean => /^[ -~]*$/.test(text);
const isPlainLines = (text: string): boolean => /^[\t\n -~]*$/.test(text);

/**
 * Text of others on one line, each character of it to be seen where it stands: `\e`, `\n`, `\u202e`. A backslash stays as
 * it is, so that paths can be copied: this is for people, and what must be exact is JSON.
 */
export const visible = (text: string): string => (isPlain(text) ? text : text.replaceAll(any, escaped));

/** The same of whole lines: their ends and tabs stay. JSON in it means what it meant. */
export const visibleLines = (text: string): string => (isPlainLines(text) ? text : text.replaceAll(butLayout, escaped));

/** Bytes of UTF-8 in octal, as shells and printf(1) read them; other characters as they are. */
export const inOctal = (text: string): string =>
  text.replaceAll(any, (character) =>
    Array.from(new TextEncoder().encode(character), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
  );

/** Whether a text holds what cannot be seen. */
export const hasUnseen = (text: string): boolean => !isPlain(text) && text.search(any) !== -1;
