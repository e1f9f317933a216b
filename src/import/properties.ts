import type { Problem } from '../base/problem.js';
import { noteAt, type OriginalText } from './original.js';

/** A setting of a VM manager, with the line it stands on. */
export interface Property {
  readonly value: string;
  readonly line: number;
}

/** Reads settings by name and remembers which were asked for, so that the others can be told. */
export interface Properties {
  /** Empty where it is not set. */
  readonly get: (name: string, whenUnset?: string) => string;
  readonly line: (name: string) => number | undefined;
  /** Anything but nothing, no, off, false and 0. */
  readonly isYes: (name: string, whenUnset?: string) => boolean;
  readonly has: (name: string) => boolean;
  /** Settings that have no part in running the VM. */
  readonly ignore: (names: RegExp) => void;
  /** A setting that a spec cannot say, or not quite, if it is there. */
  readonly note: (name: string, code: string, message: (value: string) => string, fix?: string) => readonly Problem[];
  readonly all: () => readonly (Property & { readonly name: string })[];
  /** Settings that nobody asked for. */
  readonly unread: () => readonly (Property & { readonly name: string })[];
}

/** @param isEmptySet a setting that is set to nothing does not have its default: the manager tells the two apart */
export function readProperties(
  source: OriginalText,
  properties: ReadonlyMap<string, Property>,
  { isEmptySet = false } = {},
): Properties {
  const read = new Set<string>();
  const get = (name: string, whenUnset = ''): string => {
    read.add(name);
    const value = properties.get(name)?.value;
    return value === undefined || (value === '' && !isEmptySet) ? whenUnset : value;
  };
  return {
    get,
    line: (name) => properties.get(name)?.line,
    isYes: (name, whenUnset) => !/^(no|off|false|0|)$/i.test(get(name, whenUnset)),
    has: (name) => get(name) !== '',
    ignore(names) {
      for (const name of properties.keys()) if (names.test(name)) read.add(name);
    },
    note(name, code, message, fix) {
      const value = get(name);
      return value === '' ? [] : [noteAt(source, properties.get(name)?.line, code, message(value), fix)];
    },
    all: () => [...properties].map(([name, property]) => ({ name, ...property })),
    unread: () =>
      [...properties].flatMap(([name, property]) =>
        read.has(name) || property.value === '' ? [] : [{ name, ...property }],
      ),
  };
}
