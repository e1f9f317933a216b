import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { splitWords } from '../base/shell.js';
import { shown } from '../base/text.js';
import { imageRequirement } from '../devices/block.js';
import { regularFile, type Medium, type Requirement } from '../devices/device.js';
import { file, text, type JsonSchema } from '../devices/json-schema.js';
import { checkDuration, duration, milliseconds, type Duration } from './durations.js';
import { defineField, type FieldContext } from './field.js';
import type { Part } from './part.js';
import { files, object, words } from './schemas.js';

/** A program that loads a guest without a boot ROM. */
export interface LoaderSpec {
  readonly kind: 'bhyveload' | 'grub-bhyve';
  readonly args?: string | readonly string[];
  /** bhyveload: what to load from. Default: the guest's first disk. */
  readonly disk?: string | readonly string[];
  /** bhyveload: variables of the loader. */
  readonly env?: Readonly<Record<string, string>>;
  /** grub-bhyve: the device that holds /boot/grub/grub.cfg. */
  readonly root?: string;
  /** grub-bhyve: a file, or images by drive. Default: the guest's disks and CDs. */
  readonly device_map?: string | Readonly<Record<string, string>>;
  /** grub-bhyve: what to type at its prompt. */
  readonly commands?: string | readonly string[];
}

export interface LoaderFields {
  readonly loader?: 'none' | LoaderSpec;
  readonly loader_timeout: Duration;
}

const loaderSchema: JsonSchema = {
  ...object({
    properties: {
      kind: {
        type: 'string',
        enum: ['bhyveload', 'grub-bhyve'],
        description: 'bhyveload for FreeBSD guests, grub-bhyve (package grub2-bhyve) for others.',
      },
      args: words('More words for the program, put before the VM name.', ['-h', '/export/guest']),
      disk: files(
        'bhyveload: what to load from, at most 32 images; []: none, for a folder in args. Default: the first disk of the guest.',
        32,
      ),
      env: {
        type: 'object',
        description: 'bhyveload: variables of the loader, as in loader.conf.',
        additionalProperties: text('Value of the variable.', { takesDigits: true }),
        examples: [{ autoboot_delay: '3' }],
      },
      root: text('grub-bhyve: the device that holds grub.cfg.', { examples: ['hd0,msdos1', 'cd0'] }),
      device_map: {
        ...file('grub-bhyve: a device map file, or images by drive. Default: the disks and CDs of the guest.'),
        type: ['string', 'object'],
        additionalProperties: file('The image behind the drive.'),
        examples: [{ hd0: 'disk.img' }],
      },
      commands: {
        ...text('grub-bhyve: what to type at its prompt, line by line, instead of a grub.cfg.'),
        type: ['string', 'array'],
        minItems: 1,
        items: text('One command of GRUB.'),
        examples: [['linux (hd0,msdos1)/vmlinuz root=/dev/vda1', 'initrd (hd0,msdos1)/initrd.img', 'boot']],
      },
    },
    required: ['kind'],
  }),
  type: ['string', 'object'],
  description:
    'A program that loads the guest before each boot, instead of a boot ROM; or "none": somebody else has loaded it, and a reboot of it ends the run.',
  pattern: '^none$',
  patternErrorMessage: '"none", or an object with the kind "bhyveload" or "grub-bhyve"',
  examples: [{ kind: 'bhyveload', disk: 'disk.img' }],
};

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

/** What is wrong with a loader: bhyveload(8), grub-bhyve(8). */
function check({ vm: { loader }, parts, arch }: FieldContext<LoaderFields>): readonly Finding[] {
  if (loader === undefined) return [];
  if (arch === 'arm64') {
    const message = 'a guest on arm64 always starts from a boot ROM';
    return [finding('arch', '/loader', message, 'leave "loader" out')];
  }
  if (loader === 'none') return [];
  return [...checkFields(loader), ...checkWords(loader), ...checkSource(loader, parts)];
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
  const words = loaderWords(args);
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
        `${shown(drive)} is not a drive of GRUB`,
        'use e.g. "hd0" or "cd0"',
      ),
    );
  return [...quoting, ...variables, ...drives];
}

/** bhyveload needs a disk or a folder to load from; grub-bhyve without either would show a menu of the host's. */
function checkSource(loader: LoaderSpec, parts: readonly Part[]): readonly Finding[] {
  const words = loaderWords(loader.args);
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

export const mediaOf = (parts: readonly Part[]): readonly Medium[] =>
  parts.flatMap(({ model, fields }) => model.media?.(fields) ?? []);

/** The loader's own disks, else the first disk of the guest, else its first CD. */
export function bhyveloadDisks({ disk }: LoaderSpec, parts: readonly Part[]): readonly string[] {
  if (disk !== undefined) return [disk].flat();
  const media = mediaOf(parts);
  const first = media.find(({ type }) => type === 'hd') ?? media[0];
  return first === undefined ? [] : [first.path];
}

export const loaderWords = (args: LoaderSpec['args']): readonly string[] | { readonly error: string } =>
  typeof args === 'string' ? splitWords(args) : (args ?? []);

/** What a loader reads; the guest's own disks are looked at as such. */
function requirements({ vm: { loader }, parts }: FieldContext<LoaderFields>): readonly Requirement[] {
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
  return [loaderProgram(loader.kind), ...disks, ...drives];
}

const loaderProgram = (kind: LoaderSpec['kind']): Requirement => ({
  kind: 'program',
  program: kind,
  use: `the loader ${kind}`,
  isVital: true,
  isOfBhyve: true,
  whenMissing:
    kind === 'grub-bhyve'
      ? 'pkg install grub2-bhyve, or use a bootrom'
      : 'it is part of FreeBSD on amd64; use a bootrom where it is not installed',
  pointer: '/loader/kind',
});

export const loader = defineField<LoaderFields>({
  name: 'loader',
  chapter: 'How the guest starts',
  after: { command: 'fw_cfg_files', document: 'fw_cfg_files' },
  schema: loaderSchema,
  check,
  requirements,
});

export const loaderTimeout = defineField<LoaderFields>({
  name: 'loader_timeout',
  chapter: 'How the guest starts',
  after: { document: 'loader', written: 'hooks' },
  schema: duration('How long a loader may take.', 60),
  check({ vm, arch }) {
    const isUsed = typeof vm.loader === 'object' && arch !== 'arm64';
    return [
      ...checkDuration('/loader_timeout', vm.loader_timeout),
      ...(isUsed && milliseconds(vm.loader_timeout) === 0
        ? [finding('loader-timeout', '/loader_timeout', 'no loader is done in no time', 'use e.g. "60s"')]
        : []),
    ];
  },
});
