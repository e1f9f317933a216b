import { describe, expect, test } from '@jest/globals';
import type { JsonSchema } from '../../src/devices/json-schema.js';
import type { Need } from '../../src/devices/device.js';
import { checkHost } from '../../src/host/look/check.js';
import { factsSchema } from '../../src/host/look/facts-schema.js';
import { recordedView, type FileFacts, type HostFacts } from '../../src/host/look/facts.js';
import { sysctlNames } from '../../src/host/look/probes/sysctl.js';
import { nameProblems } from '../../src/supervisor/name-in-use.js';
import { throughFile } from './both-views.js';
import { requirement } from './fake-host.js';

type Facts = { -readonly [Key in keyof HostFacts]: HostFacts[Key] };
type Change = (facts: Facts) => void;

const EACCES = { code: 'EACCES', words: 'permission denied' };

const regular = (identity: string): FileFacts => ({
  kind: 'there',
  type: 'regular file',
  identity,
  bytes: 1024,
  content: 'unknown',
  denied: {},
});
const folder: FileFacts = { kind: 'there', type: 'directory', identity: 'folder', bytes: 2, denied: {} };

/** A host that can run a machine which needs some of everything. */
const ready: HostFacts = {
  version: 1,
  taken: '2026-01-31T12:00:00.000Z',
  system: 'freebsd',
  platform: { release: 15, arch: 'amd64' },
  uid: 0,
  interfaces: [
    { name: 'tap0', groups: ['tap'], pids: [], isUp: true, mtu: 1500, members: [] },
    { name: 'bridge0', groups: ['bridge'], pids: [], isUp: true, mtu: 1500, members: ['tap0'] },
  ],
  cards: [
    { name: 'ppt0', driver: 'ppt', domain: 0, address: { bus: 1, slot: 2, func: 3 }, headerType: 0 },
    {
      name: 'ppt1',
      driver: 'ppt',
      domain: 0,
      address: { bus: 2, slot: 0, func: 0 },
      vendor: 0x10de,
      device: 0x1234,
      subvendor: 0x5678,
      subdevice: 0x9abc,
      headerType: 0,
    },
  ],
  modules: ['vmm'],
  sysctls: { 'hw.physmem': '8589934592', 'hw.ncpu': '4', 'hw.vmm.maxcpu': '4', 'hw.vmm.iommu.initialized': '1' },
  vms: [],
  files: {
    '/disk': regular('a'),
    '/other': regular('b'),
    '/template': regular('c'),
    '/vars': regular('d'),
    '/dev/vmmctl': { kind: 'there', type: 'character device', identity: 'e', bytes: 0, denied: {} },
    '/shared': { ...folder, identity: 'shared' },
    '/': folder,
    '/run': folder,
  },
  sockets: { '/run/s': { kind: 'free' } },
  ports: { '127.0.0.1 5900': { kind: 'free' } },
  freeBytes: { '/run': 1_000_000 },
};

const needs: readonly Need[] = [
  { kind: 'interface', name: 'tap0', type: 'tap', bridge: 'bridge0' },
  { kind: 'host-card', card: { by: 'address', address: { bus: 1, slot: 2, func: 3 } } },
  { kind: 'host-card', card: { by: 'ids', vendor: '10de5678', device: '12349abc' } },
  { kind: 'module', name: 'vmm', why: 'a test' },
  { kind: 'memory', bytes: 2 ** 30, isWired: true },
  { kind: 'vcpus', count: 2, highestPin: 1 },
  { kind: 'virtualization', arch: 'amd64', isFirmware: true },
  { kind: 'iommu' },
  { kind: 'file', path: '/disk', types: ['regular file'], access: 'write', use: 'disk', sectorBytes: 512 },
  { kind: 'file', path: '/other', types: ['regular file'], access: 'read' },
  { kind: 'file', path: '/vars', types: ['regular file'], access: 'write', template: '/template' },
  { kind: 'file', path: '/shared', types: ['directory'], access: 'read' },
  { kind: 'free-socket', path: '/run/s' },
  { kind: 'tcp-port', host: '127.0.0.1', port: 5900, use: 'VNC' },
  { kind: 'space', path: '/run', bytes: 1000 },
  { kind: 'privilege', isMonitored: false },
];
const byName: Need = { kind: 'host-card', card: { by: 'name', name: 'ppt0' } };

/** What check finds, and what vmrun could put right by itself. */
async function verdict(facts: HostFacts, asked = needs): Promise<readonly string[]> {
  const view = recordedView(throughFile(facts));
  const { findings } = await checkHost(
    asked.map((need) => requirement(need)),
    { view },
  );
  const names = await nameProblems({ name: 'web', isLoadedByOthers: false }, view, undefined);
  return [
    ...findings.map(({ problem: { severity, code }, fix }) => `${severity} ${code}${fix === undefined ? '' : ', fix'}`),
    ...names.map(({ code }) => code),
  ];
}

