import { addAll } from '../../base/long-lists.js';
import { withoutGivenSecrets } from '../../base/secrets.js';
import { listWords } from '../../base/text.js';
import { shownText, type Symbols } from './symbols.js';
import type { Started } from './run.js';

/** Letters of bhyve's and the loaders' options that take a value. */
const valued = 'cfgGkKlmnoprsUdehM';

/** A command line as options with their values, one of each. */
export function optionsOf({ fields, program }: Started, symbols: Symbols): readonly string[] {
  const words = fields.map(({ text }) => shownText(text, symbols));
  const options: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (program === 'bhyve' && /^-[A-Za-z]{2,}/.test(word) && !valued.includes(word.charAt(1))) {
      const letters = word.slice(1).split('');
      const last = letters.at(-1) ?? '';
      addAll(
        options,
        letters.slice(0, -1).map((letter) => `-${letter}`),
      );
      const value = valued.includes(last) ? words[at + 1] : undefined;
      options.push(value === undefined ? `-${last}` : `-${last} ${value}`);
      if (value !== undefined) at += 1;
    } else if (/^-[A-Za-z]$/.test(word) && valued.includes(word.charAt(1)) && words[at + 1] !== undefined) {
      options.push(`${word} ${words[at + 1] ?? ''}`);
      at += 1;
    } else options.push(word);
  }
  return options;
}

interface OptionDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export function optionDifference(before: readonly string[], after: readonly string[]): OptionDifference {
  const without = (all: readonly string[], others: readonly string[]): readonly string[] => {
    const left = [...others];
    return all.filter((option) => {
      const at = left.indexOf(option);
      if (at !== -1) left.splice(at, 1);
      return at === -1;
    });
  };
  return { added: without(after, before), removed: without(before, after) };
}

/** `is also given -s 3,ahci-cd,/d.iso`, `is given -m 2G instead of -m 1G`; undefined: there is none. */
export function differenceText({ added, removed }: OptionDifference): string | undefined {
  const words = (options: readonly string[]): string => {
    const shortened = options.slice(0, 6).map(withoutGivenSecrets);
    return listWords([...shortened, ...(options.length > 6 ? [`${options.length - 6} more`] : [])]);
  };
  if (added.length === 0 && removed.length === 0) return undefined;
  if (removed.length === 0) return `is also given ${words(added)}`;
  if (added.length === 0) return `is not given ${words(removed)}`;
  return `is given ${words(added)} instead of ${words(removed)}`;
}
