import type { Problem } from '../base/problem.js';
import { addAll } from '../base/long-lists.js';
import { shown } from '../base/text.js';
import { readOptions } from '../bhyve/getopt.js';
import { readGnuOptions } from '../bhyve/gnu-getopt.js';
import { bhyveloadLetters, grubOptions } from '../bhyve/loader-options.js';
import { parseMemorySize } from '../bhyve/sizes.js';
import type { Platform } from '../bhyve/releases.js';
import type { Loader } from '../machine/machine.js';
import type { LoaderSpec } from '../fields/loader.js';
import { noteAt, type LoaderCommand, type LoaderFlag, type OriginalText } from './original.js';

type LoaderProgram = LoaderSpec['kind'];

/** A command line of a loader that was found in a text. */
interface LoaderWords {
  readonly program: LoaderProgram;
  /** Without the program. */
  readonly argv: readonly string[];
  readonly line: number;
  /** What it reads from standard input; absent: nothing that is known. */
  readonly input?: string;
}

/** What bhyve and its loader are given alike by vmrun, with the field that says so; grub-bhyve has no `-C`. */
const loaderFlags: readonly { readonly flag: LoaderFlag; readonly field: string }[] = [
  { flag: '-S', field: 'wire_guest_mem' },
  { flag: '-C', field: 'guest_mem_in_core' },
];

export type ReadFile = (path: string) => string | undefined;

/** Reads the command line of a loader, as the loader does. @returns the command, or what is wrong with it */
export function readLoader(words: LoaderWords, readFile: ReadFile): LoaderCommand | { readonly error: string } {
  return words.program === 'bhyveload' ? readBhyveload(words) : readGrubBhyve(words, readFile);
}

function readBhyveload({ argv, line }: LoaderWords): LoaderCommand | { readonly error: string } {
  const disks: string[] = [];
  const env: [string, string][] = [];
  const args: string[] = [];
  const own = new Map<string, string>();
  for (const event of readOptions(argv, bhyveloadLetters)) {
    if (event.kind === 'error') return { error: event.message };
    if (event.kind === 'operands') break;
    const { letter, argument } = event;
    const [, name, value] = /^([^=]+)=(.+)$/s.exec(argument) ?? [];
    if (letter === 'd') disks.push(argument);
    else if (letter === 'e' && name !== undefined && value !== undefined) env.push([name, value]);
    else if (letter === 'e' || letter === 'h' || letter === 'l') args.push(`-${letter}`, argument);
    else own.set(letter, argument);
  }
  return {
    spec: {
      kind: 'bhyveload',
      // Beside a folder of the host, no disk means none, and not the guest's first one.
      ...(disks.length === 0 && !args.includes('-h') ? {} : { disk: disks }),
      ...(env.length === 0 ? {} : { env: Object.fromEntries(env) }),
      ...(args.length === 0 ? {} : { args }),
    },
    ...consoleAndMemory(own.get('c'), own.get('m')),
    flags: flagsIn(own),
    line,
  };
}

/** Options that vmrun does not give by itself, with the words that say them. */
const grubWords: Readonly<Record<string, string>> = { d: '-d', g: '-g', v: '-v', e: '-e', n: '-n' };

function readGrubBhyve(
  { argv, line, input }: LoaderWords,
  readFile: ReadFile,
): LoaderCommand | { readonly error: string } {
  const args: string[] = [];
  const own = new Map<string, string>();
  for (const event of readGnuOptions(argv, grubOptions)) {
    if (event.kind === 'error') return { error: event.message };
    if (event.kind === 'operands') break;
    const { letter, argument } = event;
    const word = grubWords[letter];
    if (word !== undefined) addAll(args, argument === '' ? [word] : [word, argument]);
    else if (letter === 'H') args.push(`-H${argument}`);
    else own.set(letter, argument);
  }
  const root = own.get('r');
  const map = own.get('m');
  const drives = map === undefined ? undefined : drivesIn(readFile(map));
  const commands = (input ?? '').split('\n').filter((command) => command.trim() !== '');
  return {
    spec: {
      kind: 'grub-bhyve',
      ...(root === undefined ? {} : { root }),
      ...(map === undefined ? {} : { device_map: drives ?? map }),
      ...(commands.length === 0 ? {} : { commands }),
      ...(args.length === 0 ? {} : { args }),
    },
    ...consoleAndMemory(own.get('c'), own.get('M')),
    flags: flagsIn(own),
    line,
  };
}

