import {
  blockOptions,
  blockVariables,
  checkBlockOptions,
  diskRequirement,
  imageSchema,
  serialTrait,
  type BlockOptions,
} from './block.js';
import { asWords, defineDevice, optional } from './device.js';
import { identifyText } from './json-schema.js';

interface VirtioBlk extends BlockOptions {
  readonly path: string;
  readonly ser?: string;
}

const options = (fields: VirtioBlk) => [...blockVariables(fields), ...optional('ser', fields.ser)];

/** A disk on the virtio bus: bhyve(8), "Block storage device backends". */
export const virtioBlk = defineDevice<VirtioBlk>({
  model: 'virtio-blk',
  description: 'A virtio disk.',
  schema: {
    required: ['path'],
    properties: {
      path: imageSchema('The disk image'),
      ...blockOptions,
      ser: identifyText('Serial number; by default made from the path', 20),
    },
  },
  example: { path: 'disk.img', nocache: true, sectorsize: '512/4096' },
  driver: 'vtbd',
  label: ({ path }) => path,
  check: checkBlockOptions,
  variables: (fields) => [{ key: 'path', value: fields.path }, ...options(fields)],
  words: (fields) => [fields.path, ...asWords(options(fields))],
  traits: (fields) => [serialTrait(fields)],
  media: ({ path }) => [{ type: 'hd', path }],
  requirements: (fields) => [diskRequirement(fields.path, fields)],
});
