import type { Finding } from '../base/problem.js';
import { child } from '../base/json-pointer.js';
import { optional, whenSet, type FileType, type Requirement, type Trait, type Variable } from './device.js';
import { file, flag, integer, type JsonSchema } from './json-schema.js';

/** What every device with a disk image behind it has: bhyve(8), "Block storage device backends". */
export interface BlockOptions {
  readonly nocache?: boolean;
  readonly direct?: boolean;
  readonly sync?: boolean;
  readonly ro?: boolean;
  readonly nodelete?: boolean;
  readonly sectorsize?: number | string;
  readonly logical_sector_size?: number;
  readonly physical_sector_size?: number;
  readonly bootindex?: number;
}

export const blockOptions: { readonly [Field in keyof BlockOptions]-?: JsonSchema } = {
  nocache: flag('Open the image with O_DIRECT.'),
  direct: flag('Open the image with O_SYNC; the same as sync.'),
  sync: flag('Open the image with O_SYNC.'),
  ro: flag('Open the image read-only.'),
  nodelete: flag('Refuse TRIM requests of the guest.'),
  sectorsize: {
    type: ['integer', 'string'],
    description: 'Sector size in bytes: one number for both, or "logical/physical". Powers of two from 512.',
    pattern: '^\\d{1,8}(/\\d{1,8})?$',
    patternErrorMessage: 'a number of bytes, or "logical/physical" such as "512/4096"',
    examples: [4096, '512/4096'],
  },
  logical_sector_size: { type: 'integer', description: 'Logical sector size in bytes; sectorsize says the same.' },
  physical_sector_size: {
    type: 'integer',
    description: 'Physical sector size in bytes; needs logical_sector_size.',
  },
  bootindex: integer('Place in the boot order of the firmware, from 0; needs fwcfg: qemu and bus 0.', 0, 2 ** 31 - 1),
};

/** A disk image may be a file, a zvol or another disk device. */
const diskTypes: readonly FileType[] = ['regular file', 'block device', 'character device'];

export const imageSchema = (what: string): JsonSchema =>
  file(`${what}: a file, a zvol or a disk device.`, { examples: ['disk.img', '/dev/zvol/tank/vm0'] });

/** The options below a port or a device, without the path. */
export const blockVariables = (options: BlockOptions): readonly Variable[] => [
  ...whenSet('nocache', options.nocache),
  ...whenSet('direct', options.direct),
  ...whenSet('sync', options.sync),
  ...whenSet('ro', options.ro),
  ...whenSet('nodelete', options.nodelete),
  ...optional('sectorsize', sectorSize(options)),
  ...optional('bootindex', options.bootindex),
];

function sectorSize(options: BlockOptions): string | undefined {
  const { sectorsize, logical_sector_size: logical, physical_sector_size: physical } = options;
  if (sectorsize !== undefined) return String(sectorsize);
  if (logical === undefined) return undefined;
  return physical === undefined ? String(logical) : `${logical}/${physical}`;
}

export function checkBlockOptions(options: BlockOptions): readonly Finding[] {
  const { sectorsize, logical_sector_size: logical, physical_sector_size: physical } = options;
  if (sectorsize !== undefined && (logical !== undefined || physical !== undefined)) {
    return [
      {
        code: 'sector-size-twice',
        pointer: '/sectorsize',
        message: 'the sector size is given twice, by sectorsize and by logical_sector_size or physical_sector_size',
        fix: 'keep one of them',
      },
    ];
  }
  if (physical !== undefined && logical === undefined) {
    return [
      {
        code: 'sector-size-incomplete',
        pointer: '/physical_sector_size',
        message: 'physical_sector_size has no effect without logical_sector_size',
        fix: 'add "logical_sector_size": 512, or use "sectorsize": "512/4096"',
      },
    ];
  }
  if (sectorsize !== undefined) return checkSizes(sizesOf(String(sectorsize)), ['sectorsize', 'sectorsize']);
  const sizes = [logical, physical].filter((size) => size !== undefined);
  return checkSizes(sizes, ['logical_sector_size', 'physical_sector_size']);
}

const sizesOf = (text: string): readonly number[] => text.split('/').map(Number);

/** Above any sector there is, and far below where bhyve's int would overflow. */
const maxSectorSize = 2 ** 26;

/** block_if.c: powers of two from 512, the logical one not above the physical one. */
function checkSizes(sizes: readonly number[], fields: readonly [string, string]): readonly Finding[] {
  const wrong = sizes.findIndex((size) => size < 512 || size > maxSectorSize || !Number.isInteger(Math.log2(size)));
  if (wrong !== -1) {
    return [
      {
        code: 'sector-size',
        pointer: child('', fields[wrong === 0 ? 0 : 1]),
        message: `${sizes[wrong] ?? ''} is not a power of two from 512 to ${maxSectorSize}`,
        fix: 'use 512 or 4096',
      },
    ];
  }
  const [logical = 0, physical = logical] = sizes;
  if (logical <= physical) return [];
  return [
    {
      code: 'sector-size',
      pointer: child('', fields[0]),
      message: `the logical sector size ${logical} is above the physical one, ${physical}`,
      fix: 'use e.g. "512/4096": logical first',
    },
  ];
}

/**
 * The serial number of a disk or CD. bhyve makes it of the path as it is told, so another name for the same image is
 * another serial number: pci_virtio_block.c, pci_ahci.c.
 */
export const serialTrait = ({ path, ser }: { readonly path: string; readonly ser?: string }): Trait => ({
  kind: 'serial',
  pointer: '/ser',
  key: 'ser',
  said: ser,
  madeOf: '/path',
  byDefault({ md5 }) {
    const digest = md5(new TextEncoder().encode(path)).toUpperCase();
    return ['BHYVE', digest.slice(0, 4), digest.slice(4, 8), digest.slice(8, 12)].join('-');
  },
});

/** The logical sector size that a spec asks for; bhyve takes 512 for a file unless told. */
const logicalSectorSize = (options: BlockOptions): number => {
  const bytes = Number(sectorSize(options)?.split('/')[0] ?? 512);
  return Number.isInteger(bytes) && bytes > 0 ? bytes : 512;
};

/** bhyve opens what it may not write read-only without a word, so a writable disk asks for write access. */
export const diskRequirement = (path: string, options: BlockOptions, pointer = '/path'): Requirement => ({
  kind: 'file',
  path,
  types: diskTypes,
  access: options.ro === true ? 'read' : 'write',
  use: 'disk',
  sectorBytes: logicalSectorSize(options),
  pointer,
});

export const cdRequirement = (path: string, pointer = '/path'): Requirement => ({
  kind: 'file',
  path,
  types: diskTypes,
  access: 'read',
  use: 'cd',
  sectorBytes: 2048,
  pointer,
});

/** An image that somebody else names: a loader, which only reads. */
export const imageRequirement = (path: string, pointer: string): Requirement => ({
  kind: 'file',
  path,
  types: diskTypes,
  access: 'read',
  pointer,
});
