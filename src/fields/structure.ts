import { seenMessage, seenPattern } from '../devices/json-schema.js';
import { defineField } from './field.js';
import { ownKeys } from './schemas.js';

interface CommonDevice {
  readonly device: string;
  readonly id?: string;
  readonly slot?: string | number;
  readonly fix?: boolean;
}

export interface StructureFields {
  readonly emulations: readonly CommonDevice[];
}

/** Definitions of the schema that the fields here refer to: spec/schema.ts makes them of the device models. */
const ref = (name: 'device' | 'removal' | 'target') => ({ $ref: `#/$defs/${name}` });

export const schemaOfEditors = defineField({
  name: '$schema',
  chapter: 'Everything else',
  after: { document: 'extra_options', written: 'post_start_script' },
  isRootOnly: true,
  schema: { type: 'string', description: 'The schema for editors; vmrun ignores it.' },
});

export const emulations = defineField<StructureFields>({
  name: 'emulations',
  chapter: 'Devices',
  after: { document: 'loader_timeout', written: 'com4' },
  schema: {
    type: 'array',
    description: 'The devices, in order.',
    items: ref('device'),
    default: [],
  },
  inTarget: {
    type: 'array',
    description: 'Devices to add. One with the id of an earlier device replaces it; {"id", "remove": true} removes it.',
    items: {
      if: { type: 'object', required: ['remove'] },
      then: ref('removal'),
      else: ref('device'),
    },
  },
});

export const targets = defineField({
  name: 'targets',
  chapter: 'Variants',
  isRootOnly: true,
  schema: {
    type: 'object',
    description: 'Named variants of this machine: vmrun -t NAME boots one.',
    propertyNames: { pattern: seenPattern, patternErrorMessage: seenMessage },
    additionalProperties: ref('target'),
    patternProperties: { [ownKeys]: true },
    default: {},
  },
});
