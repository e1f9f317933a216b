/** Patterns of sh(1): `*`, `?`, `[…]`. A character that was quoted has a backslash before it. */

type Piece =
  | { readonly kind: 'any' }
  | { readonly kind: 'one' }
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'set'; readonly isNegated: boolean; readonly form: RegExp };

const classes: Readonly<Record<string, string>> = {
  ...{ alpha: 'A-Za-z', digit: '0-9', alnum: 'A-Za-z0-9', upper: 'A-Z', lower: 'a-z', space: '\\s', blank: ' \\t' },
  ...{ xdigit: '0-9A-Fa-f', punct: '!-\\/:-@\\[-`{-~' },
};

function piecesOf(pattern: string): readonly Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (char === '*') {
      if (pieces.at(-1)?.kind !== 'any') pieces.push({ kind: 'any' });
    } else if (char === '?') pieces.push({ kind: 'one' });
    else if (char === '\\' && at + 1 < pattern.length) {
      at += 1;
      pieces.push({ kind: 'char', char: pattern.charAt(at) });
    } else {
      const [whole, negated, inner] = char === '[' ? (setForm.exec(pattern.slice(at, at + 200)) ?? []) : [];
      const form = inner === undefined ? undefined : setOf(inner);
      if (whole === undefined || form === undefined) pieces.push({ kind: 'char', char });
      else {
        pieces.push({ kind: 'set', isNegated: negated !== '', form });
        at += whole.length - 1;
      }
    }
  }
  return pieces;
}

const setForm = /^\[([!^]?)(\]?(?:\[:\w+:\]|\\[^]|[^\]\\])*)\]/;

function setOf(inner: string): RegExp | undefined {
  const body = inner.replaceAll(/\[:(\w+):\]|\\?([^])/g, (_all, name: string | undefined, char: string | undefined) =>
    name === undefined
      ? char === '-'
        ? '-'
        : `\\u{${(char ?? '').charCodeAt(0).toString(16)}}`
      : (classes[name] ?? ''),
  );
  try {
    return new RegExp(`^[${body.replace(/^-|-$/g, '\\-')}]$`, 'u');
  } catch {
    return undefined;
  }
}

const takes = (piece: Piece, char: string): boolean => {
  switch (piece.kind) {
    case 'any':
      return false;
    case 'one':
      return true;
    case 'char':
      return piece.char === char;
    case 'set':
      return piece.form.test(char) !== piece.isNegated;
  }
};

/** Whether all of a text is matched; goes back to the last `*` alone, so that no pattern takes long. */
export function matches(pattern: string, text: string): boolean {
  return matchesPieces(piecesOf(pattern), text);
}

function matchesPieces(pieces: readonly Piece[], text: string): boolean {
  let [piece, at, star, mark] = [0, 0, -1, 0];
  while (at < text.length) {
    const now = pieces[piece];
    if (now?.kind === 'any') {
      star = piece;
      mark = at;
      piece += 1;
    } else if (now !== undefined && takes(now, text.charAt(at))) {
      piece += 1;
      at += 1;
    } else if (star !== -1) {
      mark += 1;
      at = mark;
      piece = star + 1;
    } else return false;
  }
  while (pieces[piece]?.kind === 'any') piece += 1;
  return piece === pieces.length;
}

/** More than this is no name of anything. */
const longest = 4096;

/** `${name#pattern}` and its three sisters. */
export function trimmed(text: string, operator: string, pattern: string): string {
  if (text.length > longest) return text;
  const pieces = piecesOf(pattern);
  const lengths = [...Array(text.length + 1).keys()];
  const inOrder = operator.length === 2 ? lengths.reverse() : lengths;
  const isFront = operator.startsWith('#');
  const part = (length: number): string => (isFront ? text.slice(0, length) : text.slice(text.length - length));
  const length = inOrder.find((each) => matchesPieces(pieces, part(each))) ?? 0;
  return isFront ? text.slice(length) : text.slice(0, text.length - length);
}

/** `${name/pattern/text}`; with `//` every one. */
export function replaced(text: string, operator: string, pattern: string, by: string): string {
  if (text.length > longest) return text;
  const [, anchor = '', rest = ''] = /^([#%]?)([^]*)$/.exec(pattern) ?? [];
  const pieces = piecesOf(rest);
  // An empty pattern matches where it is held to an end.
  if (pieces.length === 0) return anchor === '#' ? by + text : anchor === '%' ? text + by : text;
  let out = '';
  let at = 0;
  while (at < text.length) {
    let end = text.length;
    while (end > at && !matchesPieces(pieces, text.slice(at, end))) end -= 1;
    const isHere = end > at && (anchor !== '#' || at === 0) && (anchor !== '%' || end === text.length);
    out += isHere ? by : text.charAt(at);
    at = isHere ? end : at + 1;
    if ((isHere && operator === '/') || (anchor === '#' && !isHere)) break;
  }
  return out + text.slice(at);
}

/** Text for a pattern, in which nothing means anything else. */
export const quotedPattern = (text: string): string => text.replaceAll(/[\\*?[\]]/g, '\\$&');

/** What a pattern that has no `*` and the like matches; undefined: it has. */
export function literalPattern(pattern: string): string | undefined {
  return /(?<!\\)(?:\\\\)*[*?[]/.test(pattern) ? undefined : pattern.replaceAll(/\\([^])/g, '$1');
}
