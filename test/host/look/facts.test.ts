import { once } from 'node:events';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FileType, HostCard, Need } from '../../../src/devices/device.js';
import { checkHost, isReady } from '../../../src/host/look/check.js';
import { asksOf, captureFacts, recordedView, type HostAsks, type HostFacts } from '../../../src/host/look/facts.js';
import { liveView } from '../../../src/host/look/live-view.js';
import { runTool, type RunTool } from '../../../src/host/process/tools.js';
import { throughFile } from '../both-views.js';
import { fixture, makeFakeHost, requirement, sentences, tap, type FakeHost } from '../fake-host.js';
import { runs } from '../../support/runs.js';

const moment = new Date('2026-01-31T12:00:00Z');
const nothing: HostAsks = { paths: [], sockets: [], ports: [] };

const disk = (path: string) => requirement({ kind: 'file', path, types: ['regular file'], access: 'write' });
const socket = (path: string) => requirement({ kind: 'free-socket', path });
const port = (host: string, number: number) => requirement({ kind: 'tcp-port', host, port: number, use: 'VNC' });
const card = requirement({ kind: 'host-card', card: { by: 'name', name: 'ppt0' } });
const vmm = requirement({ kind: 'module', name: 'vmm', why: 'a test' });

test('what machines will ask is what their requirements name, each once', () => {
  const requirements = [
    ...[disk('/a'), disk('/b'), disk('/a'), socket('/s'), socket('/s')],
    ...[port('', 5900), port('127.0.0.1', 5900), port('::1', 5900), tap('tap0'), card, vmm],
  ];
  expect(asksOf(requirements)).toEqual({
    paths: ['/a', '/b'],
    sockets: ['/s'],
    ports: [
      { host: '127.0.0.1', port: 5900 },
      { host: '::1', port: 5900 },
    ],
  });
});

test('a file that may be copied from a template is asked for with both and its folder, the right to make VMs by vmmctl', () => {
  const template = '/fw/VARS.fd';
  const varfile = requirement({ kind: 'file', path: '/vm/a.fd', types: ['regular file'], access: 'write', template });
  const privilege = requirement({ kind: 'privilege', isMonitored: false });
  expect(asksOf([varfile, privilege])).toEqual({
    ...nothing,
    paths: ['/vm/a.fd', template, '/vm', '/dev/vmmctl'],
  });
});