const some =
  (...changes: readonly Change[]): Change =>
  (facts) => {
    for (const change of changes) change(facts);
  };
const sysctl =
  (name: string, value: string): Change =>
  (facts) =>
    (facts.sysctls = { ...facts.sysctls, [name]: value });
const inFile =
  (path: string, change: object): Change =>
  (facts) =>
    (facts.files = { ...facts.files, [path]: { ...facts.files[path], ...change } as FileFacts });
const file =
  (path: string, seen: FileFacts): Change =>
  (facts) =>
    (facts.files = { ...facts.files, [path]: seen });
const socket =
  (seen: HostFacts['sockets'][string]): Change =>
  (facts) =>
    (facts.sockets = { '/run/s': seen });
const port =
  (code: string): Change =>
  (facts) =>
    (facts.ports = { '127.0.0.1 5900': { kind: 'refused', error: { code, words: 'no' } } });
const inList =
  (list: 'interfaces' | 'cards', index: number, change: object): Change =>
  (facts) =>
    Object.assign(facts, {
      [list]: (facts[list] as readonly object[]).map((item, at) => (at === index ? { ...item, ...change } : item)),
    });
const card = (index: number, change: object): Change => inList('cards', index, change);
const user: Change = (facts) => (facts.uid = 1001);
const missing = { kind: 'missing', isFolderThere: true } as const;
const address = (change: object): Change => card(0, { address: { bus: 1, slot: 2, func: 3, ...change } });
const error = { error: 'no such tool' };

/** Of each fact: two hosts that differ in it alone. */
const judged: readonly (readonly [fact: string, change: Change, before?: Change, asked?: readonly Need[]])[] = [
  ['system', (facts) => (facts.system = 'linux'), sysctl('hw.physmem', '1024')],
  ['platform.release', (facts) => (facts.platform = { release: 14, arch: 'amd64' }), user],
  ['platform.arch', (facts) => (facts.platform = { release: 15, arch: 'arm64' })],
  ['uid', user, inFile('/dev/vmmctl', { denied: { write: EACCES } })],
  ['interfaces.error', (facts) => (facts.interfaces = error)],
  ['interfaces.name', inList('interfaces', 0, { name: 'tap1' })],
  ['interfaces.groups', inList('interfaces', 0, { groups: ['vlan'] })],
  ['interfaces.pids', inList('interfaces', 0, { pids: [812] })],
  ['interfaces.isUp', inList('interfaces', 0, { isUp: false }), sysctl('net.link.tap.up_on_open', '0')],
  ['interfaces.mtu', inList('interfaces', 0, { mtu: 1400 })],
  ['interfaces.members', inList('interfaces', 1, { members: [] })],
  ['cards.error', (facts) => (facts.cards = error)],
  ['cards.name', card(0, { name: 'ppt7' }), some(), [byName]],
  ['cards.driver', card(0, { driver: 'em' })],
  ['cards.domain', card(0, { domain: 1 })],
  ['cards.address.bus', address({ bus: 9 })],
  ['cards.address.slot', address({ slot: 9 })],
  ['cards.address.func', address({ func: 7 })],
  ['cards.vendor', card(1, { vendor: 1 })],
  ['cards.device', card(1, { device: 1 })],
  ['cards.subvendor', card(1, { subvendor: 1 })],
  ['cards.subdevice', card(1, { subdevice: 1 })],
  ['cards.headerType', card(0, { headerType: 1 })],
  ['modules', (facts) => (facts.modules = [])],
  ['modules.error', (facts) => (facts.modules = error)],
  ['sysctls.error', (facts) => (facts.sysctls = error)],
  ['hw.physmem', sysctl('hw.physmem', '1024')],
  ['hw.ncpu', sysctl('hw.ncpu', '1')],
  ['hw.vmm.maxcpu', sysctl('hw.vmm.maxcpu', '1')],
  [
    'hw.vmm.amdvi.enable',
    sysctl('hw.vmm.amdvi.enable', '0'),
    some(sysctl('hw.vmm.iommu.initialized', '0'), sysctl('hw.vmm.svm.features', '1')),
  ],
  ['hw.vmm.iommu.enable', sysctl('hw.vmm.iommu.enable', '0'), sysctl('hw.vmm.iommu.initialized', '0')],
  ['hw.vmm.iommu.initialized', sysctl('hw.vmm.iommu.initialized', '0')],
  ['hw.vmm.svm.features', sysctl('hw.vmm.svm.features', '1'), sysctl('hw.vmm.vmx.initialized', '0')],
  ['hw.vmm.vmx.cap.unrestricted_guest', sysctl('hw.vmm.vmx.cap.unrestricted_guest', '0')],
  ['hw.vmm.vmx.initialized', sysctl('hw.vmm.vmx.initialized', '0')],
  ['kern.securelevel', sysctl('kern.securelevel', '1'), (facts) => (facts.modules = [])],
  ['net.link.tap.up_on_open', sysctl('net.link.tap.up_on_open', '0'), inList('interfaces', 0, { isUp: false })],
  ['net.link.tap.user_open', sysctl('net.link.tap.user_open', '0'), user],
  ['security.jail.jailed', sysctl('security.jail.jailed', '1')],
  ['security.jail.vmm_allowed', sysctl('security.jail.vmm_allowed', '0'), sysctl('security.jail.jailed', '1')],
  ['vms', (facts) => (facts.vms = ['web'])],
  ['vms.error', (facts) => (facts.vms = error)],
  ['files', (facts) => (facts.files = {})],
  ['sockets', (facts) => (facts.sockets = {})],
  ['ports', (facts) => (facts.ports = {})],
  ['freeBytes', (facts) => (facts.freeBytes = { '/run': 1 })],
  ['there.kind', file('/disk', regular('a')), file('/disk', missing)],
  ['there.type', inFile('/disk', { type: 'directory' })],
  ['there.identity', inFile('/other', { identity: 'a' })],
  ['there.bytes', inFile('/disk', { bytes: 0 })],
  ['there.content', inFile('/disk', { content: 'qcow2' })],
  ['there.denied.read', inFile('/other', { denied: { read: EACCES } })],
  ['there.denied.write', inFile('/disk', { denied: { write: EACCES } })],
  ['there.denied.search', inFile('/shared', { denied: { search: EACCES } })],
  ['missing.kind', file('/disk', missing)],
  ['missing.linkTo', file('/vars', { ...missing, linkTo: '/nowhere' }), file('/vars', missing)],
  ['missing.isFolderThere', file('/vars', { kind: 'missing', isFolderThere: false }), file('/vars', missing)],
  ['hidden.kind', file('/disk', { kind: 'hidden', error: EACCES })],
  ['free.kind', socket({ kind: 'free' }), socket({ kind: 'listening' })],
  ['listening.kind', socket({ kind: 'listening' })],
  ['not-a-socket.kind', socket({ kind: 'not-a-socket' })],
  ['stale.kind', socket({ kind: 'stale', device: '1', inode: '2' })],
  ['unclear.kind', socket({ kind: 'unclear', why: 'no' })],
  ['refused.kind', port('EADDRINUSE')],
  ['error.code', port('EADDRINUSE'), port('EACCES')],
];

