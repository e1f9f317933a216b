import { describe, expect, test } from '@jest/globals';
import type { HostFacts } from '../../src/host/look/facts.js';
import { recordedView } from '../../src/host/look/facts.js';
import { runTool } from '../../src/host/process/tools.js';
import { readiness, type ReadinessOptions } from '../../src/supervisor/readiness.js';
import { inPlace } from '../e2e/support/place.js';
import { minimal, planOf, type SpecObject } from '../support/specs.js';

const facts: HostFacts = {
  version: 1,
  taken: '2026-01-31T12:00:00.000Z',
  system: 'freebsd',
  platform: { release: 15, arch: 'amd64' },
  uid: 0,
  interfaces: [],
  cards: [],
  modules: ['vmm', 'if_tuntap'],
  sysctls: { 'hw.physmem': '34235027456' },
  vms: [],
  files: {
    '/rom.fd': { kind: 'there', type: 'regular file', identity: '1:1', bytes: 4096, content: 'firmware', denied: {} },
  },
  sockets: {},
  ports: {},
  freeBytes: {},
};

const said = async (
  about: Partial<HostFacts>,
  fields: SpecObject = {},
  options: Partial<ReadinessOptions> = {},
): Promise<readonly [isReady: boolean | undefined, codes: readonly string[]]> => {
  const machine = await planOf({ ...minimal, bootrom: '/rom.fd', ...fields });
  const [report] = await readiness([machine], { view: recordedView({ ...facts, ...about }), ...options });
  return [report?.isReady, report?.findings.map(({ problem }) => problem.code) ?? []];
};

describe('a machine is held against a host without changing it', () => {
  const tap = { emulations: [{ device: 'virtio-net', name: 'tap0' }] };
  const loaded = { bootrom: undefined, loader: 'none' };
  const noTool = { error: 'ifconfig could not be run, it was not found' };

  test.each<[title: string, about: Partial<HostFacts>, fields: SpecObject, isReady: boolean, codes: readonly string[]]>(
    [
      ['a host that has everything', {}, {}, true, []],
      ['something missing', {}, tap, false, ['interface-missing']],
      ['a warning', { files: {} }, {}, true, ['not-captured']],
      ['a VM of this name', { vms: ['vm0'] }, {}, false, ['vm-exists']],
      ['a VM of another name', { vms: ['vm01'] }, {}, true, []],
      ['a VM that others have loaded', { vms: ['vm0'] }, loaded, true, []],
      ['a VM that others have not loaded', {}, loaded, false, ['not-loaded']],
      ['VMs that nobody knows', { vms: { error: 'cannot list /dev/vmm' } }, {}, true, ['vm-unknown']],
      ['a tool that is missing on FreeBSD', { interfaces: noTool }, tap, false, ['host-tool']],
      ['tools that are missing elsewhere', { system: 'linux', interfaces: noTool }, tap, false, ['no-bhyve']],
      ['tools of another kind elsewhere', { system: 'linux', modules: ['loop'] }, tap, false, ['no-bhyve']],
      ['files elsewhere', { system: 'linux', files: {} }, {}, false, ['no-bhyve', 'not-captured']],
    ],
  )('%s', async (_title, about, fields, isReady, codes) => {
    expect(await said(about, fields)).toEqual([isReady, codes]);
  });

  test('elsewhere the tools are asked where somebody has a bhyve', async () => {
    expect(await said({ system: 'linux' }, tap, { hasBhyve: true })).toEqual([false, ['interface-missing']]);
  });

  test('a folder of run directories that cannot be looked into is a warning', async () => {
    await inPlace(async ({ write }) => {
      const base = write('file', '');
      const folder = write('link', '');
      expect(await said({}, {}, { records: { base, run: runTool } })).toEqual([true, ['in-use-unknown']]);
      expect(await said({}, {}, { records: { base: `${folder}/none`, run: runTool } })).toEqual([
        true,
        ['in-use-unknown'],
      ]);
    });
  });
});
