import path from 'node:path';
import { readBoundedText } from '../base/bounded-file.js';
import { systemRunBase, runDirectoryOf } from '../host/run-directory/run-base.js';
import { keptSpecFile } from '../host/run-directory/run-files.js';
import { systemPlatform } from '../host/look/system-names.js';
import { formatIdentity, readIdentity } from '../machine/identity-text.js';
import type { Identity } from '../machine/identity.js';
import { loadSpecValue } from '../machine/load-spec.js';
import type { Platform } from '../devices/device.js';
import type { Spec } from '../spec/parse-spec.js';
import { specTextOf } from '../spec/read.js';

/** A spec that a run has booted, and what a lock file kept for it. */
export interface KeptSpec {
  /** The spec. */
  readonly spec: Spec;
  /** Undefined where there was no lock file. */
  readonly identity: Identity | undefined;
}

/** Where the spec of a run is looked for. */
export interface KeptSpecOptions {
  /** Folder of the run directories. Default: /var/run/vmrun for root, else the user's. */
  readonly runBase?: string | undefined;
  /** What commands are written for where the spec does not say. Default: those of this host. */
  readonly platform?: Partial<Platform> | undefined;
}

const version = 1;
const workingDirectory = '/';
/** A spec of the largest size, with its lock file, as JSON. */
const mostBytes = 256 * 1024 * 1024;

export const keptText = ({ spec, identity }: KeptSpec): string => {
  const source = path.resolve(spec.source);
  const lock = identity === undefined ? {} : { lock: formatIdentity(identity) };
  return `${JSON.stringify({ version, source, spec: spec.written(), ...lock })}\n`;
};

/**
 * The spec that a run booted last which was told to keep it (`keepSpec`), while that run goes on or its bhyve does.
 * @returns undefined where there is none, or none that can be understood
 */
export async function readKeptSpec(
  name: string,
  { runBase = systemRunBase(), platform = systemPlatform() }: KeptSpecOptions = {},
): Promise<KeptSpec | undefined> {
  const read = keptIn(path.join(runDirectoryOf(runBase, name), keptSpecFile));
  if (read === undefined) return undefined;
  const lock = read.lock === undefined ? undefined : readIdentity(read.lock, read.source);
  const identity = lock?.ok === true ? lock.value : undefined;
  const { resolveFile, absoluteFile = resolveFile } = specTextOf(read.source, '', { workingDirectory });
  const loaded = await loadSpecValue(
    { name: read.source, value: read.spec, resolveFile, absoluteFile },
    { ...platform, identity },
  );
  return loaded.ok && loaded.value.name === name ? { spec: loaded.value, identity } : undefined;
}

function keptIn(file: string): { readonly source: string; readonly spec: unknown; readonly lock?: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readBoundedText(file, { most: mostBytes, isRegular: true }) ?? '');
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { version: written, source, spec, lock } = value as Readonly<Record<string, unknown>>;
  if (written !== version || typeof source !== 'string') return undefined;
  return { source, spec, ...(typeof lock === 'string' ? { lock } : {}) };
}
