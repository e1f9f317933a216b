import type { Platform } from '../../base/platform.js';
import type { SpecObject, SpecValue } from '../../base/spec-value.js';

export type { SpecObject, SpecValue };

/** Settings of one device without its `device`, keys as bhyve has them below its node. */
export type DeviceSettings = ReadonlyMap<string, string>;

/** What a device, or a port of it, is connected to on the host. */
export interface Connection {
  /** The part of the device: `com1`, `port 2`, `play`; absent: the device itself. */
  readonly port?: string;
  /** What is at the other end, in a word or two: `disk`, `tap`, `host card`; absent where nobody can tell. */
  readonly kind?: string;
  readonly name: string;
  /** What else is to be said of it: `read-only`, `bridge0`. */
  readonly notes: readonly string[];
}

/** What the host has at the other end, and what the settings alone do not say. */
export interface DeviceSurroundings {
  /** What stands at a path, by what the machine asks of the host there: `disk`, `socket`, `folder`. */
  readonly kindOf: (path: string) => string;
  /** Whether the machine asks for a file at a path. */
  readonly isFile: (path: string) => boolean;
  /** The bridges of an interface. */
  readonly bridgesOf: (name: string) => readonly string[];
  /** What tells the device from others of its model. */
  readonly label: string | undefined;
  readonly hasPassword: boolean;
}

/** How one field of a spec is told from one variable; undefined: this value is not one for the field. */
export interface FieldReader {
  readonly variable: string;
  readonly read: (text: string) => SpecValue | undefined;
}

/**
 * What bhyve's settings of a device mean: the inverse of the model's `variables`, and what they connect. Importers and
 * pictures alone load it. A model without one has variables with the names of its fields, and at most a path.
 */
export interface DeviceReader {
  /** Fields that one variable each says; absent: every field that is text, a number or a flag, by its own name. */
  readonly fields?: Readonly<Record<string, FieldReader>>;
  /** Of those by their own name: what is read otherwise. */
  readonly special?: Readonly<Record<string, FieldReader>>;
  /** Fields that take more than one to tell. They come before the others. */
  more?(settings: DeviceSettings, platform: Platform): SpecObject;
  /** Other names for what the fields say, by bhyve's variables. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** What the spec calls the device; absent: as bhyve does. */
  model?(settings: DeviceSettings): string;
  /** Absent: the path that it names. */
  connections?(settings: DeviceSettings, around: DeviceSurroundings): readonly Connection[];
}

/** get_config_bool of config.c. @returns undefined where bhyve refuses the value */
export function readBoolean(text: string): boolean | undefined {
  if (/^(true|on|yes|1)$/i.test(text)) return true;
  return /^(false|off|no|0)$/i.test(text) ? false : undefined;
}

export const text = (variable: string): FieldReader => ({ variable, read: (value) => value });

export const integer = (variable: string): FieldReader => ({
  variable,
  read: (value) => (/^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : undefined),
});

/** What is false is the default, and not written. */
export const flag = (variable: string): FieldReader => ({
  variable,
  read: (value) => (readBoolean(value) === true ? true : undefined),
});

export const texts = (settings: DeviceSettings, keys: readonly string[]): SpecObject =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const value = settings.get(key);
      return value === undefined ? [] : [[key, value]];
    }),
  );

/** The settings below `prefix.0`, `prefix.1` … up to the first gap. */
export function numbered(settings: DeviceSettings, prefix: string, first = 0): readonly DeviceSettings[] {
  const found: DeviceSettings[] = [];
  for (let number = first; ; number += 1) {
    const start = `${prefix}.${number}.`;
    const below = [...settings].flatMap(([key, value]) =>
      key.startsWith(start) ? [[key.slice(start.length), value] as const] : [],
    );
    if (below.length === 0) return found;
    found.push(new Map(below));
  }
}

export const readFields = (settings: DeviceSettings, fields: Readonly<Record<string, FieldReader>>): SpecObject =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([field, { variable, read }]) => {
      const written = settings.get(variable);
      const value = written === undefined ? undefined : read(written);
      return value === undefined ? [] : [[field, value]];
    }),
  );

export const isReadOnly = (settings: DeviceSettings): readonly string[] =>
  settings.get('ro') === 'true' ? ['read-only'] : [];

/** The path of a device: a share by its name. */
export function pathConnections(settings: DeviceSettings, around: DeviceSurroundings): readonly Connection[] {
  const path = settings.get('path') ?? settings.get('dev');
  if (path === undefined) return [];
  const share = settings.get('sharename');
  const at = share === undefined ? {} : { port: share };
  return [{ ...at, kind: around.kindOf(path), name: path, notes: isReadOnly(settings) }];
}

/** Paths, each of a setting that is the port. */
export const portConnections = (
  settings: DeviceSettings,
  ports: readonly string[],
  { kindOf }: DeviceSurroundings,
): readonly Connection[] =>
  ports.flatMap((port) => {
    const path = settings.get(port);
    return path === undefined ? [] : [{ port, kind: kindOf(path), name: path, notes: [] }];
  });
