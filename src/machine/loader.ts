import { child } from '../base/json-pointer.js';
import { formatMemorySize } from '../base/memory-size.js';
import type { Finding } from '../base/problem.js';
import { splitWords } from '../base/shell.js';
import { shown } from '../base/text.js';
import { imageRequirement } from '../devices/block.js';
import { bhyveBackend, servedConsole } from '../devices/serial.js';
import { regularFile, type Medium, type Platform, type Requirement } from '../devices/device.js';
import type { LoaderSpec, VmSpec } from '../spec/vm-spec.js';
import type { Loader } from './machine.js';
import type { Part } from './parts.js';
import { milliseconds } from './policy.js';
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

/** Fields that only one kind of loader has. */
const ownFields: Readonly<Record<LoaderSpec['kind'], readonly (keyof LoaderSpec)[]>> = {
  bhyveload: ['disk', 'env'],
  'grub-bhyve': ['root', 'device_map', 'commands'],
};

const finding = (code: string, pointer: string, message: string, fix: string): Finding => ({
  code,
  pointer,
  message,
  fix,
});

/** What is wrong with a loader, or with what stands beside it: bhyveload(8), grub-bhyve(8). */
export function checkLoader(vm: VmSpec, parts: readonly Part[], { arch }: Platform): readonly Finding[] {
  const { loader } = vm;
  if (loader === undefined) return [];
  if (arch === 'arm64') {
    const message = 'a guest on arm64 always starts from a boot ROM';
    return [finding('arch', '/loader', message, 'leave "loader" out')];
  }
  const monitored = vm.monitor
    ? [
        finding(
          'monitor-loader',
          '/monitor',
          'with monitor bhyve restarts the guest by itself, and nobody would load it again',
          'leave "monitor" out, or use a bootrom',
        ),
      ]
    : [];
  // A target's own way to start takes the other away, so both are here only where one of them says both.
  const twice =
    vm.bootrom === undefined
      ? []
      : [
          finding(
            'loader-bootrom',
            '/bootrom',
            'a guest starts from a boot ROM or by a loader, not both',
            'keep one of them',
          ),
        ];
  if (loader === 'none') return [...twice, ...monitored];
  const hurried =
    milliseconds(vm.loader_timeout) > 0
      ? []
      : [finding('loader-timeout', '/loader_timeout', 'no loader is done in no time', 'use e.g. "60s"')];
  return [
    ...twice,
    ...monitored,
    ...hurried,
    ...checkFields(loader),
    ...checkWords(loader),
    ...checkSource(loader, parts),
  ];
}

const checkFields = (loader: LoaderSpec): readonly Finding[] =>
  Object.entries(ownFields).flatMap(([kind, fields]) =>
    fields
      .filter((field) => kind !== loader.kind && loader[field] !== undefined)
      .map((field) =>
        finding(
          'wrong-loader',
          child('/loader', field),
          `${field} belongs to ${kind}, this loader is ${loader.kind}`,
          `leave "${field}" out`,
        ),
      ),
  );

function checkWords({ args, env = {}, device_map: map }: LoaderSpec): readonly Finding[] {
  const words = wordsOf(args);
  const quoting =
    'error' in words
      ? [finding('quoting', '/loader/args', words.error, 'use a list of words: ["-h", "/export/guest"]')]
      : [];
  const variables = Object.keys(env).flatMap((name): readonly Finding[] => {
    const pointer = child('/loader/env', name);
    if (!/^[^\s=\p{Cc}]+$/u.test(name)) {
      return [
        finding(
          'loader-variable',
          pointer,
          `${shown(name)} cannot name a loader variable`,
          'use a name without blanks and "="',
        ),
      ];
    }
    if (!/pass(word|phrase)$/i.test(name)) return [];
    const message = `${name} would stand on the command line of bhyveload, for everybody to see`;
    return [finding('secret-in-view', pointer, message, 'put it into loader.conf of the guest')];
  });
  const drives = Object.keys(typeof map === 'object' ? map : {})
    .filter((drive) => !/^[a-z]{1,8}\d{1,3}$/.test(drive))
    .map((drive) =>
      finding(
        'grub-drive',
        child('/loader/device_map', drive),
        `${shown(drive)} is no drive of GRUB`,
        'use e.g. "hd0" or "cd0"',
      ),
    );
  return [...quoting, ...variables, ...drives];
}

/** bhyveload needs a disk or a folder to load from; grub-bhyve without either would show a menu of the host's. */
function checkSource(loader: LoaderSpec, parts: readonly Part[]): readonly Finding[] {
  const words = wordsOf(loader.args);
  const has = (option: string): boolean => 'error' in words || words.some((word) => word.startsWith(option));
  if (loader.kind === 'grub-bhyve') {
    if (loader.root !== undefined || loader.commands !== undefined || has('-r')) return [];
    const message = 'grub-bhyve is not told where grub.cfg of the guest is';
    return [finding('required', '/loader/root', message, 'add e.g. "root": "hd0,msdos1", or "commands"')];
  }
  if (bhyveloadDisks(loader, parts).length > 0 || has('-h')) return [];
  const message = 'bhyveload has nothing to load from: there is no disk in emulations';
  return [finding('required', '/loader/disk', message, 'add e.g. "disk": "disk.img"')];
}

const mediaOf = (parts: readonly Part[]): readonly Medium[] =>
  parts.flatMap(({ model, fields }) => model.media?.(fields) ?? []);

/** The loader's own disks, else the first disk of the guest, else its first CD. */
function bhyveloadDisks({ disk }: LoaderSpec, parts: readonly Part[]): readonly string[] {
  if (disk !== undefined) return [disk].flat();
  const media = mediaOf(parts);
  const first = media.find(({ type }) => type === 'hd') ?? media[0];
  return first === undefined ? [] : [first.path];
}

const wordsOf = (args: LoaderSpec['args']): readonly string[] | { readonly error: string } =>
  typeof args === 'string' ? splitWords(args) : (args ?? []);

export interface LoaderContext {
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
  const words = wordsOf(loader.args);
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

/** What a loader reads; the guest's own disks are looked at as such. */
export function loaderRequirements({ loader }: VmSpec, parts: readonly Part[]): readonly Requirement[] {
  if (loader === undefined || loader === 'none') return [];
  const ofGuest = new Set(mediaOf(parts).map(({ path }) => path));
  const image = (path: string, pointer: string): readonly Requirement[] =>
    ofGuest.has(path) ? [] : [imageRequirement(path, pointer)];
  const { disk, device_map: map = {} } = loader;
  const disks =
    typeof disk === 'string'
      ? image(disk, '/loader/disk')
      : (disk ?? []).flatMap((path, index) => image(path, child('/loader/disk', index)));
  const drives: readonly Requirement[] =
    typeof map === 'string'
      ? [regularFile(map, '/loader/device_map')]
      : Object.entries(map).flatMap(([drive, path]) => image(path, child('/loader/device_map', drive)));
  return [...disks, ...drives];
}