/** There for people, or for what a fix does; each with the reason. */
const forPeople: Readonly<Record<string, string>> = {
  $schema: 'is for editors',
  version: 'says how to read the others',
  taken: 'is shown, so that people know how old the facts are',
  'interfaces.description': 'says whose a tap is that vmrun made, for those who remove it',
  'hidden.error': 'is quoted: that nobody knows is the verdict',
  'refused.error': 'is judged by its code',
  'stale.device': 'the fix removes this very file and no other',
  'stale.inode': 'the fix removes this very file and no other',
  'unclear.why': 'is quoted: that nobody knows is the verdict',
  'error.words': 'are quoted',
};

/** Every property that a file of facts may have; a system error is one, and its parts are told once. */
function factsIn(schema: JsonSchema, path: string): readonly string[] {
  const properties = { ...schema.items?.properties, ...schema.properties };
  const names = Object.keys(properties);
  if (names.includes('words')) return [path];
  const isList = Array.isArray(schema.type);
  const own = names.length === 0 || (isList && names.every((name) => name === 'error')) ? [path] : [];
  return [...own, ...names.flatMap((name) => factsIn(properties[name] ?? {}, path === '' ? name : `${path}.${name}`))];
}

const all = [
  ...factsIn({ ...factsSchema, $defs: undefined } as JsonSchema, ''),
  ...sysctlNames,
  ...Object.entries(factsSchema.$defs).flatMap(([name, schema]) => ('oneOf' in schema ? [] : factsIn(schema, name))),
  'error.code',
  'error.words',
];

describe('every fact that is captured of a host', () => {
  test('is judged by check, or has a reason to be there', () => {
    const known = [...judged.map(([fact]) => fact), ...Object.keys(forPeople)];
    expect([...all].filter((fact) => !known.includes(fact))).toEqual([]);
    expect(known.filter((fact) => !all.includes(fact))).toEqual([]);
  });

  test('can be such that the host is ready', async () => {
    expect(await verdict(ready)).toEqual([]);
  });

  test.each(judged.map(([fact, ...hosts]) => [fact, hosts] as const))(
    'changes the verdict by itself: %s',
    async (_fact, [change, before, asked]) => {
      const one: Facts = structuredClone(ready);
      before?.(one);
      const other = structuredClone(one);
      change(other);
      const [first, second] = [await verdict(one, asked), await verdict(other, asked)];
      expect(second).not.toEqual(first);
    },
  );
});
