import { isAddressError, parseAddress, type PciAddress } from '../base/pci-address.js';
import type { Finding } from '../base/problem.js';
import {
  asWords,
  defineDevice,
  optional,
  regularFile,
  type DeviceContext,
  type HostCard,
  type Release,
  type Variable,
} from './device.js';
import { blockOptions } from './block.js';
import { file, type JsonSchema } from './json-schema.js';

interface Passthru {
  readonly src?: string;
  readonly lookup?: { readonly vendor: string; readonly device: string };
  readonly rom?: string;
  readonly bootindex?: number;
}

const idSchema = (description: string): JsonSchema => ({
  type: 'string',
  description,
  pattern: '^0[xX][0-9a-fA-F]{8}$',
  patternErrorMessage: '0x and 8 hex digits: the id, then the subsystem\'s, e.g. "0x10de1458"',
});

/** `pci0:3:0:0` and bhyve's own `3/0/0`: bhyve(8), "Pass-through device backends". */
const hostForm = /^(?:pci(?:(\d{1,5}):)?(\d{1,3}):(\d{1,3}):(\d{1,3})|(\d{1,3})\/(\d{1,3})\/(\d{1,3}))$/;

type CardOrError = HostCard | { readonly error: string };

/** Reads `src` in all its spellings. Domains other than 0 cannot be passed through. */
function readSource(src: string): CardOrError {
  if (/^ppt\d{1,5}$/.test(src)) return { by: 'name', name: src };
  const [, domain = '0', bus, slot, func, ...slashed] = hostForm.exec(src) ?? [];
  if (Number(domain) !== 0) return { error: `bhyve passes through cards of PCI domain 0 only, got ${src}` };
  const parts = bus === undefined ? slashed : [bus, slot, func];
  const colons = parts.length === 3 ? parts.join(':') : src;
  if (colons.split(':').length === 2) return { error: `${JSON.stringify(src)} does not name bus, slot and function` };
  const address = parseAddress(colons);
  return isAddressError(address) ? address : { by: 'address', address };
}

/** The card that a device names; one that it looks up is told by its ids until somebody has looked. */
function cardOf({ src, lookup }: Passthru): HostCard | undefined {
  if (src !== undefined) {
    const card = readSource(src);
    return 'error' in card ? undefined : card;
  }
  if (lookup === undefined) return undefined;
  return { by: 'ids', vendor: lookup.vendor.slice(2).toLowerCase(), device: lookup.device.slice(2).toLowerCase() };
}

/** Said where a card is not known yet: no shell takes it for an address, and bhyve refuses it. */
const placeholder = ({ vendor, device }: { readonly vendor: string; readonly device: string }): string =>
  `<host card vendor=0x${vendor} device=0x${device}>`;

const slashes = ({ bus, slot, func }: PciAddress): string => `${bus}/${slot}/${func}`;

function cardVariables(fields: Passthru, { hostCard }: DeviceContext): readonly Variable[] {
  const card = cardOf(fields);
  const address = hostCard ?? (card?.by === 'address' ? card.address : undefined);
  if (address !== undefined) {
    return [
      { key: 'bus', value: String(address.bus) },
      { key: 'slot', value: String(address.slot) },
      { key: 'func', value: String(address.func) },
    ];
  }
  if (card?.by === 'name') return [{ key: 'pptdev', value: card.name }];
  return card?.by === 'ids' ? [{ key: 'pptdev', value: placeholder(card) }] : [];
}

function cardWord(fields: Passthru, { hostCard }: DeviceContext): string {
  const card = cardOf(fields);
  if (hostCard !== undefined) return slashes(hostCard);
  if (card?.by === 'address') return slashes(card.address);
  if (card?.by === 'name') return card.name;
  return card === undefined ? '' : placeholder(card);
}

const options = (fields: Passthru) => [...optional('rom', fields.rom), ...optional('bootindex', fields.bootindex)];

/** The boot order of passthru devices came with release 15. */
function checkBootindex({ bootindex }: Passthru, release: Release): readonly Finding[] {
  if (bootindex === undefined || release > 14) return [];
  const message = `bhyve of FreeBSD ${release} has no bootindex for passthru`;
  return [{ code: 'release', pointer: '/bootindex', message, fix: 'use FreeBSD 15, or leave "bootindex" out' }];
}

function checkSource({ src, lookup }: Passthru): readonly Finding[] {
  if (src !== undefined && lookup !== undefined) {
    return [
      { code: 'card-twice', pointer: '/lookup', message: 'src and lookup both name a card', fix: 'keep one of them' },
    ];
  }
  if (src === undefined && lookup === undefined) {
    return [
      {
        code: 'required',
        pointer: '/src',
        message: 'src is required: the card of this host to pass through',
        fix: 'add e.g. "src": "3:0:0", as pciconf -l shows it',
      },
    ];
  }
  const card = src === undefined ? undefined : readSource(src);
  if (card === undefined || !('error' in card)) return [];
  return [
    { code: 'host-card', pointer: '/src', message: card.error, fix: 'use bus:slot:function, e.g. "3:0:0", or "ppt0"' },
  ];
}

/** A PCI card of the host, given to the guest: bhyve(8), "Pass-through device backends". */
export const passthru = defineDevice<Passthru>({
  model: 'passthru',
  description: "A PCI card of the host. The guest's memory is wired because of it.",
  schema: {
    properties: {
      src: {
        type: 'string',
        description: 'The card: bus:slot:function as pciconf shows it ("3:0:0", "3/0/0", "pci0:3:0:0"), or "ppt0".',
        pattern: '^[a-z0-9:/]{1,24}$',
        patternErrorMessage: 'bus:slot:function, e.g. "3:0:0", or the name of a ppt device, e.g. "ppt0"',
        examples: ['3:0:0'],
      },
      lookup: {
        type: 'object',
        description: 'The card by its ids, found when the VM starts.',
        properties: {
          vendor: idSchema('Vendor id, then subvendor id.'),
          device: idSchema('Device id, then subdevice id.'),
        },
        required: ['vendor', 'device'],
        additionalProperties: false,
      },
      rom: file("Option ROM file to show instead of the card's own."),
      bootindex: blockOptions.bootindex,
    },
  },
  example: { src: '3:0:0' },
  wiresMemory: true,
  isAmd64Only: true,
  mayHaveDrivers: ['em', 'ada', 'cd', 'nda'],
  label: ({ src, lookup }) => src ?? `${lookup?.vendor ?? ''} ${lookup?.device ?? ''}`,
  check: (fields, { release }) => [...checkSource(fields), ...checkBootindex(fields, release)],
  variables: (fields, context) => [...cardVariables(fields, context), ...options(fields)],
  words: (fields, context) => [cardWord(fields, context), ...asWords(options(fields))],
  requirements: (fields) => {
    const card = cardOf(fields);
    return [
      ...(card === undefined
        ? []
        : [{ kind: 'host-card' as const, card, pointer: fields.src === undefined ? '/lookup' : '/src' }]),
      ...(fields.rom === undefined ? [] : [regularFile(fields.rom, '/rom')]),
    ];
  },
});
