import { formatMemorySize } from '../../../base/memory-size.js';
import { count } from '../../../base/text.js';
import { unreachable } from '../../../base/unreachable.js';
import type { FileContent } from '../file-content.js';
import { finding, notCaptured, type Asked, type HostFinding, type Said } from '../findings.js';
import type { FileThere, HostView } from '../view.js';

type AskedFile = Asked<'file'>;

/** What is wrong with the content of a file that is there: bhyve refuses little of it, and the guest finds it useless. */
export async function judgeContent(one: AskedFile, seen: FileThere, view: HostView): Promise<readonly HostFinding[]> {
  const { use } = one.need;
  // The length of a device is not that of its node, and what it holds is not looked at.
  if (use === undefined || seen.type !== 'regular file') return [];
  if (seen.content === undefined) {
    return seen.denied.read === undefined ? [notCaptured(one, `what is in ${one.need.path}`)] : [];
  }
  const said = await judgeUse(use, one.need, { ...seen, content: seen.content }, view);
  return said.map((each) => finding(one, each));
}

type Held = FileThere & { readonly content: FileContent };

async function judgeUse(
  use: NonNullable<AskedFile['need']['use']>,
  need: AskedFile['need'],
  seen: Held,
  view: HostView,
): Promise<readonly Said[]> {
  switch (use) {
    case 'disk':
      return judgeDisk(need, seen);
    case 'cd':
      return judgeCd(need, seen);
    case 'firmware':
      return judgeFirmware(need, seen);
    case 'variables':
      return judgeVariables(need, seen, view);
    default:
      return unreachable(use);
  }
}

/** What makes a raw image of an image of another format; bhyve takes raw ones only. */
const converters: Readonly<Partial<Record<FileContent, (path: string) => string>>> = {
  ...Object.fromEntries(
    (['qcow2', 'qed', 'vmdk', 'vdi', 'vhdx', 'vhd', 'parallels', 'dmg'] as const).map((content) => [
      content,
      (path: string) => `make a raw one of it, and name that: ${convert(content, path)}`,
    ]),
  ),
  gzip: (path) => unpack('gunzip -k', path),
  xz: (path) => unpack('unxz -k', path),
  zstd: (path) => unpack('unzstd', path),
  bzip2: (path) => unpack('bunzip2 -k', path),
  lz4: (path) => unpack('unlz4', path),
  zip: (path) => unpack('unzip', path),
  '7z': (path) => unpack('7z x', path),
};

/** Names of qemu-img(1) where they are not ours. */
const drivers: Readonly<Partial<Record<FileContent, string>>> = { vhd: 'vpc' };

const convert = (content: FileContent, path: string): string =>
  `qemu-img convert -f ${drivers[content] ?? content} -O raw ${shellWord(path)} ${shellWord(`${path}.raw`)}`;

const unpack = (command: string, path: string): string =>
  `unpack it, and name what comes out: ${command} ${shellWord(path)}`;

