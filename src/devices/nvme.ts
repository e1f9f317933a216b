import type { Finding } from '../base/problem.js';
import {
  blockOptions,
  blockVariables,
  checkBlockOptions,
  diskRequirement,
  imageSchema,
  type BlockOptions,
} from './block.js';
import { asWords, defineDevice, optional } from './device.js';
import { identifyText, integer } from './json-schema.js';

interface Nvme extends BlockOptions {
  readonly path?: string;
  readonly ram?: number;
  readonly maxq?: number;
  readonly qsz?: number;
  readonly ioslots?: number;
  readonly sectsz?: number;
  readonly ser?: string;
  readonly eui64?: number | string;
  readonly dsm?: 'auto' | 'enable' | 'disable';
}

/** Undefined: it is none, as what another tool's file says may be. */
const numberOf = (eui64: number | string): bigint | undefined =>
  /^(0[xX][0-9a-fA-F]+|\d+)$/.test(String(eui64)) ? BigInt(eui64) : undefined;

const options = (fields: Nvme) => [
  ...optional('maxq', fields.maxq),
  ...optional('qsz', fields.qsz),
  ...optional('ioslots', fields.ioslots),
  ...optional('sectsz', fields.sectsz),
  ...optional('ser', fields.ser),
  ...optional('eui64', fields.eui64 === undefined ? undefined : (numberOf(fields.eui64) ?? fields.eui64).toString()),
  ...optional('dsm', fields.dsm),
  ...blockVariables(fields),
];

function backing({ path, ram }: Nvme): readonly Finding[] {
  if (path !== undefined && ram !== undefined) {
    return [
      {
        code: 'nvme-two-backings',
        pointer: '/ram',
        message: 'an NVMe disk is backed by path or by ram, not both',
        fix: 'keep one of them',
      },
    ];
  }
  if (path !== undefined || ram !== undefined) return [];
  return [
    {
      code: 'required',
      pointer: '/path',
      message: 'path is required: the disk image',
      fix: 'add e.g. "path": "disk.img", or "ram": 512 for a disk of 512 MiB in memory',
    },
  ];
}

const ofImage = [
  ...(['nocache', 'direct', 'sync', 'ro', 'nodelete'] as const),
  ...(['sectorsize', 'logical_sector_size', 'physical_sector_size'] as const),
];

/** No image is opened for a disk in memory, so nobody reads how: pci_nvme_parse_config in pci_nvme.c. */
const unreadWithRam = (fields: Nvme): readonly Finding[] =>
  fields.ram === undefined
    ? []
    : ofImage
        .filter((option) => fields[option] !== undefined && fields[option] !== false)
        .map((option) => ({
          code: 'nvme-ram',
          severity: 'warning',
          pointer: `/${option}`,
          message: `${option} has no effect on a disk in memory: bhyve does not read it beside ram`,
          fix: option.endsWith('size') ? `use "sectsz", or leave "${option}" out` : `leave "${option}" out`,
        }));

/** The namespace has its own sector size: pci_nvme.c. */
const sectorOf = ({ sectsz }: Nvme): BlockOptions => (sectsz === undefined ? {} : { sectorsize: sectsz });

const twice64 = 2n ** 64n;

/** An NVMe disk: bhyve(8), "NVMe device backends". */
export const nvme = defineDevice<Nvme>({
  model: 'nvme',
  description: 'An NVMe disk, backed by an image or by host memory.',
  schema: {
    properties: {
      path: imageSchema('The disk image'),
      ram: integer('Size in MiB of a disk in host memory, instead of path.', 1, 2 ** 24),
      maxq: integer('Number of queues; bhyve uses 16 unless set.', 1, 16),
      qsz: integer('Entries in each queue; bhyve uses 2048 unless set, and keeps 16 bits of it.', 1, 65535),
      ioslots: integer('I/O slots; bhyve uses 8 unless set.', 1, 2 ** 31 - 1),
      sectsz: { type: 'integer', enum: [512, 4096, 8192], description: "Sector size in bytes; default: the image's." },
      ser: identifyText('Serial number', 20),
      eui64: {
        type: ['integer', 'string'],
        description: 'IEEE extended unique identifier: a 64-bit integer, or text with its decimal or 0x hex digits.',
        minimum: 0,
        pattern: '^(0[xX][0-9a-fA-F]{1,16}|\\d{1,20})$',
        patternErrorMessage: 'a 64-bit number such as "0x589cfc0000000001"',
        takesDigits: true,
      },
      dsm: { type: 'string', enum: ['auto', 'enable', 'disable'], description: 'Whether the guest may TRIM.' },
      ...blockOptions,
    },
  },
  example: { path: 'nvme.img', ser: 'NVME0001' },
  driver: 'nda',
  label: ({ path, ram }) => path ?? `${ram ?? 0} MiB of memory`,
  check: (fields) => [
    ...backing(fields),
    ...checkBlockOptions(fields),
    ...unreadWithRam(fields),
    ...((numberOf(fields.eui64 ?? 0) ?? 0n) >= twice64
      ? [
          {
            code: 'too-large',
            pointer: '/eui64',
            message: 'eui64 has more than 64 bits',
            fix: 'use at most 16 hex digits',
          },
        ]
      : []),
  ],
  variables: (fields) => [...optional('path', fields.path), ...optional('ram', fields.ram), ...options(fields)],
  // A path that begins with "ram=" would be read as a size.
  words: (fields) =>
    fields.path?.startsWith('ram=') === true
      ? undefined
      : [fields.path ?? `ram=${fields.ram ?? 0}`, ...asWords(options(fields))],
  traits: ({ ser }) => [
    {
      kind: 'serial',
      pointer: '/ser',
      key: 'ser',
      said: ser,
      // Not of the path, as other disks have it: pci_nvme_parse_config in pci_nvme.c.
      byDefault: ({ address: { slot, func } }) => `NVME-${slot}-${func}`,
    },
  ],
  media: ({ path }) => (path === undefined ? [] : [{ type: 'hd', path }]),
  requirements: (fields) =>
    fields.path === undefined ? [] : [diskRequirement(fields.path, { ...fields, ...sectorOf(fields) })],
});
