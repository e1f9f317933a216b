import { formatMemorySize } from '../base/memory-size.js';
import { bhyveBackend, servedConsole } from '../devices/serial.js';
import { milliseconds } from '../fields/durations.js';
import { bhyveloadDisks, mediaOf, loaderWords, type LoaderSpec } from '../fields/loader.js';
import type { Part } from '../fields/part.js';
import type { VmSpec } from '../fields/vm-spec.js';
import type { Loader } from './machine.js';
import { pathIn } from './run-path.js';

/** Name of a device map that vmrun makes, in the run directory. */
export const deviceMapName = 'device.map';

/** The words that start a loader, by its kind; absent: the program of that name. */
export type LoaderPrograms = Readonly<Partial<Record<Loader['kind'], readonly string[]>>>;

/** The words that start bhyve and its loaders. */
export interface Programs {
  readonly bhyve: readonly string[];
  readonly loaders: LoaderPrograms;
}

/** What is run: the program, however it is found, and its arguments. */
export const loaderCommand = ({ kind, argv }: Loader, programs: LoaderPrograms): readonly string[] => [
  ...(programs[kind] ?? argv.slice(0, 1)),
  ...argv.slice(1),
];

interface LoaderContext {
  readonly parts: readonly Part[];
  readonly memoryBytes: number;
  readonly isWired: boolean;
  /** Folder of the files that the loader reads. */
  readonly runDirectory: string;
}

/** The program to run before bhyve, each time; undefined where the guest starts from a boot ROM or is loaded by others. */
export function loaderOf(vm: VmSpec, context: LoaderContext): Loader | undefined {
  const { loader } = vm;
  if (loader === undefined || loader === 'none') return undefined;
  const words = loaderWords(loader.args);
  const args = 'error' in words ? [] : words;
  const timeoutMs = milliseconds(vm.loader_timeout);
  switch (loader.kind) {
    case 'bhyveload':
      return { ...bhyveload(vm, loader, args, context), timeoutMs };
    case 'grub-bhyve':
      return { ...grubBhyve(vm, loader, args, context), timeoutMs };
  }
}

type Command = Omit<Loader, 'timeoutMs'>;

/** A loader talks to a tty or to ours; a serial port that is a socket is none of them. */
const consoleOf = ({ com1 }: VmSpec): readonly string[] =>
  com1 === undefined || com1.startsWith('tcp=') ? [] : ['-c', bhyveBackend(com1)];

function bhyveload(vm: VmSpec, loader: LoaderSpec, args: readonly string[], context: LoaderContext): Command {
  return {
    kind: 'bhyveload',
    argv: [
      'bhyveload',
      ...consoleOf(vm),
      '-m',
      formatMemorySize(context.memoryBytes),
      ...(context.isWired ? ['-S'] : []),
      ...(vm.guest_mem_in_core ? ['-C'] : []),
      ...bhyveloadDisks(loader, context.parts).flatMap((path) => ['-d', path]),
      ...Object.entries(loader.env ?? {}).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
      ...args,
      vm.name,
    ],
    files: [],
    usesStdio: vm.com1 === 'stdio',
    servesConsole: vm.com1 === servedConsole,
  };
}

/** Commands come by standard input, which GRUB reads where it is given no console of its own. */
function grubBhyve(vm: VmSpec, loader: LoaderSpec, args: readonly string[], context: LoaderContext): Command {
  const { root, commands, device_map: map } = loader;
  const input = commands === undefined ? undefined : `${[commands].flat().join('\n')}\n`;
  const mapPath = typeof map === 'string' ? map : pathIn(context.runDirectory, deviceMapName);
  // GRUB talks to its own terminal, which it calls no name.
  const console = input !== undefined || bhyveBackend(vm.com1 ?? '') === 'stdio' ? [] : consoleOf(vm);
  return {
    kind: 'grub-bhyve',
    argv: [
      'grub-bhyve',
      ...console,
      '-m',
      mapPath,
      '-M',
      sizeForGrub(context.memoryBytes),
      ...(context.isWired ? ['-S'] : []),
      ...(root === undefined ? [] : ['-r', root]),
      ...args,
      vm.name,
    ],
    ...(input === undefined ? {} : { input }),
    files: typeof map === 'string' ? [] : [{ path: mapPath, content: deviceMap(map, context.parts) }],
    usesStdio: vm.com1 === 'stdio' && input === undefined,
    servesConsole: vm.com1 === servedConsole && input === undefined,
  };
}

/** grub-bhyve takes a bare number for MiB, so the unit is always said; memory comes in pages. */
const sizeForGrub = (bytes: number): string => {
  const size = formatMemorySize(bytes);
  return /\D$/.test(size) ? size : `${bytes / 1024}K`;
};

/** One line for each drive; by default the guest's own, disks and CDs counted apart. */
function deviceMap(map: Readonly<Record<string, string>> | undefined, parts: readonly Part[]): string {
  const counts = { hd: 0, cd: 0 };
  const drives =
    map === undefined
      ? mediaOf(parts).map(({ type, path }) => [`${type}${counts[type]++}`, path] as const)
      : Object.entries(map);
  return drives.map(([drive, path]) => `(${drive}) ${path}\n`).join('');
}
