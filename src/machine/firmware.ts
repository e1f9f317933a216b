import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { byteLength, shown } from '../base/text.js';
import { optional, regularFile, type Arch, type Platform, type Requirement, type Variable } from '../devices/device.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Setting } from './argv.js';

/** What the packages edk2-bhyve and u-boot-bhyve-arm64 install. */
const defaultBootroms: Readonly<Record<Arch, string>> = {
  amd64: '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd',
  arm64: '/usr/local/share/u-boot/u-boot-bhyve-arm64/u-boot.bin',
};

/** The image that the guest starts from; undefined where a loader puts the kernel into its memory. */
export const bootromOf = ({ bootrom, loader }: Pick<VmSpec, 'bootrom' | 'loader'>, arch: Arch): string | undefined =>
  loader === undefined ? (bootrom ?? defaultBootroms[arch]) : undefined;

const isPlain = (word: string): boolean => !/[,%]/.test(word);

/** `-l bootrom,ROM,VARS,fwcfg=…`; a comma would split it, and bhyve takes a word with "=" for something else. */
function bootromSettings(vm: VmSpec, { release, arch }: Platform): readonly Setting[] {
  const { varfile, fwcfg } = vm;
  const bootrom = bootromOf(vm, arch);
  const prefix = release === 14 && arch === 'amd64' ? 'lpc.' : '';
  const variables: readonly Variable[] = [
    ...optional(`${prefix}bootrom`, bootrom),
    ...optional(`${prefix}bootvars`, bootrom === undefined ? undefined : varfile),
    ...optional('lpc.fwcfg', fwcfg),
  ];
  const words = [...optional('', bootrom), ...optional('', varfile)].map(({ value }) => value);
  const isSafe = bootrom !== undefined && words.every(isPlain) && varfile?.includes('=') !== true;
  const pointers = [
    ...(bootrom === undefined ? [] : ['/bootrom']),
    ...(bootrom === undefined || varfile === undefined ? [] : ['/varfile']),
    ...(fwcfg === undefined ? [] : ['/fwcfg']),
  ];
  if (!isSafe || arch === 'arm64') return variables.length === 0 ? [] : [{ variables, pointers }];
  const option = ['bootrom', ...words, ...(fwcfg === undefined ? [] : [`fwcfg=${fwcfg}`])].join(',');
  return [{ variables, pointers, option: ['-l', option] }];
}

/** `-f`: what the guest reads by the firmware's own interface. It is no variable, and nothing in it is expanded. */
const itemSettings = ({ fw_cfg_files: items = [] }: VmSpec): readonly Setting[] =>
  items.map(({ name, string, file }, index) => ({
    variables: [],
    pointers: [child('/fw_cfg_files', index)],
    option: ['-f', `name=${name},${file === undefined ? `string=${string ?? ''}` : `file=${file}`}`],
    isLiteral: true,
  }));

/** `-l tpm,TYPE,PATH,version=2.0`. */
function tpmSettings({ tpm }: VmSpec): readonly Setting[] {
  if (tpm === undefined) return [];
  const { type, path, version } = tpm;
  const variables = [
    { key: 'tpm.type', value: type },
    { key: 'tpm.path', value: path },
    { key: 'tpm.version', value: version },
  ];
  const pointers = ['/tpm'];
  return isPlain(path)
    ? [{ variables, pointers, option: ['-l', `tpm,${type},${path},version=${version}`] }]
    : [{ variables, pointers }];
}

export const firmwareSettings = (vm: VmSpec, platform: Platform): readonly Setting[] => [
  ...bootromSettings(vm, platform),
  ...tpmSettings(vm),
  ...itemSettings(vm),
];

/** The name is kept in 56 bytes, one of which ends it: qemu_fwcfg.c. */
const maxItemName = 55;

