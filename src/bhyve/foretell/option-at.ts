import { traitsOf, type Platform } from '../releases.js';

/** The option of a command that begins with a word, with its value if that is a word of its own. */
export function optionAt(argv: readonly string[], index: number, platform: Platform): readonly string[] {
  const [word = ''] = argv.slice(index);
  const hasValue = traitsOf(platform).optionLetters.includes(`${word.slice(1)}:`);
  return argv.slice(index, hasValue ? index + 2 : index + 1);
}
