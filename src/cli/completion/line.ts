/** A word of a command line that is being typed. */
export interface TypedWord {
  /** Without its quotes. */
  readonly value: string;
  /** As it is typed. */
  readonly raw: string;
  /** The quote that is still open at its end, and where it stands in `raw`; absent where none is. */
  readonly open?: { readonly quote: '"' | "'"; readonly at: number } | undefined;
}

/**
 * Splits what is typed up to the cursor as sh and csh split words. Other than `splitWords` it takes a line that is not
 * finished: a quote may be open, and the last word, the one that is completed, is empty after a blank.
 */
export function typedWords(line: string): readonly TypedWord[] {
  const words: TypedWord[] = [];
  let word: { value: string; raw: string } | undefined;
  let open: TypedWord['open'];
  const add = (raw: string, value: string): void => {
    word ??= { value: '', raw: '' };
    word.raw += raw;
    word.value += value;
  };
  for (let index = 0; index < line.length; index += 1) {
    const char = line.charAt(index);
    const next = line.charAt(index + 1);
    const escapes = open === undefined ? next !== '' : open.quote === '"' && '"\\$`'.includes(next) && next !== '';
    if (char === '\\' && escapes) {
      add(char + next, next);
      index += 1;
    } else if (open !== undefined) {
      const isEnd = char === open.quote;
      add(char, isEnd ? '' : char);
      if (isEnd) open = undefined;
    } else if (char === '"' || char === "'") {
      open = { quote: char, at: word?.raw.length ?? 0 };
      add(char, '');
    } else if (' \t\n'.includes(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      add(char, char);
    }
  }
  return [...words, { ...(word ?? { value: '', raw: '' }), open }];
}

/** What is typed without its quotes, be they finished or not. */
export const unquoted = (typed: string): string =>
  typedWords(typed)
    .map(({ value }) => value)
    .join(' ');