const flagsIn = (own: ReadonlyMap<string, string>): readonly LoaderFlag[] =>
  loaderFlags.flatMap(({ flag }) => (own.has(flag.slice(1)) ? [flag] : []));

const consoleAndMemory = (console: string | undefined, memory: string | undefined) => ({
  ...(console === undefined ? {} : { console }),
  ...(memory === undefined ? {} : { memory }),
});

/** Lines `(hd0) /path` of a device map; undefined where there is none, or a line that is something else. */
function drivesIn(map: string | undefined): Readonly<Record<string, string>> | undefined {
  const lines = (map ?? '').split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const drives = lines.flatMap((line) => {
    const [, drive, path] = /^\(([a-z]{1,8}\d{1,3})\)\s+(\S.*)$/.exec(line.trim()) ?? [];
    return drive === undefined || path === undefined ? [] : [[drive, path] as const];
  });
  return drives.length === 0 || drives.length < lines.length ? undefined : Object.fromEntries(drives);
}

/** What vmrun's loader would do otherwise than the one of the text. */
export function loaderNotes(
  source: OriginalText,
  { spec, console, memory, flags, line }: LoaderCommand,
  planned: Loader,
  { release }: Platform,
  memoryBytes: bigint | undefined,
): readonly Problem[] {
  const notes: Problem[] = [];
  const loaderBytes = memory === undefined ? undefined : parseMemorySize(memory, release);
  if (memory !== undefined && memoryBytes !== undefined && loaderBytes !== memoryBytes) {
    const message = `${spec.kind} is given ${memory} of memory, bhyve another size; vmrun gives both the size of "mem"`;
    notes.push(noteAt(source, line, 'loader-memory', message));
  }
  const plannedConsole = optionValue(planned.argv, '-c') ?? 'stdio';
  if ((console ?? 'stdio') !== plannedConsole && planned.input === undefined) {
    const message = `${spec.kind} talks to ${shown(console ?? 'stdio')} here; vmrun connects it to com1, ${shown(plannedConsole)}`;
    notes.push(noteAt(source, line, 'loader-console', message, 'look at com1 of the spec'));
  }
  for (const { flag, field } of loaderFlags) {
    const [isGiven, isPlanned] = [flags.includes(flag), planned.argv.includes(flag)];
    if (isGiven === isPlanned) continue;
    const message = isGiven
      ? `${spec.kind} is given ${flag}, bhyve is not; vmrun gives it to neither`
      : `bhyve is given ${flag}, ${spec.kind} is not; vmrun gives it to both`;
    const fix = isGiven ? `set "${field}": true to give it to both` : `take "${field}" out to give it to neither`;
    notes.push(noteAt(source, line, 'loader-flag', message, fix));
  }
  return notes;
}

const optionValue = (argv: readonly string[], option: string): string | undefined => {
  const at = argv.indexOf(option);
  return at === -1 ? undefined : argv[at + 1];
};

/** Whether two loaders do the same; the order of the lines of a device map is no matter. */
export function isSameLoader(a: Loader | undefined, b: Loader | undefined): boolean {
  const [one, other] = [a, b].map((loader) =>
    JSON.stringify([
      loader?.argv,
      loader?.input,
      loader?.files.map(({ path, content }) => [path, content.split('\n').sort()]),
    ]),
  );
  return one === other;
}
