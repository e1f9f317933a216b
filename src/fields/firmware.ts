import type { Finding } from '../base/problem.js';
import { optional, regularFile, type Arch, type Platform, type Requirement, type Variable } from '../devices/device.js';
import { file } from '../devices/json-schema.js';
import { defineField, type Setting } from './field.js';

export interface FirmwareFields {
  /** Default: the firmware of the architecture. */
  readonly bootrom?: string;
  readonly varfile?: string;
  readonly fwcfg?: 'bhyve' | 'qemu';
}

/** A loader, of whatever kind, takes the place of a boot ROM. */
type Vm = FirmwareFields & { readonly loader?: unknown };

/** What the packages edk2-bhyve and u-boot-bhyve-arm64 install. */
const defaultBootroms: Readonly<Record<Arch, string>> = {
  amd64: '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd',
  arm64: '/usr/local/share/u-boot/u-boot-bhyve-arm64/u-boot.bin',
};

/** The image that the guest starts from; undefined where a loader puts the kernel into its memory. */
export const bootromOf = ({ bootrom, loader }: Vm, arch: Arch): string | undefined =>
  loader === undefined ? (bootrom ?? defaultBootroms[arch]) : undefined;

/** The variables of the boot ROM and of what it keeps. */
export function firmwareVariables({ release, arch }: Platform): {
  readonly bootrom: string;
  readonly bootvars: string;
} {
  const prefix = release === 14 && arch === 'amd64' ? 'lpc.' : '';
  return { bootrom: `${prefix}bootrom`, bootvars: `${prefix}bootvars` };
}

const isPlain = (word: string): boolean => !/[,%]/.test(word);

/** `-l bootrom,ROM,VARS,fwcfg=…`; a comma would split it, and bhyve takes a word with "=" for something else. */
function settings(vm: Vm, platform: Platform): readonly Setting[] {
  const { varfile, fwcfg } = vm;
  const bootrom = bootromOf(vm, platform.arch);
  const names = firmwareVariables(platform);
  const variables: readonly Variable[] = [
    ...optional(names.bootrom, bootrom),
    ...optional(names.bootvars, bootrom === undefined ? undefined : varfile),
    ...optional('lpc.fwcfg', fwcfg),
  ];
  const words = [...optional('', bootrom), ...optional('', varfile)].map(({ value }) => value);
  const isSafe = bootrom !== undefined && words.every(isPlain) && varfile?.includes('=') !== true;
  const pointers = [
    ...(bootrom === undefined ? [] : ['/bootrom']),
    ...(bootrom === undefined || varfile === undefined ? [] : ['/varfile']),
    ...(fwcfg === undefined ? [] : ['/fwcfg']),
  ];
  if (!isSafe || platform.arch === 'arm64') return variables.length === 0 ? [] : [{ variables, pointers }];
  const option = ['bootrom', ...words, ...(fwcfg === undefined ? [] : [`fwcfg=${fwcfg}`])].join(',');
  return [{ variables, pointers, option: ['-l', option] }];
}

/** The variables that a firmware comes with, beside it: the package edk2-bhyve. */
function templateOf(bootrom: string): { readonly template?: string } {
  const template = bootrom.replace(/(?:_CODE|((?:^|\/)BHYVE_UEFI))\.fd$/, '$1_VARS.fd');
  return template === bootrom ? {} : { template };
}

type FileNeed = Extract<Requirement, { readonly kind: 'file' }>;

const fileFor = (file: FileNeed, ...more: readonly Partial<FileNeed>[]): FileNeed =>
  Object.assign({}, file, ...more) as FileNeed;

/** The packages that bring a boot ROM, by the folder that they install it in. */
function packageOf(bootrom: string): { readonly package?: string } {
  if (bootrom.startsWith('/usr/local/share/uefi-firmware/')) return { package: 'edk2-bhyve' };
  return bootrom.startsWith('/usr/local/share/u-boot/') ? { package: 'u-boot-bhyve-arm64' } : {};
}

export const bootrom = defineField<Vm>({
  name: 'bootrom',
  chapter: 'How the guest starts',
  schema: file('Boot ROM (firmware) image. Default: the firmware of the package edk2-bhyve, on arm64 U-Boot.', {
    examples: [defaultBootroms.amd64],
  }),
  // A target's own way to start takes the other away, so both are here only where one of them says both.
  check: ({ vm, arch }) =>
    vm.bootrom === undefined || vm.loader === undefined || arch === 'arm64'
      ? []
      : [
          {
            code: 'loader-bootrom',
            pointer: '/bootrom',
            message: 'a guest starts from a boot ROM or by a loader, not both',
            fix: 'keep one of them',
          },
        ],
  stage: 'board',
  /** Those of all three: one option says them. */
  settings: ({ vm, release, arch }) => settings(vm, { release, arch }),
  requirements({ vm, arch }) {
    const image = bootromOf(vm, arch);
    if (image === undefined) return [];
    // On arm64 it is a program that is put into memory, whatever its length.
    const need = regularFile(image, '/bootrom');
    const own = vm.bootrom === undefined ? { defaultOf: 'bootrom' } : {};
    return [fileFor(need, arch === 'amd64' ? { use: 'firmware' } : {}, packageOf(image), own)];
  },
});

export const varfile = defineField<Vm>({
  name: 'varfile',
  chapter: 'How the guest starts',
  pcOnly: 'U-Boot keeps no variables in a file',
  schema: file('Variables of the firmware, written by the guest: a copy for each VM.'),
  check({ vm }): readonly Finding[] {
    if (vm.varfile === undefined || vm.loader === undefined) return [];
    const message = 'variables belong to a boot ROM, and this guest is loaded';
    return [{ code: 'varfile-loader', pointer: '/varfile', message, fix: 'leave "varfile" out' }];
  },
  requirements({ vm, arch }) {
    const image = bootromOf(vm, arch);
    if (image === undefined || vm.varfile === undefined) return [];
    const variables = regularFile(vm.varfile, '/varfile', 'write');
    return [fileFor(variables, { use: 'variables', firmware: image }, templateOf(image))];
  },
});

export const fwcfg = defineField<Vm>({
  name: 'fwcfg',
  chapter: 'How the guest starts',
  pcOnly: 'it belongs to the LPC bridge',
  isBehindLpc: true,
  schema: {
    type: 'string',
    enum: ['bhyve', 'qemu'],
    description:
      'How the firmware asks bhyve about the machine. Boot order, fw_cfg_files and, with current firmware, the TPM need qemu; bhyve uses its own unless set.',
  },
});
