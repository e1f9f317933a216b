import type { Problem } from '../base/problem.js';
import type { Arch } from '../devices/device.js';
import type { LoaderSpec } from '../fields/loader.js';
import type { SpecObject } from './spec-object.js';
import type { VmBhyveRelease } from './vm-bhyve-release.js';

/** Where a text came from. */
export interface OriginalText {
  /** For messages: the file's name as the user gave it, or `<stdin>`. */
  readonly name: string;
  readonly text: string;
  /** Absolute; the folder that relative file names of the text start at. */
  readonly folder: string;
  /** The file's own name without its extension; absent: standard input. */
  readonly stem?: string | undefined;
}

/** What an importer may ask for besides its text. */
export interface ImportContext {
  /** The content of a file by its name as the text has it; undefined where it cannot be read. */
  readonly readFile: (path: string) => string | undefined;
  /** The VM's name from the command line of the user. */
  readonly vmName?: string | undefined;
  /** ZFS dataset that the manager keeps its VMs in. */
  readonly dataset?: string | undefined;
  /** The vm-bhyve that starts the guest; absent: the newest. */
  readonly vmBhyve?: VmBhyveRelease | undefined;
  /** Number of the first tap that is free to be named. */
  readonly firstTap: number;
}

/**
 * What one text says of a VM, in the words of bhyve: every format is first turned into the command line that its own
 * manager would run, so that there is one way from bhyve's words to a spec.
 */
export interface Original {
  /** Words for bhyve, argv[0] excluded; the VM's name is the last. */
  readonly argv: readonly string[];
  /** What the content of a file that `-k` names is; undefined where it cannot be read. */
  readonly readFile: (path: string) => string | undefined;
  /** The program that puts the guest into memory before bhyve starts, with all that its command line says. */
  readonly loader?: LoaderCommand;
  /** Root fields that bhyve knows nothing of: hooks, `reboot_on`. */
  readonly fields: SpecObject;
  /** Fields of a card that bhyve knows nothing of, by the interface, or the PCI card `2:0:0`, behind it. */
  readonly cards: ReadonlyMap<string, SpecObject>;
  /** The text says so itself. */
  readonly arch?: Arch;
  /** Interfaces that were given a name because the original makes one at each start. */
  readonly tapsMade?: number;
  /** What could not be carried, or was made up. */
  readonly notes: readonly Problem[];
  /** Line that the command begins on; absent: the text has no such line. */
  readonly line?: number;
  /** Line that a word of the command line comes from, for notes about it. */
  readonly lineOf: (word: string) => number | undefined;
}

export type LoaderFlag = '-S' | '-C';

/** What the command line of a loader says: bhyveload(8), grub-bhyve(8). */
export interface LoaderCommand {
  readonly spec: LoaderSpec;
  /** What the loader talks to; absent: its standard input and output. */
  readonly console?: string;
  /** As written. */
  readonly memory?: string;
  /** Those of `-S` and `-C` that it is given: vmrun gives a loader what it gives bhyve. */
  readonly flags: readonly LoaderFlag[];
  readonly line: number;
}

/** Something that was not carried as it stands, or was made up: told, and the spec is written all the same. */
export const noteAt = (
  { name }: Pick<OriginalText, 'name'>,
  line: number | undefined,
  code: string,
  message: string,
  fix?: string,
): Problem => ({
  code,
  severity: 'warning',
  message,
  ...(fix === undefined ? {} : { fix }),
  ...(line === undefined ? {} : { place: { file: name, line, column: 1, pointer: '' } }),
});

/** Why nothing can be imported. */
export const refusalAt = (...words: Parameters<typeof noteAt>): Problem => ({ ...noteAt(...words), severity: 'error' });
