/**
 * What is known only when a script runs stands in its texts as single characters that no text has: high surrogates
 * that stand alone. So it is carried through variables, quotes and splitting like any other character.
 */

interface Unknown {
  /** As the script has it: `$1`, `$(date)`. */
  readonly source: string;
  readonly kind: 'argument' | 'variable' | 'output' | 'status' | 'tap' | 'bridge' | 'files';
  /** What may be given from outside: `1`, `MODE`. */
  readonly input?: string;
  /** What it is for a condition where the script is called without arguments. */
  readonly plain?: string;
}

const firstCode = 0xd800;
const mostSymbols = 1000;
const symbolForm = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])/g;

export interface Symbols {
  readonly of: (unknown: Unknown) => string;
  readonly meaning: (symbol: string) => Unknown;
}

export function createSymbols(): Symbols {
  const known: Unknown[] = [];
  const places = new Map<string, number>();
  return {
    of: (unknown) => {
      const { source, kind, plain } = unknown;
      const key = `${kind} ${plain ?? '-'} ${source}`;
      const place = places.get(key) ?? Math.min(known.length, mostSymbols);
      if (!places.has(key)) {
        places.set(key, place);
        known[place] = unknown;
      }
      return String.fromCharCode(firstCode + place);
    },
    meaning: (symbol) => known[symbol.charCodeAt(0) - firstCode] ?? { source: '?', kind: 'output' },
  };
}

/** Text from outside, which has no such characters afterwards. */
export const wellFormed = (text: string): string =>
  text.replaceAll(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');

export const symbolsIn = (text: string): readonly string[] => text.match(symbolForm) ?? [];

export const hasSymbol = (text: string): boolean => symbolsIn(text).length > 0;

export const replaceSymbols = (text: string, replace: (symbol: string) => string): string =>
  text.replaceAll(symbolForm, replace);

/** For people: every symbol as the script has it. */
export const shownText = (text: string, { meaning }: Symbols): string =>
  replaceSymbols(text, (symbol) => meaning(symbol).source);

/** As a condition sees it where the script is called without arguments; undefined: nobody knows. */
export function plainText(text: string, { meaning }: Symbols): string | undefined {
  if (symbolsIn(text).some((symbol) => meaning(symbol).plain === undefined)) return undefined;
  return replaceSymbols(text, (symbol) => meaning(symbol).plain ?? '');
}
