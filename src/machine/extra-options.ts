import { shown } from '../base/text.js';

/** bhyve's options that take a value: the getopt strings of releases 14 to 16. */
const withValue = /[GKUcfklmnoprs]/;

/**
 * Looks at words that go before the VM name as bhyve's getopt will: it stops at the first word that is no option, so
 * that word would become the VM's name and the command would fail with the usage text.
 * @returns what is wrong, or undefined
 */
export function strayWord(words: readonly string[]): string | undefined {
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '--') return words.length === index + 1 ? undefined : afterEnd(words[index + 1] ?? '');
    if (!word.startsWith('-') || word === '-') {
      return `${shown(word)} is no option: bhyve would take it for the name of the VM`;
    }
    const takesValue = word.slice(1).search(withValue);
    if (takesValue === -1 || takesValue < word.length - 2) continue;
    index += 1;
    if (index === words.length) return `${word} wants a value`;
  }
  return undefined;
}

const afterEnd = (word: string): string => `after "--" bhyve takes ${shown(word)} for the name of the VM`;
