import { formatAddress } from '../base/pci-address.js';
import type { Variable } from '../devices/device.js';
import type { Setting } from '../fields/field.js';
import type { PlannedDevice } from './machine.js';

/**
 * Escapes a value so that bhyve reads it back as it is. A value with a `%` is searched for references, and in such a
 * value a backslash escapes; any other value is taken literally: expand_config_value in config.c. The manual's `%%`
 * does not work.
 */
export const escapeValue = (value: string): string =>
  value.includes('%') ? value.replaceAll(/[\\%]/g, '\\$&') : value;

/** `-o key=value`: nothing splits the value. */
const asVariable = ({ key, value, isLiteral }: Variable): readonly string[] => [
  '-o',
  `${key}=${isLiteral === true ? value : escapeValue(value)}`,
];

/** A comma always splits in -s, a `%` is better said where one value stands alone, an empty word sets a nameless flag. */
const isSafeWord = (word: string): boolean => word !== '' && !/[,%]/.test(word);

/** `-s slot,model,words` where every word is safe there, else one -o for each variable. Secrets are left out. */
export function deviceArguments({ address, words, variables }: PlannedDevice): readonly string[] {
  const isOpaque = variables.length === 0;
  if (words !== undefined && (isOpaque || words.every(isSafeWord))) {
    return ['-s', [formatAddress(address), ...words].join(',')];
  }
  return variables.filter(({ isSecret }) => isSecret !== true).flatMap(asVariable);
}

/** The option as people write it, or -o. An option whose words are not safe must not be given one. */
export const settingArguments = ({ option, variables, isLiteral }: Setting): readonly string[] =>
  (isLiteral === true ? option : option?.map(escapeValue)) ??
  variables.filter(({ isSecret }) => isSecret !== true).flatMap(asVariable);

/** One line of a bhyve_config(5) file. */
export const configLine = ({ key, value, isLiteral }: Variable): string =>
  `${key}=${isLiteral === true ? value : escapeValue(value)}\n`;
