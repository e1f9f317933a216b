import { steps } from '../base/json-pointer.js';
import type { PciAddress } from '../base/pci-address.js';
import type { EffectiveSpec } from '../spec/parse-spec.js';
import { traitVariable, withText, writtenFields } from './identity.js';
import type { Part } from '../fields/part.js';

/** A part as bhyve is told of it. */
export interface ToldPart {
  readonly part: Part;
  /** By the absolute path: what it was before. */
  readonly shortPaths: ReadonlyMap<string, string>;
}

const none: ReadonlyMap<string, string> = new Map();

/**
 * A part with absolute paths where bhyve makes an identity of them: the guest is the same wherever vmrun is started.
 * Where somebody says the serial number, the path stays as it is.
 */
export function withAbsolutePaths(part: Part, address: PciAddress, effective: EffectiveSpec): ToldPart {
  const { config = {} } = effective.vm;
  const paths = (part.model.traits?.(part.fields) ?? []).flatMap((trait) => {
    const { madeOf, said } = trait;
    return madeOf === undefined || said !== undefined || Object.hasOwn(config, traitVariable(trait, address))
      ? []
      : [steps(madeOf)];
  });
  if (paths.length === 0) return { part, shortPaths: none };
  const written = writtenFields(part, effective);
  const shortPaths = new Map<string, string>();
  let { fields } = part;
  for (const path of paths) {
    const before = textAt(fields, path);
    const absolute = effective.absolute(textAt(written, path) ?? '');
    if (before === undefined || before === absolute) continue;
    shortPaths.set(absolute, before);
    fields = withText(fields, path, absolute);
  }
  return shortPaths.size === 0 ? { part, shortPaths } : { part: { ...part, fields }, shortPaths };
}

function textAt(value: object, path: readonly string[]): string | undefined {
  const found = path.reduce<unknown>(
    (at, step) =>
      typeof at === 'object' && at !== null ? Object.getOwnPropertyDescriptor(at, step)?.value : undefined,
    value,
  );
  return typeof found === 'string' ? found : undefined;
}
