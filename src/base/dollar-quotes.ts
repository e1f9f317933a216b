/** What each letter stands for behind a backslash: a byte. */
const letters: Readonly<Record<string, number>> = { a: 7, b: 8, e: 27, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** A text without backslash, or an escape; what sh(1) of FreeBSD and bash read alike. */
const part =
  /([^'\\]+)|\\(?:([\\'"?])|([abefnrtv])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))|c([@-_a-z?]))/y;

/**
 * Reads what stands between dollar-single quotes: `$'a\nb'`. Octal and hexadecimal escapes are bytes of UTF-8.
 * @param start behind `$'`
 * @returns the text, and where the next character stands; or what is wrong
 */
export function dollarQuoted(
  text: string,
  start: number,
): { readonly text: string; readonly end: number } | { readonly error: string } {
  const where = `the quote at character ${start - 1}`;
  const bytes: number[] = [];
  for (let index = start; index < text.length; index = part.lastIndex) {
    if (text.charAt(index) === "'") return decoded(bytes, index + 1, where);
    part.lastIndex = index;
    const found = part.exec(text);
    const read = found === null ? undefined : bytesOf(found);
    if (read === undefined) return { error: `${where} has a backslash before what it cannot stand for` };
    for (const byte of read) bytes.push(byte);
  }
  return { error: `${where} has no end` };
}

/** Where dollar-single quotes end that begin at an index: behind them. */
export function behindDollarQuotes(text: string, start: number): number {
  const end = /\$'(?:[^'\\]|\\.)*'?/sy;
  end.lastIndex = start;
  return end.test(text) ? end.lastIndex : text.length;
}

const encoder = new TextEncoder();

/** Undefined: there is no such character, or none that a word can hold. */
function bytesOf([, plain, itself, letter, octal, hex, short, long, control]: readonly (string | undefined)[]):
  Iterable<number> | undefined {
  const same = plain ?? itself;
  if (same !== undefined) return encoder.encode(same);
  if (letter !== undefined) return [letters[letter] ?? 0];
  const point = short ?? long;
  if (point !== undefined) {
    const code = parseInt(point, 16);
    const isHalf = code >= 0xd800 && code <= 0xdfff;
    return code === 0 || isHalf || code > 0x10ffff ? undefined : encoder.encode(String.fromCodePoint(code));
  }
  const byte =
    control !== undefined
      ? control === '?'
        ? 0x7f
        : control.charCodeAt(0) & 0x1f
      : octal !== undefined
        ? parseInt(octal, 8)
        : parseInt(hex ?? '', 16);
  return byte === 0 || byte > 0xff ? undefined : [byte];
}

function decoded(bytes: readonly number[], end: number, where: string): ReturnType<typeof dollarQuoted> {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)), end };
  } catch {
    return { error: `${where} holds bytes that are not UTF-8` };
  }
}