describe('capturing a host', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = makeFakeHost();
  });
  afterEach(() => {
    host.remove();
  });

  test('keeps all that a view can say, and it comes back from a file as it was', async () => {
    host.addInterface('tap0', { pid: 812 });
    host.setCards('none0@pci0:1:0:1:\thdr=0x80 vendor=0x10de\n');
    host.setSysctls('hw.physmem: 1024\n');
    writeFileSync(join(host.folder, 'disk.img'), 'bytes');
    const [image, place] = [join(host.folder, 'disk.img'), join(host.folder, 'no/a.sock')];
    const facts = await captureFacts(
      liveView(host),
      { paths: [image, '/nowhere'], sockets: [place], ports: [{ host: '192.0.2.1', port: 5900 }] },
      moment,
    );
    expect(facts).toEqual({
      version: 1,
      taken: '2026-01-31T12:00:00.000Z',
      system: 'freebsd',
      platform: { release: 15, arch: 'amd64' },
      ...(process.getuid === undefined ? {} : { uid: process.getuid() }),
      interfaces: [{ name: 'tap0', groups: ['tap'], pids: [812], isUp: false, mtu: 1500, members: [] }],
      cards: [{ name: 'none0', domain: 0, address: { bus: 1, slot: 0, func: 1 }, vendor: 0x10de, headerType: 0 }],
      modules: expect.arrayContaining(['kernel', 'vmm', 'nmdm']),
      sysctls: { 'hw.physmem': '1024' },
      vms: [],
      files: {
        [image]: {
          kind: 'there',
          type: 'regular file',
          identity: expect.any(String),
          bytes: 5,
          content: 'unknown',
          denied: {},
        },
        '/nowhere': { kind: 'missing', isFolderThere: true },
        [join(host.folder, 'no')]: { kind: 'missing', isFolderThere: true },
      },
      sockets: { [place]: { kind: 'free' } },
      ports: { '192.0.2.1 5900': { kind: 'refused', error: { code: 'EADDRNOTAVAIL', words: expect.any(String) } } },
      freeBytes: { [image]: expect.any(Number), '/nowhere': expect.any(Number) },
    });
    expect(throughFile(facts)).toEqual(facts);
  });

  test('starts one process a kind, also for nothing in particular', async () => {
    await captureFacts(liveView(host), nothing);
    expect(
      host
        .calls()
        .map((call) => call.split(' ')[0])
        .sort(),
    ).toEqual(['ifconfig', 'kldstat', 'pciconf', 'sysctl']);
  });

  test('keeps why a tool gave no answer', async () => {
    host.breakTool('pciconf', 'pciconf: /dev/pci: Operation not permitted\n', 1);
    const run: RunTool = (argv) => (argv[0] === 'kldstat' ? runTool(argv, { env: { PATH: '/' } }) : host.run(argv));
    const facts = throughFile(await captureFacts(liveView({ ...host, run }), nothing));
    expect(facts.cards).toEqual({
      error: 'pciconf -l ended with exit status 1: pciconf: /dev/pci: Operation not permitted',
    });
    expect(facts.modules).toEqual({ error: 'kldstat -v could not be run, it was not found' });
    const { findings } = await checkHost([card, vmm], { view: recordedView(facts) });
    expect(findings.map(({ problem }) => problem.code)).toEqual(['host-tool', 'host-tool']);
  });

  test('of a system that is no FreeBSD is possible as well', async () => {
    const facts = throughFile(
      await captureFacts(liveView({ run: (argv) => runTool(argv, { env: { PATH: '/' } }) }), nothing),
    );
    expect(facts.interfaces).toEqual({ error: 'ifconfig could not be run, it was not found' });
    expect(recordedView(facts)).toMatchObject({ system: process.platform, uid: process.getuid?.() });
  });

  test('that was captured gives the same facts', async () => {
    const asks = { paths: ['/', '/dev/null'], sockets: [join(host.folder, 'a')], ports: [] };
    const facts = await captureFacts(liveView(host), asks, moment);
    const more = {
      paths: [...asks.paths, '/other'],
      sockets: [...asks.sockets, '/s'],
      ports: [{ host: '::', port: 1 }],
    };
    expect(await captureFacts(recordedView(facts), more, moment)).toEqual(facts);
  });

  test('knows files called like nothing else', async () => {
    const paths = ['__proto__', 'constructor', 'x-mine', '', 'a\nb', '...', '"'];
    const facts = throughFile(await captureFacts(liveView(host), { ...nothing, paths }));
    expect(Object.keys(facts.files).sort()).toEqual([...paths].sort());
    const view = recordedView(facts);
    for (const path of paths) expect(await view.file(path)).toEqual(await liveView(host).file(path));
    expect(await view.file('toString')).toEqual({ kind: 'not-captured' });
  });
});

