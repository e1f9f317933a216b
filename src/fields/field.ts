import type { Finding } from '../base/problem.js';
import type { Platform, Release, Requirement, Variable } from '../devices/device.js';
import type { JsonSchema } from '../devices/json-schema.js';
import type { Part } from './part.js';

/** Settings and the option that people write for them; without one, or where it is not safe, they go as -o. */
export interface Setting {
  readonly variables: readonly Variable[];
  /** The fields that make it: JSON Pointers into the effective spec; what one of them does not say has its default. */
  readonly pointers: readonly string[];
  /** Words of the command, values unescaped. Undefined: only -o can say it. */
  readonly option?: readonly string[];
  /** Nothing in the option is expanded, so nothing is escaped. */
  readonly isLiteral?: boolean;
  /** What makes it where the fields do not: a lock file, or something else in the spec. */
  readonly because?: 'lock' | { readonly why: string; readonly pointer: string | undefined };
}

/** The chapters of the document of fields, in order. */
export const chapters = [
  'The machine',
  'How the guest starts',
  'Devices',
  'What the guest finds',
  'How it is run',
  'How its life goes on',
  'Variants',
  'Everything else',
] as const;
type Chapter = (typeof chapters)[number];

/** The orders in which fields stand; each is that of the registry but for the fields that say otherwise. */
export type Order = 'command' | 'written' | 'document';

/** What a field may look at besides itself. */
export interface FieldContext<Vm> extends Platform {
  /** The fields, with their defaults. */
  readonly vm: Vm;
  /** The devices of the machine but its bridges, in order. */
  readonly parts: readonly Part[];
  /** Whether the spec says a field, in the base or in the target. */
  readonly isGiven: (field: string) => boolean;
  /** What a pointer into `vm` is about, for people; undefined: the spec. */
  readonly subject: (pointer: string) => string | undefined;
}

/** What is known once every device has its address. */
export interface SettingContext<Vm> extends FieldContext<Vm> {
  /** The UUID that a lock file keeps. */
  readonly keptUuid: string | undefined;
  /** The first device past bus 0, by its pointer where the spec has it; undefined: there is none. */
  readonly far: { readonly pointer: string | undefined } | undefined;
}

/**
 * All that vmrun knows of one root field. `Vm` has the fields that it looks at, itself among them. Methods are
 * calculations over valid fields (the schema has been checked), so none of them fails.
 */
export interface Field<Vm = object, Name extends string = string> {
  readonly name: Name;
  /** With its description, its default and its examples. */
  readonly schema: JsonSchema;
  readonly chapter: Chapter;
  /** The field that it comes after, in the orders where that is not its neighbour in the registry. */
  readonly after?: Readonly<Partial<Record<Order, string>>>;
  readonly isRequired?: true;
  /** The same in every target: no target may say it. `JsonSchema`: what a target says instead. */
  readonly isRootOnly?: true;
  readonly inTarget?: JsonSchema;

  /** The release of FreeBSD that brought it, and what bhyve of one before it lacks. */
  readonly since?: { readonly release: Release; readonly what: string };
  /** Why bhyve of arm64 takes neither the option nor the variable. */
  readonly pcOnly?: string;
  /** bhyve of arm64 takes it and makes nothing of it. */
  readonly isIdleOnArm?: true;
  /** It is behind the LPC bridge, and not there without. */
  readonly isBehindLpc?: true;

  /** One option and one variable say it. */
  readonly flag?: Flag;

  /** What the schema cannot say; pointers are into the effective spec. */
  check?(context: FieldContext<Vm>): readonly Finding[];
  /** Devices that it stands for; they come after those of the spec. */
  parts?(vm: Vm): readonly Part[];
  /** Where its settings stand in the command: flags come first, the board after the devices. */
  readonly stage?: Stage;
  settings?(context: SettingContext<Vm>): readonly Setting[];
  requirements?(context: FieldContext<Vm>): readonly Requirement[];
}

/** One option and one variable of bhyve. */
export interface Flag {
  readonly option: string;
  readonly variable: string | ((platform: Platform) => string);
  /** What the variable is where the field is true. */
  readonly value: boolean;
  /** bhyve of arm64 takes neither. */
  readonly isPcOnly: boolean;
}

/** The variable of a flag on a platform. */
export const flagVariable = ({ variable }: Flag, platform: Platform): string =>
  typeof variable === 'string' ? variable : variable(platform);

export type Stage = 'flags' | 'machine' | 'board';

/** Checks a field's types, and keeps its name; the registry holds fields of all kinds. */
export const defineField = <Vm extends object, Name extends string = string>(field: Field<Vm, Name>): Field<Vm, Name> =>
  field;

/** A setting that one field makes of itself. */
export const settingOf = (field: string, option: readonly string[], key: string, value: string): Setting => ({
  variables: [{ key, value }],
  option,
  pointers: [`/${field}`],
});
