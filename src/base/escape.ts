import { shown } from './text.js';

/** What a backslash and what follows it stand for. */
type Escape =
  | { readonly kind: 'known'; readonly text: string; readonly end: number }
  | { readonly kind: 'no-code'; readonly message: string }
  | { readonly kind: 'unknown' };

const known: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Reads an escape of JSON, which UCL has too. @param index where the backslash stands */
export function readEscape(text: string, index: number): Escape {
  const char = text.charAt(index + 1);
  const digits = char === 'u' ? text.slice(index + 2, index + 6) : undefined;
  if (digits === undefined) {
    const found = known[char];
    return found === undefined ? { kind: 'unknown' } : { kind: 'known', text: found, end: index + 2 };
  }
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) {
    return { kind: 'no-code', message: `\\u needs four hex digits, found ${shown(digits)}` };
  }
  return { kind: 'known', text: String.fromCharCode(Number.parseInt(digits, 16)), end: index + 6 };
}
