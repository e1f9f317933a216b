import type { Platform } from '../../src/devices/device.js';
import type { Machine } from '../../src/machine/machine.js';
import { openConfig } from '../../src/simulator/config-tree.js';
import { emptyOutput } from '../../src/simulator/outcome.js';
import { checkStart, parseCommandLine, type StartCheck } from '../../src/simulator/parse.js';

/** What bhyve makes of a command line: every variable as a device reads it, references and escapes expanded. */
export interface Simulated {
  readonly config: ReadonlyMap<string, string>;
  /** Lines on stderr up to there, and while values were read. */
  readonly warnings: readonly string[];
  readonly start: StartCheck;
}

/** @throws Error with bhyve's words where it refuses the command line */
export function simulate(
  argv: readonly string[],
  {
    release = 15,
    arch = 'amd64',
    files = {},
  }: Partial<Platform> & { readonly files?: Readonly<Record<string, string>> } = {},
): Simulated {
  const platform = { release, arch };
  const parsed = parseCommandLine(argv, { ...platform, readFile: (path) => files[path] });
  if (parsed.kind !== 'parsed') throw new Error(`${JSON.stringify(argv)}: ${parsed.messages.join('\n')}`);
  const output = emptyOutput();
  const reader = openConfig(parsed.tree, output);
  const config = new Map([...parsed.config.keys()].map((key) => [key, reader.get(key) ?? '']));
  return {
    config,
    warnings: [...parsed.warnings, ...output.stderr],
    start: checkStart(parsed.tree, platform),
  };
}

export const simulateMachine = (machine: Machine): Simulated =>
  simulate(machine.argv, {
    release: machine.release,
    arch: machine.arch,
    files: machine.privateConfig === undefined ? {} : { [machine.privateConfig.path]: machine.privateConfig.content },
  });

/** What the machine says that bhyve is to know: its own settings over bhyve's defaults. */
export const expectedConfig = ({ release, arch, variables }: Machine): ReadonlyMap<string, string> =>
  new Map([...simulate(['vm'], { release, arch }).config, ...variables.map(({ key, value }) => [key, value] as const)]);

export const sorted = (config: ReadonlyMap<string, string>): readonly (readonly [string, string])[] =>
  [...config].sort(([a], [b]) => (a < b ? -1 : 1));

/** Why a start was refused, for a test's message. */
export const refusal = (start: StartCheck): string =>
  start.kind === 'started' ? '' : [...start.stdout, ...start.messages, `exit ${start.status}`].join('\n');
