import type { Platform } from '../../src/devices/device.js';
import { configLine } from '../../src/machine/argv.js';
import type { Machine } from '../../src/machine/machine.js';
import { openConfig } from '../../src/bhyve/config-tree.js';
import { emptyOutput } from '../../src/bhyve/outcome.js';
import { parseCommandLine } from '../../src/bhyve/parse.js';
import { checkStart, type StartCheck } from '../../src/bhyve/start/start-checks.js';

/** What bhyve makes of a command line: every variable as a device reads it, references and escapes expanded. */
export interface Simulated {
  readonly config: ReadonlyMap<string, string>;
  /** Lines on stderr up to there, and while values were read. */
  readonly warnings: readonly string[];
  readonly start: StartCheck;
}

/** The one value that bhyve takes as it is: a target of virtio-scsi. */
const isUnexpanded = (key: string): boolean => /^pci\.\d+\.\d+\.\d+\.target\.\d+$/.test(key);

/** @throws Error with bhyve's words where it refuses the command line */
export function simulate(
  argv: readonly string[],
  {
    release = 15,
    arch = 'amd64',
    files = {},
    loaded = false,
  }: Partial<Platform> & {
    readonly files?: Readonly<Record<string, string>>;
    /** A loader has made the VM. */
    readonly loaded?: boolean;
  } = {},
): Simulated {
  const platform = { release, arch };
  const parsed = parseCommandLine(argv, { ...platform, readFile: (path) => files[path] });
  if (parsed.kind !== 'parsed') throw new Error(`${JSON.stringify(argv)}: ${parsed.messages.join('\n')}`);
  const output = emptyOutput();
  const reader = openConfig(parsed.tree, output);
  const config = new Map(
    [...parsed.config].map(([key, raw]) => [key, isUnexpanded(key) ? raw : (reader.get(key) ?? '')]),
  );
  return {
    config,
    warnings: [...parsed.warnings, ...output.stderr],
    start: checkStart(parsed.tree, { ...platform, loaded }),
  };
}

/** What every secret file holds. */
export const secretOfFiles = 'S3cret';

/** @param loaded whether a loader has made the VM; by default it has, where the machine needs it */
export function simulateMachine(
  machine: Machine,
  loaded = machine.loader !== undefined || machine.isLoadedByOthers,
): Simulated {
  const { release, arch, argv, privateConfig } = machine;
  const items = argv.flatMap((word, index) => {
    const [, path] = argv[index - 1] === '-f' ? (/,file=(.*)$/.exec(word) ?? []) : [];
    return path === undefined ? [] : [[path, '']];
  });
  const secrets = (privateConfig?.fromFiles ?? []).map(({ key }) => configLine({ key, value: secretOfFiles }));
  const files = {
    ...(Object.fromEntries(items) as Record<string, string>),
    ...(privateConfig === undefined ? {} : { [privateConfig.path]: privateConfig.content + secrets.join('') }),
  };
  return simulate(argv, { release, arch, files, loaded });
}

/** What the machine says that bhyve is to know: its own settings over bhyve's defaults. */
export const expectedConfig = ({ release, arch, variables }: Machine): ReadonlyMap<string, string> =>
  new Map([
    ...simulate(['vm'], { release, arch }).config,
    ...variables.map(({ key, value, secretFile }) => [key, secretFile === undefined ? value : secretOfFiles] as const),
  ]);

export const sorted = (config: ReadonlyMap<string, string>): readonly (readonly [string, string])[] =>
  [...config].sort(([a], [b]) => (a < b ? -1 : 1));

/** Why a start was refused, for a test's message. */
export const refusal = (start: StartCheck): string =>
  start.kind === 'started' ? '' : [...start.stdout, ...start.messages, `exit ${start.status}`].join('\n');
