import { child } from '../base/json-pointer.js';
import { text } from '../devices/json-schema.js';
import { defineField } from './field.js';
import { object } from './schemas.js';

export interface ConfigFields {
  readonly config?: Readonly<Record<string, string | number | boolean>>;
}

const isSecret = (key: string): boolean => /password$/i.test(key);

export const config = defineField<ConfigFields>({
  name: 'config',
  chapter: 'Everything else',
  schema: object({
    description:
      'Variables of bhyve_config(5) by their names, for what has no field of its own. One whose name ends in "password" is never put on a command line.',
    additionalProperties: {
      ...text('Value of the variable.'),
      type: ['string', 'integer', 'boolean'],
      takesDigits: true,
    },
    patternProperties: {
      '[Pp][Aa][Ss][Ss][Ww][Oo][Rr][Dd]$': text('A secret.', { takesDigits: true, isSecret: true }),
    },
    examples: [{ 'x86.verbosemsr': true }],
  }),
  stage: 'board',
  /** `-o`, after everything else; a password goes into the private file. */
  settings: ({ vm }) =>
    Object.entries(vm.config ?? {}).map(([key, value]) => ({
      pointers: [child('/config', key)],
      variables: [{ key, value: String(value), ...(isSecret(key) ? { isSecret: true } : {}) }],
    })),
});