describe('what was not captured is told as that', () => {
  const captured = { code: 'ENOENT', words: 'no such file or directory' };
  const facts: HostFacts = {
    version: 1,
    ...{ taken: moment.toISOString(), system: 'freebsd', platform: {} },
    ...{ interfaces: [], cards: [], modules: [], sysctls: {}, vms: [], ports: {}, freeBytes: {} },
    files: { '/run': { kind: 'there', type: 'directory', identity: '1:2', bytes: 0, denied: { write: captured } } },
    sockets: { '/other/a.sock': { kind: 'free' } },
  };

  test.each<[need: Need, told: readonly string[]]>([
    [
      { kind: 'file', path: '/vm/disk.img', types: ['regular file'], access: 'write' },
      ['warning not-captured: the captured host says nothing about /vm/disk.img'],
    ],
    [
      { kind: 'free-socket', path: '/other/a.sock' },
      ['warning not-captured: the captured host says nothing about /other/a.sock'],
    ],
    [
      { kind: 'free-socket', path: '/run/a.sock' },
      [
        'warning not-captured: the captured host says nothing about /run/a.sock',
        'error socket-folder: no socket can be made in /run: no such file or directory (ENOENT)',
      ],
    ],
    [
      { kind: 'tcp-port', host: '', port: 5900, use: 'VNC' },
      ['warning not-captured: the captured host says nothing about TCP port 127.0.0.1:5900'],
    ],
    [
      { kind: 'tcp-port', host: '::1', port: 5900, use: 'VNC' },
      ['warning not-captured: the captured host says nothing about TCP port [::1]:5900'],
    ],
  ])('%j', async (need, told) => {
    const { findings } = await checkHost([requirement(need)], { view: recordedView(facts) });
    expect(findings.map(({ problem: { severity, code, message } }) => `${severity} ${code}: ${message}`)).toEqual(told);
    expect(findings[0]?.problem.fix).toBe('capture it with: vmrun facts -c SPEC');
  });

  test('and does not make a host unfit', async () => {
    expect(isReady(await checkHost([disk('/a'), port('', 1)], { view: recordedView(facts) }))).toBe(true);
  });

  test('while an interface that is not listed is not there', async () => {
    const { findings } = await checkHost([tap('tap0')], { view: recordedView(facts) });
    expect(sentences(findings)).toEqual(['interface-missing: there is no interface tap0']);
  });

  test('nor is there a word about free bytes', async () => {
    expect(await recordedView(facts).freeBytes('/vm')).toBeUndefined();
  });
});

