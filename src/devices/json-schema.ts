import { unseen } from '../base/visible.js';

export type JsonType = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'null';

/**
 * The part of JSON Schema 2020-12 that vmrun's schemas use, and a few annotations of its own. A value that may be of
 * several types names them all in `type`: each keyword speaks of one type only, so no `anyOf` is needed and every
 * violation is one plain sentence.
 */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: JsonType | readonly JsonType[];
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  /** Shown instead of the pattern, by vmrun and by editors that know it: what the text must be, and an example. */
  readonly patternErrorMessage?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema | true>>;
  readonly additionalProperties?: false | JsonSchema;
  /** Its `pattern` alone. */
  readonly propertyNames?: JsonSchema;
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly oneOf?: readonly JsonSchema[];
  readonly discriminator?: { readonly propertyName: string };
  readonly if?: JsonSchema;
  readonly then?: JsonSchema;
  readonly else?: JsonSchema;
  readonly deprecated?: boolean;

  // Annotations of vmrun: what the loader does before it validates. They are not published.

  /** A file name: a relative one is resolved against the folder of the spec. */
  readonly isFile?: true;
  /** An integer is taken for its digits: what `uclcmd` makes of `name: 123`. */
  readonly takesDigits?: true;
  /** Never printed: shown as `"***"`. */
  readonly isSecret?: true;
}

/** What no text may hold that reaches bhyve: control characters, so no NUL and no newline either. */
export const printable = '^[^\\u0000-\\u001f\\u007f]+$';
export const printableMessage = 'text of at least one character, without control characters such as NUL or newline';

export const text = (description: string, more: JsonSchema = {}): JsonSchema => ({
  type: 'string',
  description,
  pattern: printable,
  patternErrorMessage: printableMessage,
  ...more,
});

/** What no name may hold: it stands in lines that people and programs read. */
export const seenPattern = `^[^${unseen}]+$`;
export const seenMessage = 'a name of characters that can all be seen: no newline, no marks of direction';

export const nameText = (description: string, more: JsonSchema = {}): JsonSchema =>
  text(description, { pattern: seenPattern, patternErrorMessage: seenMessage, ...more });

export const file = (description: string, more: JsonSchema = {}): JsonSchema =>
  text(description, { isFile: true, ...more });

export const flag = (description: string, byDefault = false): JsonSchema => ({
  type: 'boolean',
  description,
  default: byDefault,
});

export const integer = (description: string, minimum: number, maximum: number, more: JsonSchema = {}): JsonSchema => ({
  type: 'integer',
  description,
  minimum,
  maximum,
  ...more,
});

/** ATA and NVMe identify strings: printable ASCII of a fixed length, which bhyve would cut. */
export const identifyText = (description: string, maxLength: number): JsonSchema => ({
  type: 'string',
  description: `${description}; at most ${maxLength} ASCII characters`,
  pattern: `^[ -~]{1,${maxLength}}$`,
  patternErrorMessage: `1 to ${maxLength} printable ASCII characters; bhyve would cut a longer one`,
  takesDigits: true,
});

/** An address on the guest's PCI bus in any of bhyve's forms. */
export const slotSchema: JsonSchema = {
  type: ['string', 'integer'],
  description: 'Guest PCI address: slot, slot:function or bus:slot:function. Default: the lowest free slot.',
  pattern: '^\\d{1,3}(:\\d{1,3}){0,2}$',
  patternErrorMessage: 'a slot, slot:function or bus:slot:function in decimal, e.g. "4", "4:0" or "0:4:0"',
  minimum: 0,
  maximum: 31,
  examples: ['0:4:0', '4', 4],
};
