import { secretPlaces, secretStart, standsAlone, type EndOf, type SecretPlace } from './secret-places.js';

/** What is known of the secrets in a text, for messages about it. */
export interface Secrets {
  /** A piece of the text as it is, with what may belong to a secret starred letter for letter. */
  readonly excerpt: (start: number, end: number) => string;
  /** A sentence about the text, with `***` in place of every word that may belong to a secret. */
  readonly star: (sentence: string) => string;
  /** Whether a piece of the text is near a secret of which nobody knows the end. */
  readonly isNear: (start: number, end: number) => boolean;
}

/** Words that stay as they are, be they where a secret may stand: names of fields. */
type KnownWords = () => ReadonlySet<string>;

/** The secrets of a text that announces them, be it a spec, a script or what another tool writes, and broken or not. */
export const secretsIn = (text: string, known?: KnownWords, endOf?: EndOf): Secrets =>
  secretsAt(text, () => secretPlaces(text, endOf), known);

/** The same where every value of a list of variables may be one. */
export const valuesAsSecrets = (text: string, known?: KnownWords): Secrets =>
  secretsAt(
    text,
    () =>
      [...text.matchAll(/=(.*)/g)].map(({ index, 1: value = '' }) => ({
        start: index + 1,
        end: index + 1 + value.length,
        isComment: false,
        isOdd: false,
      })),
    known,
  );

/** Looked for when something is said of the text: mostly nothing is. */
function secretsAt(text: string, find: () => readonly SecretPlace[], known: KnownWords = () => new Set()): Secrets {
  const places = lazily(find);
  const star = lazily(() => (places().length === 0 ? (said: string) => said : starrer(text, places(), known)));
  return {
    excerpt: (start, end) => maskedPiece(text, places(), start, end),
    star: (sentence) => star()(sentence),
    isNear: (start, end) =>
      places().some((place) =>
        place.isOdd
          ? place.start <= end && start <= linesBehind(text, place.end)
          : place.end <= start && text.slice(place.end, start).trim() === '' && !standsAlone(text.slice(start, end)),
      ),
  };
}

/** So many lines behind a secret, a parser may still be in it that a stray sign has led astray. */
const nearLines = 8;

function linesBehind(text: string, offset: number): number {
  let at = offset;
  for (let lines = 0; lines <= nearLines && at !== -1; lines += 1) at = text.indexOf('\n', at + 1);
  return at === -1 ? text.length : at;
}

function maskedPiece(text: string, places: readonly SecretPlace[], start: number, end: number): string {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle]?.end ?? 0) <= start) low = middle + 1;
    else high = middle;
  }
  let out = '';
  let at = start;
  for (let place = places[low]; place !== undefined && place.start < end; place = places[(low += 1)]) {
    const from = Math.max(at, place.start);
    const to = Math.min(end, place.end);
    out += text.slice(at, from) + text.slice(from, to).replaceAll(/\S/g, '*');
    at = to;
  }
  return out + text.slice(at, end);
}

/** Beyond these, nobody looks for words: everything that is quoted goes. */
const mostLetters = 64 * 1024;
const mostParts = 200;

const wordForm = /[\p{L}\p{N}_]+/gu;
/** A word of a quotation, or an escape, which belongs to none. */
const escapeOrWord = /\\(?:u[0-9a-f]{4}|[^])|[\p{L}\p{N}_]+/giu;
const quotationForm = /"(?:[^"\\]|\\.)*"/g;

/** A sentence about a text of which nothing may be shown: quoted signs stay, they are what was expected. */
export const withoutQuotations = (sentence: string): string =>
  sentence.replaceAll(quotationForm, (quotation) => (/[\p{L}\p{N}]/u.test(quotation) ? '"***"' : quotation));

/** Whether what a key names is a secret: `password`, `x-api-token`; not `password_file`. */
export const namesSecret = (key: string): boolean =>
  /(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|private_?key|api_?key)$/i.test(key);

/** A word of a command line without the secrets that are given in it: `fbuf,password=***,wait`. */
export const withoutGivenSecrets = (word: string): string =>
  word.replaceAll(/((?:pass(?:word|wd|phrase)?|pwd|secret|token)=)[^,\s]*/gi, '$1***');

/** Stars what a key names a secret, wherever it stands, and those that are given in words for bhyve. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return withoutGivenSecrets(value);
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, namesSecret(key) ? hiddenSecret : withoutSecrets(item)]),
  );
}

/** What stands in the place of a secret. */
export const hiddenSecret = '***';

