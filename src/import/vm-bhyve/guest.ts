import path from 'node:path';
import type { Problem } from '../../base/problem.js';
import { noteAt, type ImportContext, type OriginalText } from '../original.js';
import type { Properties } from '../properties.js';
import type { VmBhyveRelease } from '../vm-bhyve-release.js';

/** What is gathered on the way to the command line of one guest. */
export interface Guest {
  readonly source: OriginalText;
  readonly name: string;
  readonly properties: Properties;
  readonly context: ImportContext;
  readonly release: VmBhyveRelease;
  readonly isUefi: boolean;
  readonly notes: Problem[];
  /** The setting that a word of the command line is of: `0:4:0,nvme,/vm/web/disk0.img` of `disk0_name`. */
  readonly origins: Map<string, string>;
}

/** A word of the command line, with the setting it is of. */
export function of({ origins }: Guest, key: string, word: string): string {
  origins.set(word, key);
  return word;
}

/**
 * vm-bhyve keeps what belongs to a guest in its folder, where this file is. The name stays as it is: bhyve makes the
 * serial number of a disk of its path, letter for letter.
 */
export const inGuest = ({ folder }: OriginalText, name: string): string => `${folder}/${name}`;

/** The folder of vm-bhyve, or of one of its datastores. */
export const datastoreOf = ({ folder }: OriginalText): string => path.posix.dirname(folder);

/** Something to tell about a setting, at its line. */
export function tell({ source, properties, notes }: Guest, key: string, code: string, message: string, fix?: string) {
  notes.push(noteAt(source, properties.line(key), code, message, fix));
}
