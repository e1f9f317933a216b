import { asWords, defineDevice } from './device.js';
import { driveDriver, driveFields, driveOptions, driveRequirement, driveTrait, type AhciDrive } from './ahci-port.js';
import { checkBlockOptions } from './block.js';

interface AhciPort extends AhciDrive {
  readonly type: 'hd' | 'cd';
}

interface Ahci {
  readonly ports: readonly AhciPort[];
}

/** An AHCI controller with several drives: bhyve(8), "AHCI device backends". */
export const ahci = defineDevice<Ahci>({
  model: 'ahci',
  description: 'An AHCI controller with up to 32 drives.',
  schema: {
    required: ['ports'],
    properties: {
      ports: {
        type: 'array',
        description: 'The drives in order: bhyve would drop the 33rd without a word.',
        minItems: 1,
        maxItems: 32,
        items: {
          type: 'object',
          properties: {
            type: { type: 'string', enum: ['hd', 'cd'], description: 'A disk, or a CD drive.' },
            ...driveFields('The image in the drive'),
          },
          required: ['type', 'path'],
          additionalProperties: false,
        },
      },
    },
  },
  example: {
    ports: [
      { type: 'hd', path: 'disk.img', ser: 'DISK0001' },
      { type: 'cd', path: 'install.iso' },
    ],
  },
  drivers: ({ ports }) => ports.map(({ type }) => driveDriver[type]),
  mayHaveDrivers: Object.values(driveDriver),
  label: ({ ports }) => ports.map(({ path }) => path).join(', '),
  check: ({ ports }) =>
    ports.flatMap((port, index) =>
      checkBlockOptions(port).map((finding) => ({ ...finding, pointer: `/ports/${index}${finding.pointer}` })),
    ),
  variables: ({ ports }) =>
    ports.flatMap((port, index) => [
      { key: `port.${index}.type`, value: port.type },
      { key: `port.${index}.path`, value: port.path },
      ...driveOptions(port).map((variable) => ({ ...variable, key: `port.${index}.${variable.key}` })),
    ]),
  words: ({ ports }) => ports.flatMap((port) => [`${port.type}:${port.path}`, ...asWords(driveOptions(port))]),
  bootOrder: ({ ports }) =>
    ports.flatMap(({ bootindex }, index) =>
      bootindex === undefined ? [] : [{ pointer: `/ports/${index}/bootindex`, bootindex }],
    ),
  traits: ({ ports }) =>
    ports.map((port, index) => ({ ...driveTrait(port, index, `/ports/${index}`), part: port.path })),
  media: ({ ports }) => ports.map(({ type, path }) => ({ type, path })),
  requirements: ({ ports }) => ports.map((port, index) => driveRequirement(port.type, port, `/ports/${index}/path`)),
});
