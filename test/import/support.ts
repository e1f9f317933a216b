import { quoteCommand } from '../../src/base/shell.js';
import type { Platform } from '../../src/devices/device.js';
import { importText, type Imported, type ImportOptions } from '../../src/import/import-text.js';
import type { OriginalText } from '../../src/import/original.js';
import type { Machine } from '../../src/machine/machine.js';
import { parseMemorySize } from '../../src/bhyve/sizes.js';
import { planOf, told } from '../support/specs.js';

export const sourceOf = (text: string, more: Partial<OriginalText> = {}): OriginalText => ({
  name: 'start.sh',
  text,
  folder: '/vm/web',
  stem: 'start',
  ...more,
});

export const optionsFor = (more: Partial<ImportOptions> = {}): ImportOptions => ({
  platform: {},
  host: {},
  readFile: () => undefined,
  firstTap: 0,
  ...more,
});

export interface Success extends Imported {
  /** `3:1 password: …` of each thing that was not carried as it stands. */
  readonly notes: readonly string[];
}

/** @throws Error that names the problems */
export async function imported(
  text: string,
  options: Partial<ImportOptions> = {},
  source: Partial<OriginalText> = {},
): Promise<Success> {
  const result = await importText(sourceOf(text, source), optionsFor(options));
  if (!result.ok) throw new Error(`${result.problems.map(told).join('\n')}\n${text}`);
  return { ...result.value, notes: result.warnings.map(told) };
}

/**
 * The same, but for what every script without a loop comes to: `"reboot_on": []`, and the note of it. That has tests of its
 * own.
 */
export async function importedOnce(...words: Parameters<typeof imported>): Promise<Success> {
  const { spec, notes, ...rest } = await imported(...words);
  const { reboot_on: reboots, ...others } = spec;
  return {
    ...rest,
    spec: Array.isArray(reboots) && reboots.length === 0 ? others : spec,
    notes: notes.filter((note) => !note.includes(' runs-once: ')),
  };
}

/** Why nothing could be imported. */
export async function refusals(
  text: string,
  options: Partial<ImportOptions> = {},
  source: Partial<OriginalText> = {},
): Promise<readonly string[]> {
  const result = await importText(sourceOf(text, source), optionsFor(options));
  return result.ok ? [] : result.problems.map(told);
}

/** The spec of a command line, through a script that says it. */
export const importedCommand = (
  argv: readonly string[],
  platform: Platform,
  options: Partial<ImportOptions> = {},
): Promise<Success> => imported(quoteCommand(['bhyve', ...argv]), { format: 'bhyve', host: platform, ...options });

/** The machine of an imported spec, which vmrun takes without a problem. */
export const machineOf = (spec: Imported['spec'], platform: Partial<Platform> = {}): Promise<Machine> =>
  planOf(spec, 'default', platform, {});

/**
 * A configuration with its two numbers that are written in several ways spelt out: memory in bytes, and the CPUs as
 * bhyve completes them, so that `-c 2` is two sockets.
 */
export function spelt(config: ReadonlyMap<string, string>, { release }: Platform): ReadonlyMap<string, string> {
  const number = (key: string): number | undefined => (config.has(key) ? Number(config.get(key)) : undefined);
  const [cores, threads] = [number('cores') ?? 1, number('threads') ?? 1];
  const sockets = number('sockets') ?? number('cpus') ?? 1;
  const bytes = parseMemorySize(config.get('memory.size') ?? '', release);
  return new Map([
    ...config,
    ...Object.entries({ cpus: sockets * cores * threads, sockets, cores, threads, 'memory.size': bytes }).map(
      ([key, value]) => [key, String(value)] as const,
    ),
  ]);
}

export interface Difference {
  readonly variable: string;
  readonly original: string | undefined;
  readonly spec: string | undefined;
}

export function differencesOf(
  original: ReadonlyMap<string, string>,
  spec: ReadonlyMap<string, string>,
): readonly Difference[] {
  const variables = [...new Set([...original.keys(), ...spec.keys()])].sort();
  return variables
    .map((variable) => ({ variable, original: original.get(variable), spec: spec.get(variable) }))
    .filter((each) => each.original !== each.spec);
}
