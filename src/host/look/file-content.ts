import { closeSync, openSync, readSync } from 'node:fs';

/** What a file begins with, or ends with: told by the marks that each format has. `unknown`: none of them. */
export const fileContents = [
  'unknown',
  'qcow2',
  'qed',
  'vmdk',
  'vdi',
  'vhdx',
  'vhd',
  'parallels',
  'dmg',
  'gzip',
  'xz',
  'zstd',
  'bzip2',
  'lz4',
  'zip',
  '7z',
  'iso',
  'firmware variables',
  'firmware with variables',
  'firmware',
] as const;
export type FileContent = (typeof fileContents)[number];

interface Mark {
  readonly content: FileContent;
  readonly at: number;
  readonly bytes: string;
}

/** In latin1: a character is a byte. */
const marks: readonly Mark[] = [
  { content: 'qcow2', at: 0, bytes: 'QFI\xfb' },
  { content: 'qed', at: 0, bytes: 'QED\0' },
  { content: 'vmdk', at: 0, bytes: 'KDMV' },
  { content: 'vmdk', at: 0, bytes: 'COWD' },
  { content: 'vmdk', at: 0, bytes: '# Disk DescriptorFile' },
  { content: 'vdi', at: 0x40, bytes: '\x7f\x10\xda\xbe' },
  { content: 'vhdx', at: 0, bytes: 'vhdxfile' },
  // A copy of the footer, in an image that grows.
  { content: 'vhd', at: 0, bytes: 'conectix' },
  { content: 'parallels', at: 0, bytes: 'WithoutFreeSpace' },
  { content: 'parallels', at: 0, bytes: 'WithouFreSpacExt' },
  { content: 'gzip', at: 0, bytes: '\x1f\x8b\x08' },
  { content: 'xz', at: 0, bytes: '\xfd7zXZ\0' },
  { content: 'zstd', at: 0, bytes: '\x28\xb5\x2f\xfd' },
  { content: 'lz4', at: 0, bytes: '\x04\x22\x4d\x18' },
  { content: 'zip', at: 0, bytes: 'PK\x03\x04' },
  { content: '7z', at: 0, bytes: "7z\xbc\xaf'\x1c" },
];

/** What follows is a block, or the end of an archive of nothing. */
const isBzip2 = (head: string): boolean =>
  /^BZh[1-9]$/.test(head.slice(0, 4)) && ['1AY&SY', '\x17rE8P\x90'].includes(head.slice(4, 10));

/** ISO 9660, or UDF without it, in the volume descriptors from sector 16 on. */
const descriptors = 16 * 2048 + 1;
const isDisc = (mark: string): boolean => mark === 'CD001' || mark === 'BEA01';

/** UEFI Platform Initialization, volume 3: a firmware volume, and the kind of it that keeps variables. */
const volumeMark = { at: 0x28, bytes: '_FVH' };
const variablesKind = '\x8d\x2b\xf1\xff\x96\x76\x8b\x4c\xa9\x85\x27\x47\x07\x5b\x4f\x50';

const headBytes = 512;
const tailBytes = 512;

/** What is in a file of some length; undefined where it cannot be read. Only marks are read. */
export function lookAtContent(path: string, bytes: number): FileContent | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return contentOf(file, bytes);
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function contentOf(file: number, bytes: number): FileContent {
  const read = (at: number, length: number): string => {
    const buffer = Buffer.alloc(length);
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, length, at));
  };
  const head = read(0, headBytes);
  const mark = marks.find((each) => head.startsWith(each.bytes, each.at));
  if (mark !== undefined) return mark.content;
  if (isBzip2(head)) return 'bzip2';
  if (head.startsWith(volumeMark.bytes, volumeMark.at)) return firmwareOf(head, bytes);
  if (bytes > descriptors && isDisc(read(descriptors, 5))) return 'iso';
  if (bytes < headBytes + tailBytes) return 'unknown';
  const tail = read(bytes - tailBytes, tailBytes);
  if (tail.startsWith('conectix')) return 'vhd';
  return tail.startsWith('koly') ? 'dmg' : 'unknown';
}

/** The length of a firmware volume stands in its head: what follows the variables is a firmware. */
function firmwareOf(head: string, bytes: number): FileContent {
  if (!head.startsWith(variablesKind, 0x10)) return 'firmware';
  const length = Number(Buffer.from(head.slice(0x20, 0x28), 'latin1').readBigUInt64LE());
  return bytes > length ? 'firmware with variables' : 'firmware variables';
}
