import { file, nameText, printable, printableMessage, text, type JsonSchema } from '../devices/json-schema.js';

/** Keys that begin so are the user's own and ignored. */
export const ownKeys = '^x-';

export const object = (schema: JsonSchema): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  ...schema,
  patternProperties: { ...schema.patternProperties, [ownKeys]: true },
});

export const commandSchema = (description: string): JsonSchema => ({
  type: ['string', 'array'],
  description: `${description} A list of words, or one text that is split as a shell splits it; no shell is started.`,
  minLength: 1,
  minItems: 1,
  items: text('One word of the command.', { takesDigits: true }),
  examples: [['/usr/local/bin/up.sh', '--now']],
});

export const targetName = (description: string): JsonSchema =>
  nameText(description, { takesDigits: true, examples: ['default', 'install'] });

/** Numbers and ascending ranges: vCPUs, or CPUs of the host. */
export const cpuset = (description: string, example: string): JsonSchema => ({
  type: 'string',
  description,
  pattern: '^\\d{1,5}(-\\d{1,5})?(,\\d{1,5}(-\\d{1,5})?)*$',
  patternErrorMessage: `numbers and ranges such as "${example}"`,
  takesDigits: true,
  examples: [example],
});

/** What a size of memory is like. */
export const memoryWords = 'digits and one of K, M, G, T, e.g. "512M" or "4G", or an integer number of bytes';

export const memory = (description: string): JsonSchema => ({
  type: ['string', 'integer'],
  description,
  pattern: '^\\d{1,30}[KkMmGgTt][Bb]?$',
  patternErrorMessage: memoryWords,
  minimum: 0,
  examples: ['512M', '4G', 536870912],
});

/** Words for a program: a list, or one text that is split as a shell splits it. */
export const words = (description: string, example: readonly string[]): JsonSchema => ({
  type: ['string', 'array'],
  description,
  pattern: printable,
  patternErrorMessage: printableMessage,
  minItems: 1,
  items: text('One word of the command.', { takesDigits: true }),
  examples: [example.join(' '), example],
});

export const files = (description: string, maxItems: number): JsonSchema => ({
  ...file(description),
  type: ['string', 'array'],
  maxItems,
  items: file('A disk image.'),
});
