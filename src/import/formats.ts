import type { Result } from '../base/result.js';
import { importConfigFile, isConfigFile } from './config-file.js';
import { importIohyve, isIohyve } from './iohyve.js';
import type { ImportContext, Original, OriginalText } from './original.js';
import { otherToolOf } from './other-tools.js';
import { hasBhyveCommand, importScript } from './script/import-script.js';
import { importVmBhyve } from './vm-bhyve/import-vm-bhyve.js';
import { isVmBhyve } from './vm-bhyve/settings.js';

export const importFormats = ['bhyve', 'config', 'vm-bhyve', 'iohyve', 'libvirt'] as const;
/** What `vmrun import` reads. */
export type ImportFormat = (typeof importFormats)[number];

/** In bytes, what is read of a file to import: a thousandth of that is usual. */
export const maxImportBytes = 1024 * 1024;

type Importer = (source: OriginalText, context: ImportContext) => Result<Original>;

/** The importer of each format; the one that needs an XML parser is loaded when it is wanted. */
export const importers: Readonly<Record<ImportFormat, () => Promise<Importer>>> = {
  bhyve: () => Promise.resolve(importScript),
  config: () => Promise.resolve(importConfigFile),
  'vm-bhyve': () => Promise.resolve(importVmBhyve),
  iohyve: () => Promise.resolve(importIohyve),
  libvirt: async () => (await import('./libvirt/import-libvirt.js')).importLibvirt,
};

/** A shell script by its first line, or one that writes a file: what it writes is not what it is. */
const isScript = (text: string): boolean =>
  /^#!.*\b(sh|bash|dash|ksh|mksh|zsh|csh|tcsh|rc)\b/.test(text) ||
  /^[^#\n\r\u2028\u2029]*<<-?\s*(['"\\]?)[A-Za-z_]\w*\1/m.test(text);

const isXml = (text: string): boolean => /^\s*<[?!A-Za-z]/.test(text);

/** Tells the format by the text. A command of bhyve can stand in nothing but a script; the lists have names of their own. */
export function formatOf(text: string): ImportFormat | undefined {
  if (isXml(text)) return otherToolOf(text) === undefined ? 'libvirt' : undefined;
  if (hasBhyveCommand(text)) return 'bhyve';
  if (isScript(text)) return otherToolOf(text) === undefined ? 'bhyve' : undefined;
  if (isIohyve(text)) return 'iohyve';
  if (isVmBhyve(text)) return 'vm-bhyve';
  return isConfigFile(text) ? 'config' : undefined;
}
