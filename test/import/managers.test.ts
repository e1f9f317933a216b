import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { splitWords } from '../../src/base/shell.js';
import { isKnown } from '../../src/machine/config.js';
import { simulate, simulateMachine } from '../support/simulated.js';
import { problemsOf } from '../support/specs.js';
import { differencesOf, imported, machineOf, spelt, type Success } from './support.js';

/**
 * VMs of other managers. For each there is what the manager is given, the commands that it runs for it (written by
 * hand, after its documents and sources), and the spec and the notes that are expected.
 */

interface Case {
  /** Name in test/fixtures/import, without its extension. */
  readonly name: string;
  readonly extension: string;
  readonly folder: string;
  readonly dataset?: string;
}

const cases: readonly Case[] = [
  { name: 'vm-bhyve/web/web', extension: '.conf', folder: '/vm/web', dataset: 'tank/vm' },
  { name: 'vm-bhyve/build/build', extension: '.conf', folder: '/vm/build' },
  { name: 'vm-bhyve/win11/win11', extension: '.conf', folder: '/vm/win11' },
  { name: 'libvirt/freebsd', extension: '.xml', folder: '/etc/libvirt' },
  { name: 'libvirt/linux-grub', extension: '.xml', folder: '/etc/libvirt' },
  { name: 'libvirt/desktop', extension: '.xml', folder: '/etc/libvirt' },
  { name: 'iohyve/bsdguest', extension: '.txt', folder: '/root' },
  { name: 'iohyve/win.zfs', extension: '.txt', folder: '/root' },
];

const fixture = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../fixtures/import/${name}`, import.meta.url)), 'utf8');

const stemOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1).replace(/\..*$/, '');

const importCase = ({ name, extension, folder, dataset }: Case): Promise<Success> =>
  imported(
    fixture(name + extension),
    { ...(dataset === undefined ? {} : { dataset }) },
    { name: stemOf(name) + extension, folder, stem: stemOf(name) },
  );

/** The words of the manager's commands, by program. */
function commandsOf(name: string): ReadonlyMap<string, readonly string[]> {
  const lines = fixture(`${name}.command`).trim().split('\n');
  return new Map(
    lines.map((line) => {
      const words = splitWords(line);
      if ('error' in words) throw new Error(words.error);
      return [words[0] ?? '', words.slice(1)];
    }),
  );
}

describe.each(cases.map((each) => [each.name, each] as const))('%s', (name, each) => {
  test('is told by its text', async () => {
    expect((await importCase(each)).format).toBe(name.slice(0, name.indexOf('/')));
  });

  test('becomes the spec that is expected, which vmrun takes', async () => {
    const { spec, problems } = await importCase(each);
    expect(problems).toEqual([]);
    const expected = JSON.parse(fixture(`${name}.spec.json`)) as object;
    expect(spec).toEqual(expected);
    // In the order in which people read it.
    expect(Object.keys(spec)).toEqual(Object.keys(expected));
    expect((await problemsOf(spec)).filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  test('and what is not carried over, or made up, is told', async () => {
    expect((await importCase(each)).notes.join('\n')).toBe(fixture(`${name}.notes`).trim());
  });

  test('bhyve gets the configuration that it had from the manager', async () => {
    const { spec } = await importCase(each);
    const machine = await machineOf(spec);
    const bhyve = commandsOf(name).get('bhyve') ?? [];
    const theirs = simulate(bhyve, { loaded: true });
    const ours = simulateMachine(machine);
    expect(theirs.start.kind).toBe('started');
    expect(ours.start).toEqual(theirs.start);
    expect(differencesOf(spelt(theirs.config, machine), spelt(ours.config, machine))).toEqual([]);
    for (const key of Object.keys(spec.config ?? {})) expect([key, isKnown(key)]).toEqual([key, true]);
  });

  test('the guest is loaded as it was', async () => {
    const { loader } = await machineOf((await importCase(each)).spec);
    const commands = commandsOf(name);
    expect(loader?.kind).toBe([...commands.keys()].find((program) => program !== 'bhyve'));
    const theirs = commands.get(loader?.kind ?? '') ?? [];
    // Paths of device maps are the manager's own business; the order of options is no matter to either loader.
    const wordsOf = (argv: readonly string[]) =>
      argv
        .map((word) => (word.endsWith('.map') ? 'MAP' : word.replace(/^(\d+)$/, (mebibytes) => size(mebibytes))))
        .sort();
    expect(wordsOf(loader?.argv.slice(1) ?? [])).toEqual(wordsOf(theirs));
  });
});

/** Loaders take a bare number for MiB, as libvirt writes it. */
const size = (mebibytes: string): string => `${Number(mebibytes) / 1024}G`;
