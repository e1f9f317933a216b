import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { splitWords } from '../../src/base/shell.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import { plan } from '../../src/machine/plan.js';
import { parseCommandLine, type ParseOptions, type Platform } from '../../src/bhyve/parse.js';
import { checkStart } from '../../src/bhyve/start/start-checks.js';
import { parseMemorySize } from '../../src/bhyve/sizes.js';
import { readSpec } from '../../src/spec/read.js';
import { parseOptionsOf, platformOf, vectors, type Vector } from '../simulator/vectors.js';
import { refusal } from '../support/simulated.js';
import { told } from '../support/specs.js';

/** The examples of bhyve(8) as specs: each gives the configuration that the manual's own command gives. */

const folder = fileURLToPath(new URL('../../examples/bhyve-man/', import.meta.url));
const files = readdirSync(folder).sort();

/** Pieces of the manual's command and what to read instead: the least that makes it the command of a vector. */
const readInstead: Readonly<Record<string, readonly (readonly [printed: string, meant: string])[]>> = {
  // Two devices in one slot, and no name.
  'ahci.json': [
    ['-s 1:0,ahci', '-s 2:0,ahci'],
    ['-m 8G', '-m 8G vm'],
  ],
  // The line goes on.
  'uefi-vars.json': [['\n', ' \\\n']],
  // The file is the same, it has another name among the vectors.
  'config-file.json': [['configfile', 'vm0.conf']],
};

/** Where a variable is not what the manual's command makes it: `undefined` is not set. */
interface Difference {
  readonly variable: string;
  readonly manual: string | undefined;
  readonly spec: string | undefined;
  readonly reason: string;
}

const differences: Readonly<Record<string, readonly Difference[]>> = {
  'config-dump.json': [
    {
      variable: 'config.dump',
      manual: '1',
      spec: undefined,
      reason: 'a spec is of a VM to be run; printing its configuration is vmrun --dry-run --format config',
    },
  ],
  'numa.json': [
    {
      variable: 'memory.size',
      manual: String(256 * 2 ** 20),
      spec: String(8 * 2 ** 30),
      reason: 'bhyve takes the sum of the domains and not this default of its own; a spec says the sum',
    },
  ],
};

const printedCommand = (file: string): string => {
  const spec = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Readonly<Record<string, unknown>>;
  const command = spec['x-command'];
  if (typeof command !== 'string') throw new Error(`${file} does not say the command of the manual`);
  return command;
};

const meantCommand = (file: string): string =>
  (readInstead[file] ?? []).reduce((text, [printed, meant]) => {
    if (text.split(printed).length !== 2) throw new Error(`${file}: ${printed} does not stand there once`);
    return text.replace(printed, meant);
  }, printedCommand(file));

/** What a shell gives bhyve: a newline ends the command, unless a backslash takes it away. */
function argvOf(command: string): readonly string[] {
  const [line = ''] = command.replaceAll('\\\n', '').split('\n');
  const words = splitWords(line);
  if ('error' in words) throw new Error(words.error);
  return words.slice(1);
}

const isSame = (a: readonly string[], b: readonly string[]): boolean => JSON.stringify(a) === JSON.stringify(b);

const vectorOf = (file: string): Vector => {
  const argv = argvOf(meantCommand(file));
  const vector = vectors.find((each) => isSame(each.argv, argv));
  if (vector === undefined) throw new Error(`${file}: no vector has ${argv.join(' ')}`);
  return vector;
};

/** A command as bhyve reads it, started as far as its configuration goes; a guest without a boot ROM has been loaded. */
function read(argv: readonly string[], options: ParseOptions) {
  const parsed = parseCommandLine(argv, options);
  if (parsed.kind !== 'parsed') throw new Error(`${argv.join(' ')}: ${parsed.messages.join('\n')}`);
  const start = checkStart(parsed.tree, { ...options, loaded: !parsed.config.has('bootrom') });
  return { config: parsed.config, warnings: parsed.warnings, start };
}

/**
 * A configuration with its two numbers that are written in several ways spelt out: memory in bytes, and the CPUs as
 * bhyve completes them, so that `-c 2` is two sockets.
 */