describe('a captured host is judged as the live one', () => {
  let host: FakeHost;
  let server: Server;
  const places = ['disk.img', 'link.img', 'folder', 'dangling', 'loop', 'disk.img/x', 'none', 'no/none', 'dead.sock'];

  beforeAll(async () => {
    host = makeFakeHost();
    const at = (name: string): string => join(host.folder, name);
    writeFileSync(at('disk.img'), '');
    mkdirSync(at('folder'));
    for (const [target, name] of [
      ['disk.img', 'link.img'],
      ['nowhere', 'dangling'],
      ['loop', 'loop'],
      ['folder', 'linked'],
    ] as const) {
      symlinkSync(target, at(name));
    }
    const dying = createServer().listen({ path: at('new.sock') });
    await once(dying, 'listening');
    renameSync(at('new.sock'), at('dead.sock'));
    dying.close();
    await once(dying, 'close');
    server = createServer((connection) => connection.destroy()).listen({ path: at('live.sock') });
    await once(server, 'listening');
  });
  afterAll(() => {
    server.close();
    host.remove();
  });

  const names = ['tap0', 'tap1', 'vm0', 'bridge0', 'em0'];
  const networkInterface = fc
    .record({
      name: fc.constantFrom(...names),
      groups: fc.subarray(['tap', 'vmnet', 'bridge', 'egress']),
      pids: fc.array(fc.nat(99_999), { maxLength: 2 }),
      more: fc.subarray(['\tdescription: a: b\n', '\tmember: tap1 flags=143<LEARNING>\n', '\tstatus: active\n']),
    })
    .map(
      ({ name, groups, pids, more }) =>
        `${name}: flags=8843<UP,BROADCAST> metric 0 mtu 1500\n${more.join('')}` +
        (groups.length === 0 ? '' : `\tgroups: ${groups.join(' ')}\n`) +
        pids.map((pid) => `\tOpened by PID ${pid}\n`).join(''),
    );
  const linesOf = (...texts: string[]) =>
    fc.subarray(texts.flatMap((text) => text.split(/^(?=\S)/m))).map((lines) => lines.join(''));
  const result = (text: fc.Arbitrary<string>) =>
    fc.oneof(
      { weight: 6, arbitrary: text.map((stdout) => ({ exitCode: 0, stdout })) },
      fc.string({ unit: 'grapheme' }).map((stdout) => ({ exitCode: 0, stdout })),
      fc.record({ exitCode: fc.constantFrom(1, 127), stdout: fc.string() }),
      fc.constantFrom('ENOENT', 'timeout', 'SIGKILL').map((failure) => ({ exitCode: undefined, stdout: '', failure })),
    );
  const tools = fc.record({
    ifconfig: result(fc.array(networkInterface).map((texts) => texts.join(''))),
    pciconf: result(linesOf(fixture('pciconf.txt'), fixture('pciconf-odd.txt'), fixture('pciconf-12.txt'))),
    kldstat: result(linesOf(fixture('kldstat.txt'))),
    sysctl: result(linesOf(fixture('sysctl.txt'))),
  });
  const cards: readonly HostCard[] = [
    { by: 'name', name: 'ppt0' },
    { by: 'name', name: 'none0' },
    { by: 'address', address: { bus: 3, slot: 0, func: 0 } },
    { by: 'address', address: { bus: 0, slot: 1, func: 0 } },
    { by: 'ids', vendor: '80868086', device: '15210001' },
    { by: 'ids', vendor: '144d144d', device: 'a808a801' },
  ];
  const types: readonly (readonly FileType[])[] = [
    ['regular file', 'block device', 'character device'],
    ['directory'],
    ['socket'],
  ];
  const needs: fc.Arbitrary<Need> = fc.oneof(
    fc.record({
      kind: fc.constant('interface'),
      name: fc.constantFrom(...names),
      type: fc.constant('tap'),
      ...{ bridge: fc.constantFrom(...names), mtu: fc.constantFrom(1500, 9000) },
    }),
    fc.record({ kind: fc.constant('interface'), name: fc.constantFrom(...names), type: fc.constant('tap') }),
    fc.record({ kind: fc.constant('host-card'), card: fc.constantFrom(...cards) }),
    fc.record({
      kind: fc.constant('module'),
      name: fc.constantFrom('vmm', 'nmdm', 'if_tap', 'cuse'),
      why: fc.constant('a test'),
    }),
    fc.record({
      kind: fc.constant('file'),
      path: fc.constantFrom(...places),
      types: fc.constantFrom(...types),
      access: fc.constantFrom('read', 'write'),
    }),
    fc.record({
      kind: fc.constant('free-socket'),
      path: fc.constantFrom(...places, 'live.sock', 'folder/a.sock', 'linked/a.sock'),
    }),
    fc.record({
      kind: fc.constant('tcp-port'),
      host: fc.constantFrom('', '127.0.0.1', '0.0.0.0', '192.0.2.1'),
      port: fc.constantFrom(9871, 9872),
      use: fc.constant('VNC'),
    }),
    fc.record({ kind: fc.constant('memory'), bytes: fc.constantFrom(2 ** 30, 2 ** 40), isWired: fc.boolean() }),
    fc.record({ kind: fc.constant('vcpus'), count: fc.constantFrom(1, 99) }),
    fc.record({ kind: fc.constant('iommu') }),
    fc.record({ kind: fc.constant('privilege'), isMonitored: fc.boolean() }),
  );

  test('whatever the tools print and the machines ask', async () => {
    await fc.assert(
      fc.asyncProperty(tools, fc.array(needs, { maxLength: 12 }), async (printed, asked) => {
        const run: RunTool = (argv) => {
          const { stdout = '', ...end } = new Map(Object.entries(printed)).get(argv[0] ?? '') ?? { exitCode: 1 };
          return Promise.resolve({ argv, stdout, stderr: '', ...end });
        };
        const options = { ...host, run };
        const requirements = asked.map((need) =>
          requirement('path' in need ? { ...need, path: join(host.folder, need.path) } : need),
        );
        const live = await checkHost(requirements, { view: liveView(options) });
        const facts = throughFile(await captureFacts(liveView(options), asksOf(requirements)));
        expect(await checkHost(requirements, { view: recordedView(facts) })).toEqual(live);
        // More than was asked changes nothing.
        const whole = throughFile(
          await captureFacts(liveView(options), asksOf([...requirements, disk('/'), socket('/s'), port('', 9873)])),
        );
        expect(await checkHost(requirements, { view: recordedView(whole) })).toEqual(live);
      }),
      { numRuns: runs(150) },
    );
  });
});