const quotationOrWord = /"(?:[^"\\]|\\.)*"|[\p{L}\p{N}_]+/gu;

function starrer(text: string, places: readonly SecretPlace[], known: KnownWords): (sentence: string) => string {
  const size = places.reduce((sum, { start, end }) => sum + end - start, 0);
  if (size > mostLetters) return withoutQuotations;
  const written = places.map(({ start, end }) => text.slice(start, end)).join('\n');
  const read = [written, unescaped(written)];
  const parts = [...new Set(read.flatMap((piece) => piece.split(/[\s"',]+/)))].filter(
    (part) => part.length > 3 && /[^\p{L}\p{N}_.:/-]/u.test(part),
  );
  if (parts.length > mostParts) return withoutQuotations;
  const isSecret = secretWords(text, places, read, known);
  const starWords = (part: string, isQuoted: boolean): string =>
    part.replaceAll(isQuoted ? escapeOrWord : wordForm, (word) => (isSecret(word, isQuoted) ? '***' : word));
  return (sentence) =>
    parts
      .reduce(
        (said, part) => said.replaceAll(part, '***').replaceAll(JSON.stringify(part).slice(1, -1), '***'),
        sentence,
      )
      .replaceAll(quotationOrWord, (part) =>
        part.startsWith('"') ? starWords(withoutTail(part), true) : starWords(part, false),
      );
}

/**
 * Tells the words that may be of a secret: those that stand in one, or in what is left of it without its signs, or behind
 * a shell's `\\012`; and neither elsewhere in the text, nor are ours. Words of a sentence itself are of letters alone, and
 * only one that is the whole of a secret's word is taken for the text's.
 */
function secretWords(
  text: string,
  places: readonly SecretPlace[],
  read: readonly string[],
  known: KnownWords,
): (word: string, isQuoted: boolean) => boolean {
  const squeezed = [...read, ...read.map((piece) => piece.replaceAll(/[^\p{L}\p{N}_\n]/gu, ''))].join('\n');
  const spoken = places.filter(({ isComment }) => !isComment);
  const whole = new Set(spoken.flatMap(({ start, end }) => text.slice(start, end).match(wordForm) ?? []));
  const outside = lazily(() => wordsOutside(text, places));
  const ours = lazily(known);
  const isInside = (word: string, isQuoted: boolean): boolean => {
    if (word.length === 3 || (!isQuoted && /^\p{L}+$/u.test(word))) return whole.has(word);
    const tails = [word.slice(secretStart(word, true)), word.replace(/^[0-7]{3}/, '')];
    return squeezed.includes(word) || tails.some((tail) => tail.length > 2 && squeezed.includes(tail));
  };
  const seen = new Map<string, boolean>();
  return (word, isQuoted) => {
    if (word.length < 3) return false;
    const key = isQuoted ? `"${word}` : word;
    const secret = seen.get(key) ?? (isInside(word, isQuoted) && !ours().has(word) && !outside().has(word));
    seen.set(key, secret);
    return secret;
  };
}

/** The words that stand elsewhere, for everybody to see. */
function wordsOutside(text: string, places: readonly SecretPlace[]): ReadonlySet<string> {
  const words = new Set<string>();
  let at = 0;
  for (const { start, end } of [...places, { start: text.length, end: text.length }]) {
    for (const [word] of text.slice(at, start).matchAll(wordForm)) words.add(word);
    at = end;
  }
  return words;
}

/** A quotation up to where a secret may begin in it, or where it was cut. */
function withoutTail(quotation: string): string {
  const cut = quotation.indexOf('...');
  const end = Math.min(secretStart(quotation, false), cut === -1 ? quotation.length : cut + 3);
  return end >= quotation.length - 1 ? quotation : `${quotation.slice(0, end)}***"`;
}

/** What a parser, or a shell, makes of escapes: those of JSON and of XML, and backslashes. */
const unescaped = (text: string): string =>
  text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    .replaceAll(/&#(?:x([0-9a-f]{1,4})|(\d{1,5}));/gi, (_, hex: string | undefined, decimal: string | undefined) =>
      String.fromCharCode(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)),
    )
    .replaceAll(/&(?:amp|lt|gt|quot|apos);|\\(?:\r?\n)?/g, '');

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