const shellWord = (word: string): string => (/^[\w./+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

const notRaw = ({ path }: AskedFile['need'], { content }: Held, what: string): readonly Said[] => {
  const convertIt = converters[content];
  if (convertIt === undefined) return [];
  const isPacked = ['gzip', 'xz', 'zstd', 'bzip2', 'lz4', 'zip', '7z'].includes(content);
  return [
    {
      code: 'image-format',
      message: `${path} is ${isPacked ? `compressed (${content})` : `a ${content} image`}, bhyve takes ${what}`,
      fix: convertIt(path),
    },
  ];
};

function judgeDisk(need: AskedFile['need'], seen: Held): readonly Said[] {
  const { path, sectorBytes = 512 } = need;
  if (seen.bytes === 0) {
    return [
      {
        code: 'image-empty',
        message: `${path} is empty: a disk without sectors`,
        fix: `give it a length, such as: truncate -s 20G ${shellWord(path)}`,
      },
    ];
  }
  const wrong = notRaw(need, seen, 'raw images only');
  if (wrong.length > 0) return wrong;
  if (seen.content.startsWith('firmware')) return [wrongImage(path, seen.content, 'a disk')];
  const disc: readonly Said[] =
    seen.content !== 'iso'
      ? []
      : [
          {
            code: 'image-is-cd',
            severity: 'warning',
            message: `${path} is a CD image, and here it is a disk${need.access === 'write' ? ' that the guest may write to' : ''}`,
            fix: 'use the device ahci-cd, unless the image is made to be a disk as well',
          },
        ];
  return [...disc, ...wrongLength(path, seen.bytes, sectorBytes)];
}

function judgeCd(need: AskedFile['need'], seen: Held): readonly Said[] {
  const { path, sectorBytes = 2048 } = need;
  if (seen.bytes === 0) {
    const message = `${path} is empty: a CD without sectors`;
    return [{ code: 'image-empty', message, fix: 'was it downloaded completely? Name another image' }];
  }
  const wrong = notRaw(need, seen, 'CD images as they are');
  if (wrong.length > 0) return wrong;
  const disc: readonly Said[] =
    seen.content === 'iso'
      ? []
      : [
          {
            code: 'image-is-no-cd',
            severity: 'warning',
            message: `${path} is not a CD image (ISO 9660 or UDF), and here it is a CD`,
            fix: 'use a disk device for the image of a disk or a memory stick',
          },
        ];
  return [...disc, ...wrongLength(path, seen.bytes, sectorBytes)];
}

function wrongLength(path: string, bytes: number, sectorBytes: number): readonly Said[] {
  const rest = bytes % sectorBytes;
  if (rest === 0) return [];
  const whole = bytes < sectorBytes ? 'not one whole sector' : `no whole number of sectors of ${sectorBytes}`;
  return [
    {
      code: 'image-length',
      ...(bytes < sectorBytes ? {} : { severity: 'warning' as const }),
      message: `${path} has ${count(bytes, 'byte')}, ${whole}: the guest does not see the last ${count(rest, 'byte')}`,
      fix: 'was it copied or downloaded completely? Else make it longer with truncate(1)',
    },
  ];
}

const wrongImage = (path: string, content: FileContent, what: string): Said => ({
  code: 'image-format',
  message: `${path} is a ${content.replace('firmware', 'UEFI firmware')}, not ${what}`,
  fix: 'name another file',
});

const pageBytes = 4096;
const roomBytes = 16 * 2 ** 20;

/** bootrom.c */
function judgeFirmware(need: AskedFile['need'], seen: Held): readonly Said[] {
  const { path } = need;
  const { bytes, content } = seen;
  if (bytes === 0 || bytes % pageBytes !== 0 || bytes > roomBytes) {
    return [
      {
        code: 'firmware-length',
        message: `${path} has ${count(bytes, 'byte')}: a boot ROM has a multiple of ${pageBytes}, at most ${roomBytes}`,
        fix: 'is it the right file, and whole? The package edk2-bhyve has BHYVE_UEFI.fd and BHYVE_UEFI_CODE.fd',
      },
    ];
  }
  const packed = notRaw(need, seen, 'a firmware as it is');
  if (packed.length > 0) return packed;
  if (content === 'iso') {
    return [{ code: 'firmware-kind', message: `${path} is a CD image, not a boot ROM`, fix: 'name a firmware' }];
  }
  if (content !== 'firmware variables') return [];
  return [
    {
      code: 'firmware-kind',
      message: `${path} holds the variables of a firmware, and no firmware`,
      fix: 'name the firmware as "bootrom", such as BHYVE_UEFI_CODE.fd, and a copy of this file as "varfile"',
    },
  ];
}

async function judgeVariables(need: AskedFile['need'], seen: Held, view: HostView): Promise<readonly Said[]> {
  const { path, firmware = '' } = need;
  const { bytes, content } = seen;
  if (bytes < pageBytes || bytes > roomBytes) {
    return [
      {
        code: 'variables-length',
        message: `${path} has ${count(bytes, 'byte')}: the variables of a firmware have at least ${pageBytes}, at most ${roomBytes}`,
        fix: copyVariables(need),
      },
    ];
  }
  const rom = await view.file(firmware);
  if (rom.kind === 'there' && rom.bytes <= roomBytes && rom.bytes + bytes > roomBytes) {
    const message = `${path} and ${firmware} have ${formatMemorySize(roomBytes)} of room together, and need more`;
    return [{ code: 'variables-length', message, fix: copyVariables(need) }];
  }
  if (content === 'firmware with variables' || content === 'firmware') {
    const message = `${path} is a whole firmware, not the variables of one: what the guest stores may be lost`;
    return [{ code: 'variables-kind', severity: 'warning', message, fix: copyVariables(need) }];
  }
  const packed = notRaw(need, seen, 'variables as they are');
  if (packed.length > 0) return packed;
  if (rom.kind === 'there' && rom.content === 'firmware with variables') {
    return [
      {
        code: 'variables-unused',
        severity: 'warning',
        message:
          `${firmware} has its variables inside, looks for them there, where nobody can write, and never in ${path}: ` +
          'boot entries and settings of the guest are lost at each power-off',
        fix: firmware.endsWith('BHYVE_UEFI.fd')
          ? `set "bootrom" to ${firmware.replace(/\.fd$/, '_CODE.fd')}`
          : 'use a firmware that comes in two files, code and variables',
      },
    ];
  }
  const template = need.template === undefined ? undefined : await view.file(need.template);
  if (template?.kind !== 'there' || template.type !== 'regular file' || template.bytes === bytes) return [];
  return [
    {
      code: 'variables-length',
      severity: 'warning',
      message: `${path} has ${count(bytes, 'byte')}, the variables of this firmware ${template.bytes}: it looks for them elsewhere`,
      fix: copyVariables(need),
    },
  ];
}

/** How a guest gets variables of its own. */
export const copyVariables = ({ path, template }: AskedFile['need']): string =>
  template === undefined
    ? 'copy the variables that came with the firmware'
    : `copy those of the firmware: cp ${shellWord(template)} ${shellWord(path)}`;
