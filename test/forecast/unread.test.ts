import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foretell } from '../../src/bhyve/foretell/foretell.js';
import { configLine } from '../../src/machine/argv.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import type { Machine } from '../../src/machine/machine.js';
import { validSpec } from '../support/arbitraries.js';
import { runs } from '../support/runs.js';
import { machineOf, minimal, specText, told, type SpecObject } from '../support/specs.js';

/** The variables of a machine that nothing in bhyve reads. */
const unreadIn = (machine: Machine): readonly string[] =>
  foretell(machine.argv, {
    release: machine.release,
    arch: machine.arch,
    loaded: machine.loader !== undefined || machine.isLoadedByOthers,
    readFile: (path) => (path === machine.privateConfig?.path ? secretsOf(machine) : undefined),
    isSuspect: () => true,
  }).flatMap(({ kind, variable }) => (kind === 'unread' && variable !== undefined ? [variable] : []));

const secretsOf = ({ privateConfig }: Machine): string =>
  (privateConfig?.content ?? '') +
  (privateConfig?.fromFiles ?? []).map(({ key }) => configLine({ key, value: 'secret' })).join('');

/** Warnings that a field is not read, with the fields that they are about. */
const warned = /(?:has no effect on a disk in memory|does not read "(?:uuid|smbios)")/;

async function bothOf(spec: SpecObject): Promise<{ readonly unread: number; readonly said: readonly string[] }> {
  const loaded = await loadSpecText(specText(spec));
  if (!loaded.ok) throw new Error(loaded.problems.map(told).join('\n'));
  const machines = loaded.value.targets.map((target) => machineOf(loaded.value, target));
  const said = loaded.warnings.map(told).filter((words) => warned.test(words));
  return { unread: machines.reduce((sum, machine) => sum + unreadIn(machine).length, 0), said };
}

test('no field goes unread without a word', async () => {
  await fc.assert(
    fc.asyncProperty(validSpec, async (spec) => {
      const { unread, said } = await bothOf(spec);
      if (unread > 0) expect(said).not.toEqual([]);
      if (said.length > 0) expect(unread).toBeGreaterThan(0);
    }),
    { numRuns: runs(50) },
  );
});

test.each<[what: string, fields: SpecObject, said: readonly string[]]>([
  [
    'how the image of an NVMe disk is opened that has none',
    {
      emulations: [
        { device: 'nvme', ram: 64, nocache: true, sync: true, ro: true, nodelete: true, sectorsize: 512, ser: 'A' },
      ],
    },
    [
      '/emulations/0/nocache nvme-ram: nocache has no effect on a disk in memory: bhyve does not read it beside ram [leave "nocache" out]',
      '/emulations/0/sync nvme-ram: sync has no effect on a disk in memory: bhyve does not read it beside ram [leave "sync" out]',
      '/emulations/0/ro nvme-ram: ro has no effect on a disk in memory: bhyve does not read it beside ram [leave "ro" out]',
      '/emulations/0/nodelete nvme-ram: nodelete has no effect on a disk in memory: bhyve does not read it beside ram [leave "nodelete" out]',
      '/emulations/0/sectorsize nvme-ram: sectorsize has no effect on a disk in memory: bhyve does not read it beside ram [use "sectsz", or leave "sectorsize" out]',
    ],
  ],
  ['a flag that is not set', { emulations: [{ device: 'nvme', ram: 64, ro: false, sectsz: 4096 }] }, []],
  [
    'what stands in an SMBIOS table, on arm64',
    { arch: 'arm64', release: 15, uuid: '00000000-0000-4000-8000-000000000004', smbios: { system: { sku: 'x' } } },
    [
      '/uuid arch: bhyve of FreeBSD 15 on arm64 does not read "uuid": it makes no SMBIOS table, so the guest never sees it [leave "uuid" out]',
      '/smbios arch: bhyve of FreeBSD 15 on arm64 does not read "smbios": it makes no SMBIOS table, so the guest never sees it [leave "smbios" out]',
    ],
  ],
])('a field that bhyve does not read is a warning: %s', async (_what, fields, said) => {
  const found = await bothOf({ ...minimal, ...fields });
  expect(found.said.map((words) => words.replace(/^[^ ]* /, ''))).toEqual(said);
  expect(found.unread).toBe(said.length);
});
