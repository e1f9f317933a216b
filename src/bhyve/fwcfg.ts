import type { ReadFile } from './files.js';
import { type Output, errnoText, warn } from './outcome.js';
import { splitAtFirst } from './pci-legacy.js';

/** The name is kept in 56 bytes, one of which ends it. */
const maxNameBytes = 55;

/**
 * `-f [name=]NAME,string=S` or `,file=PATH`: leaves no trace in the configuration, but a file is read at once.
 * @returns false, after a message, where it cannot be used
 */
export function parseFwCfgItem(text: string, readFile: ReadFile, output: Output): boolean {
  const usage = (): false => {
    warn(output, `Invalid fw_cfg option "${text}"`);
    warn(output, '-f [name=]<name>,(string|file)=<value>');
    return false;
  };
  const [name, value] = splitAtFirst(text.startsWith('name=') ? text.slice('name='.length) : text, ',');
  if (value === undefined) return usage();
  if (new TextEncoder().encode(name).length > maxNameBytes) {
    warn(output, `fw_cfg name too long: "${text}"`);
    return false;
  }
  if (value.startsWith('string=')) return true;
  if (!value.startsWith('file=')) return usage();
  const path = value.slice('file='.length);
  const content = readFile(path) ?? { isOpened: false, error: errnoText.missing };
  if (typeof content === 'string') return true;
  const failed = content.isOpened ? 'Unable to read file' : "Can't open fw_cfg_user_file file";
  warn(output, `${failed} "${path}": ${content.error}`);
  return false;
}
