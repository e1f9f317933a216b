import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { splitWords } from '../base/shell.js';
import { shown } from '../base/text.js';
import { secretInView } from '../devices/secret-in-view.js';
import { printable, printableMessage, text } from '../devices/json-schema.js';
import { defineField } from './field.js';

export interface ExtraOptionsFields {
  readonly extra_options?: string | readonly string[];
}

/** bhyve's options that take a value: the getopt strings of releases 14 to 16. */
const withValue = /[GKUcfklmnoprs]/;

/** A word that is no option of bhyve, and where it stands among the words. */
interface StrayWord {
  readonly index: number;
  readonly message: string;
}

/**
 * Looks at words that go before the VM name as bhyve's getopt will: it stops at the first word that is no option, so
 * that word would become the VM's name and the command would fail with the usage text.
 */
export function strayWords(words: readonly string[]): readonly StrayWord[] {
  const found: StrayWord[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '--') {
      const rest = words.slice(index + 1).map((behind, at) => ({ index: index + 1 + at, message: afterEnd(behind) }));
      return [...found, ...rest];
    }
    if (!word.startsWith('-') || word === '-') {
      found.push({ index, message: `${shown(word)} is not an option: bhyve would take it for the name of the VM` });
      continue;
    }
    const takesValue = word.slice(1).search(withValue);
    if (takesValue === -1 || takesValue < word.length - 2) continue;
    index += 1;
    if (index === words.length) found.push({ index: index - 1, message: `${word} needs a value` });
  }
  return found;
}

const afterEnd = (word: string): string => `after "--" bhyve takes ${shown(word)} for the name of the VM`;

/** Whether some of bhyve's words may bring devices: `-s`, a file of variables, a variable of a device. */
export const mayAddDevices = (words: readonly string[]): boolean =>
  words.some((word) => /^-[A-Za-z]*[sk]|^(-[A-Za-z]*o)?pci\./.test(word));

/** Why words cannot be passed on, and what to do where that is special. */
interface Unusable {
  readonly error: string;
  readonly fix?: string;
}

/** In bytes, what the kernel takes of arguments and environment: kern.argmax of FreeBSD. */
const mostBytes = 512 * 1024;

/** The spec's own words, or why they cannot be split, or passed on. */
export function extraWords({ extra_options: extra = [] }: ExtraOptionsFields): readonly string[] | Unusable {
  if (isTooLong(extra)) {
    return {
      error: `these are more than ${mostBytes / 1024} KiB, and FreeBSD starts no program with so many arguments`,
      fix: 'put variables into a file of bhyve_config(5), and name it here by -k',
    };
  }
  return typeof extra === 'string' ? splitWords(extra) : extra;
}

/** Each word has an end of its own; of a text, the blanks between words are no more. */
const isTooLong = (extra: string | readonly string[]): boolean =>
  typeof extra === 'string'
    ? extra.length > mostBytes
    : extra.reduce((sum, word) => sum + word.length + 1, 0) > mostBytes;

const keptPrivate = 'use "password" of graphic or fbuf, or "config", which keep it in a private file';

function check({ extra_options: written }: ExtraOptionsFields): readonly Finding[] {
  const words = extraWords({ extra_options: written ?? [] });
  const stray = 'error' in words ? [{ index: 0, message: words.error }] : strayWords(words);
  if (stray.length === 0) return 'error' in words ? [] : secretInView(words, '/extra_options', keptPrivate);
  const hasPlaces = typeof written === 'object' && !('error' in words);
  return stray.map(({ index, message }) => ({
    code: 'extra-options',
    pointer: hasPlaces ? child('/extra_options', index) : '/extra_options',
    message,
    fix: ('error' in words ? words.fix : undefined) ?? 'give options only, quoted as for a shell',
  }));
}

export const extraOptions = defineField<ExtraOptionsFields>({
  name: 'extra_options',
  chapter: 'Everything else',
  schema: {
    type: ['string', 'array'],
    description:
      'More options for bhyve, put before the VM name: a list of words, or one text that is split as a shell splits it, ' +
      "by blanks outside '…', \"…\" and $'…'.",
    pattern: printable,
    patternErrorMessage: printableMessage,
    minItems: 1,
    items: text('One word of the command.', { takesDigits: true }),
    examples: ['-o system.serial_number=42', ['-o', 'system.serial_number=42']],
  },
  check: ({ vm }) => check(vm),
});