export function checkFirmware(vm: VmSpec): readonly Finding[] {
  const { fwcfg, fw_cfg_files: items = [], tpm, varfile, loader } = vm;
  const findings: Finding[] = [];
  const find = (code: string, pointer: string, message: string, fix: string, severity?: 'warning'): void => {
    findings.push({ code, pointer, message, fix, ...(severity === undefined ? {} : { severity }) });
  };
  if (varfile !== undefined && loader !== undefined) {
    find(
      'varfile-loader',
      '/varfile',
      'variables belong to a boot ROM, and this guest is loaded',
      'leave "varfile" out',
    );
  }
  if (items.length > 0 && fwcfg !== 'qemu') {
    find(
      'fwcfg',
      '/fw_cfg_files',
      'the guest would not see these files: bhyve shows them with fwcfg qemu only',
      'add "fwcfg": "qemu"',
    );
  }
  if (tpm !== undefined && fwcfg !== 'qemu') {
    find('fwcfg', '/tpm', 'current firmware finds the TPM with fwcfg qemu only', 'add "fwcfg": "qemu"', 'warning');
  }
  const seen = new Map<string, number>();
  items.forEach(({ name, string, file }, index) => {
    const at = child('/fw_cfg_files', index);
    const twin = seen.get(name);
    seen.set(name, twin ?? index);
    if (byteLength(name) > maxItemName) {
      find(
        'too-long',
        `${at}/name`,
        `a name has at most ${maxItemName} bytes, this has ${byteLength(name)}`,
        'use e.g. "opt/com.example/key"',
      );
    }
    if (twin !== undefined) {
      find(
        'fw-cfg-twice',
        `${at}/name`,
        `${shown(name)} is fw_cfg_files[${twin}] already`,
        'give each a name of its own',
      );
    }
    if ((string === undefined) === (file === undefined)) {
      const message = string === undefined ? 'its content is missing' : 'string and file both say its content';
      find('fw-cfg-content', at, message, string === undefined ? 'add "string" or "file"' : 'keep one of them');
    }
  });
  return findings;
}

/** The variables that a firmware comes with, beside it: the package edk2-bhyve. */
function templateOf(bootrom: string): { readonly template?: string } {
  const template = bootrom.replace(/(?:_CODE|((?:^|\/)BHYVE_UEFI))\.fd$/, '$1_VARS.fd');
  return template === bootrom ? {} : { template };
}

export function firmwareRequirements(vm: VmSpec, arch: Arch): readonly Requirement[] {
  const bootrom = bootromOf(vm, arch);
  return [
    ...(bootrom === undefined
      ? []
      : [
          // On arm64 it is a program that is put into memory, whatever its length.
          fileFor(regularFile(bootrom, '/bootrom'), arch === 'amd64' ? { use: 'firmware' } : {}, packageOf(bootrom)),
        ]),
    ...(bootrom === undefined || vm.varfile === undefined
      ? []
      : [
          fileFor(
            regularFile(vm.varfile, '/varfile', 'write'),
            { use: 'variables', firmware: bootrom },
            templateOf(bootrom),
          ),
        ]),
    ...(vm.tpm === undefined ? [] : [tpmRequirement(vm.tpm)]),
    ...(vm.fw_cfg_files ?? []).flatMap(({ file }, index) =>
      file === undefined ? [] : [regularFile(file, `/fw_cfg_files/${index}/file`)],
    ),
  ];
}

type FileNeed = Extract<Requirement, { readonly kind: 'file' }>;

const fileFor = (file: FileNeed, ...more: readonly Partial<FileNeed>[]): FileNeed =>
  Object.assign({}, file, ...more) as FileNeed;

/** The packages that bring a boot ROM, by the folder that they install it in. */
function packageOf(bootrom: string): { readonly package?: string } {
  if (bootrom.startsWith('/usr/local/share/uefi-firmware/')) return { package: 'edk2-bhyve' };
  return bootrom.startsWith('/usr/local/share/u-boot/') ? { package: 'u-boot-bhyve-arm64' } : {};
}

/** swtpm must listen before bhyve starts; it may serve one connection only, so nobody tries it out. */
const tpmRequirement = ({ type, path }: NonNullable<VmSpec['tpm']>): Requirement => ({
  kind: 'file',
  path,
  types: [type === 'swtpm' ? 'socket' : 'character device'],
  access: 'write',
  pointer: '/tpm/path',
});