function spelt(config: ReadonlyMap<string, string>, { release }: Platform): ReadonlyMap<string, string> {
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

function differencesOf(
  manual: ReadonlyMap<string, string>,
  spec: ReadonlyMap<string, string>,
): readonly Omit<Difference, 'reason'>[] {
  const variables = [...new Set([...manual.keys(), ...spec.keys()])].sort();
  return variables
    .map((variable) => ({ variable, manual: manual.get(variable), spec: spec.get(variable) }))
    .filter((each) => each.manual !== each.spec);
}

/** The spec of a file and its machine, which must have no problem, and no warning either. */
async function planned(file: string, platform: Platform) {
  const text = readSpec(path.join(folder, file), { workingDirectory: folder });
  // The commands of the manual are those of somebody who is in the folder of the files.
  const spec = await loadSpecText({ ...text, absoluteFile: (name) => name }, platform);
  if (!spec.ok) throw new Error(spec.problems.map(told).join('\n'));
  const machine = plan(spec.value, 'default', platform);
  if (!machine.ok) throw new Error(machine.problems.map(told).join('\n'));
  expect([...spec.warnings, ...machine.warnings].map(told)).toEqual([]);
  return { vm: spec.value.effective('default').vm, machine: machine.value };
}

describe.each(files)('bhyve-man/%s', (file) => {
  test('says all by fields that vmrun knows', async () => {
    const { vm } = await planned(file, platformOf(vectorOf(file)));
    expect(vm.emulations.map(({ device }) => device)).not.toContain('raw');
    expect(vm).not.toHaveProperty('extra_options');
    expect(vm).not.toHaveProperty('config');
  });

  test('gives bhyve the configuration that the command of the manual gives', async () => {
    const vector = vectorOf(file);
    const platform = platformOf(vector);
    const manual = read(vector.argv, parseOptionsOf(vector));
    expect(Object.fromEntries(manual.config)).toEqual(vector.dump);

    const { machine } = await planned(file, platform);
    expect(machine).toMatchObject(platform);
    const ours = read(machine.argv, { ...platform, readFile: () => undefined });
    expect([...manual.warnings, ...ours.warnings]).toEqual([]);
    expect(differencesOf(spelt(manual.config, platform), spelt(ours.config, platform))).toEqual(
      (differences[file] ?? []).map(({ reason: _reason, ...difference }) => difference),
    );

    expect(refusal(ours.start)).toBe('');
    // What comes of both, whatever their variables: vCPUs, memory and devices of the guest.
    expect(ours.start).toEqual(manual.start);
    // The manual has the guest loaded beforehand where the command names no boot ROM.
    expect(machine.loader?.kind).toBe(ours.config.has('bootrom') ? undefined : 'bhyveload');
  });
});

test.each<[file: string, what: string, said: string, status: number]>([
  ['ahci.json', 'two devices are in one slot', 'pci slot 0:1:0 already occupied!', 4],
  ['uefi-vars.json', 'the VM has no name', 'Usage: bhyve', 1],
])('bhyve refuses the command of %s as the manual prints it: %s', (file, _what, said, status) => {
  const printed = parseCommandLine(argvOf(printedCommand(file)), parseOptionsOf(vectorOf(file)));
  expect(printed).toMatchObject({ kind: 'failed', status });
  expect(printed.kind === 'failed' ? printed.messages.join('\n') : '').toMatch(new RegExp(`^${said}`));
});

describe('the examples of the manual among the vectors', () => {
  /** Names that the manual gives its VMs, and no other vector has. Those it calls vm1 and vm are told by their note. */
  const names = ['bigvm', 'uefivm', 'vm0', 'numavm'];
  const isExample = ({ note, argv }: Vector): boolean =>
    note?.startsWith('bhyve.8 example') === true || names.includes(argv.at(-1) ?? '');

  /** One is there twice: as printed but for most of the disks, which is refused, and as meant. */
  const shortened = argvOf(printedCommand('ahci.json').replaceAll(/,hd:\/images\/disk\.[3-8]/g, '') + ' vm');
  const commands = [...files.map((file) => vectorOf(file).argv), shortened];
  const examples = vectors.filter(isExample);

  test('are found', () => {
    expect(examples).toHaveLength(9);
  });

  test.each(examples.map(({ argv }) => [argv]))('have a spec: %j', (argv) => {
    expect(commands.some((command) => isSame(command, argv))).toBe(true);
  });
});

test('a list says nothing of a spec that is not there', () => {
  const listed = [readInstead, differences].flatMap((list) => Object.keys(list));
  expect(listed.filter((file) => !files.includes(file))).toEqual([]);
});
