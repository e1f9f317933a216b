import { addAll } from '../base/long-lists.js';
import type { OptionEvent } from './getopt.js';

/** An option as argp describes it. */
export interface GnuOption {
  readonly letter: string;
  /** Without its dashes; absent: only the letter. */
  readonly name?: string;
  readonly argument?: 'required' | 'optional';
}

/**
 * getopt_long(3) of GNU: options and operands in any order, all that follows `--` is operands, and a long name may be
 * cut as long as it is clear.
 * @returns each option in order, then the operands; an error is the last
 */
export function* readGnuOptions(argv: readonly string[], options: readonly GnuOption[]): Generator<OptionEvent, void> {
  const operands: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word === '--') {
      addAll(operands, argv.slice(index + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    const found = word.startsWith('--') ? longOption(word, options) : shortOptions(word, options);
    for (const one of found) {
      if ('message' in one) {
        yield { kind: 'error', message: one.message, letter: '', index };
        return;
      }
      if (one.wantsNext && index + 1 === argv.length) {
        yield { kind: 'error', message: `option requires an argument -- '${one.letter}'`, letter: one.letter, index };
        return;
      }
      const argument = one.wantsNext ? (argv[index + 1] ?? '') : one.argument;
      yield { kind: 'option', letter: one.letter, argument, index };
      if (one.wantsNext) index += 1;
    }
  }
  yield { kind: 'operands', operands };
}

type Found =
  { readonly letter: string; readonly argument: string; readonly wantsNext: boolean } | { readonly message: string };

function longOption(word: string, options: readonly GnuOption[]): readonly Found[] {
  const equals = word.indexOf('=');
  const name = word.slice(2, equals === -1 ? undefined : equals);
  const exact = options.filter((option) => option.name === name);
  const [option, ...more] = exact.length > 0 ? exact : options.filter((each) => each.name?.startsWith(name) === true);
  if (option === undefined) return [{ message: `unrecognized option '--${name}'` }];
  if (more.length > 0) return [{ message: `option '--${name}' is ambiguous` }];
  if (equals !== -1 && option.argument === undefined) {
    return [{ message: `option '--${option.name ?? name}' doesn't allow an argument` }];
  }
  const argument = equals === -1 ? '' : word.slice(equals + 1);
  return [{ letter: option.letter, argument, wantsNext: equals === -1 && option.argument === 'required' }];
}

function shortOptions(word: string, options: readonly GnuOption[]): readonly Found[] {
  const found: Found[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const option = options.find(({ letter }) => letter === word.charAt(at));
    if (option === undefined) return [...found, { message: `invalid option -- '${word.charAt(at)}'` }];
    const { letter } = option;
    if (option.argument === undefined) {
      found.push({ letter, argument: '', wantsNext: false });
      continue;
    }
    const argument = word.slice(at + 1);
    return [...found, { letter, argument, wantsNext: argument === '' && option.argument === 'required' }];
  }
  return found;
}
