/** What getopt(3) found next. */
export type OptionEvent =
  | {
      readonly kind: 'option';
      readonly letter: string;
      readonly argument: string;
      /** The word in which it begins. */
      readonly index: number;
    }
  | {
      readonly kind: 'error';
      readonly message: string;
      readonly letter: string;
      readonly index: number;
    }
  | { readonly kind: 'operands'; readonly operands: readonly string[] };

/**
 * getopt(3) of the BSDs: options end at the first word that is none, or after `--`; letters may be clustered, and an
 * argument may follow its letter in the same word.
 * @param letters as getopt takes them: a letter with a colon behind it wants an argument
 * @returns each option in order (`argument` is empty where it takes none), then the operands; an error is the last
 */
export function* readOptions(argv: readonly string[], letters: string): Generator<OptionEvent, void> {
  let index = 0;
  for (; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-') || word === '-') break;
    if (word === '--') {
      index += 1;
      break;
    }
    for (let at = 1; at < word.length; at += 1) {
      const letter = word.charAt(at);
      const place = letter === ':' ? -1 : letters.indexOf(letter);
      if (place === -1) {
        yield { kind: 'error', message: `illegal option -- ${letter}`, letter, index };
        return;
      }
      if (letters.charAt(place + 1) !== ':') {
        yield { kind: 'option', letter, argument: '', index };
        continue;
      }
      const isAttached = at + 1 < word.length;
      const argument = isAttached ? word.slice(at + 1) : argv[index + 1];
      if (argument === undefined) {
        yield { kind: 'error', message: `option requires an argument -- ${letter}`, letter, index };
        return;
      }
      yield { kind: 'option', letter, argument, index };
      if (!isAttached) index += 1;
      break;
    }
  }
  yield { kind: 'operands', operands: argv.slice(index) };
}
