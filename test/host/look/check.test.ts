import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkHost, fixesOf, isReady } from '../../../src/host/look/check.js';
import { commandOf } from '../../../src/host/look/findings.js';
import { sysctlNames } from '../../../src/host/look/probes/sysctl.js';
import { liveView } from '../../../src/host/look/live-view.js';
import { parseIfconfig } from '../../../src/host/look/probes/ifconfig.js';
import { parseKldstat } from '../../../src/host/look/probes/kldstat.js';
import { parsePciconf } from '../../../src/host/look/probes/pciconf.js';
import { parseSysctl } from '../../../src/host/look/probes/sysctl.js';
import { runTool } from '../../../src/host/process/tools.js';
import { checkBoth } from '../both-views.js';
import { makeFakeHost, requirement, sentences, tap, type FakeHost } from '../fake-host.js';

let host: FakeHost;
beforeEach(() => {
  host = makeFakeHost();
});
afterEach(() => {
  host.remove();
});

const vmm = requirement({ kind: 'module', name: 'vmm', why: 'every VM' }, { subject: 'the VM' });
const card = requirement({ kind: 'host-card', card: { by: 'name', name: 'ppt0' } }, { subject: 'passthru' });
const missingDisk = () =>
  requirement(
    { kind: 'file', path: join(host.folder, 'disk.img'), types: ['regular file'], access: 'write' },
    { subject: 'virtio-blk', place: { file: 'vm.json', line: 4, column: 9, pointer: '/emulations/0/path' } },
  );

describe('checking a host', () => {
  test('finds nothing on a host that has everything, and changes nothing', async () => {
    host.addInterface('tap0');
    writeFileSync(join(host.folder, 'disk.img'), '');
    const report = await checkHost([vmm, tap('tap0'), card, missingDisk()], { view: liveView(host) });
    expect(report.findings).toEqual([]);
    expect(isReady(report)).toBe(true);
    expect([...report.cards]).toEqual([[card, { bus: 3, slot: 0, func: 2 }]]);
    expect([...host.calls()].sort()).toEqual([
      'ifconfig',
      'kldstat -v',
      'pciconf -l',
      `sysctl -i ${sysctlNames.join(' ')}`,
    ]);
  });

  test('runs no tool that no requirement needs', async () => {
    await checkHost([missingDisk()], { view: liveView(host) });
    await checkHost([], { view: liveView(host) });
    expect(host.calls()).toEqual([]);
  });

  test('starts no more processes for 32 taps than for one', async () => {
    await checkHost([tap('tap0'), card, vmm], { view: liveView(host) });
    const forOne = host.calls().length;
    await checkHost([...Array.from({ length: 32 }, (_, index) => tap(`tap${index}`)), card, vmm], {
      view: liveView(host),
    });
    expect(host.calls().length - forOne).toBe(forOne);
  });

  test('says everything at once, in the order of the requirements, each with its subject and place', async () => {
    const nmdm = requirement({ kind: 'module', name: 'cuse', why: 'a sound device' }, { subject: 'hda' });
    const report = await checkBoth([missingDisk(), tap('tap1', { mayFix: true }), nmdm], host);
    expect(isReady(report)).toBe(false);
    expect(report.findings.map(({ problem }) => [problem.subject, problem.code])).toEqual([
      ['virtio-blk', 'file-missing'],
      ['virtio-net tap1', 'interface-missing'],
      ['hda', 'module-missing'],
    ]);
    expect(report.findings[0]?.problem.place?.line).toBe(4);
    expect(report.findings.map(({ mayFix }) => mayFix)).toEqual([false, true, false]);
  });

  test('lists each fix once, modules before what may need them', async () => {
    const cuse = () => requirement({ kind: 'module', name: 'cuse', why: 'a sound device' });
    const { findings } = await checkBoth([tap('tap1'), cuse(), cuse()], host);
    expect(fixesOf(findings).map(({ action }) => commandOf(action))).toEqual([
      'kldload -n cuse',
      'ifconfig tap1 create',
    ]);
  });

  test('is ready where there are only warnings', () => {
    const problem = { code: 'file-twice', severity: 'warning' as const, message: 'a warning' };
    expect(isReady({ findings: [{ problem, mayFix: false }], cards: new Map() })).toBe(true);
  });
});

describe('a tool', () => {
  test('that is missing is a finding of its own and hides nothing else', async () => {
    const run: FakeHost['run'] = (argv) => runTool(argv, { env: { PATH: host.folder } });
    const taps = ['tap0', 'tap1', 'tap2', 'tap3', 'tap4'].map((name) => tap(name));
    const { findings } = await checkBoth([...taps, card, vmm, missingDisk()], { run });
    expect(sentences(findings)).toEqual([
      'host-tool: ifconfig could not be run, it was not found; not checked: tap0, tap1, tap2 and 2 more',
      'host-tool: pciconf -l could not be run, it was not found; not checked: ppt0',
      'host-tool: kldstat -v could not be run, it was not found; not checked: kernel module vmm',
      `file-missing: ${join(host.folder, 'disk.img')} does not exist`,
    ]);
  });

  test.each<[what: string, status: number, prints: string, sentence: string]>([
    [
      'that fails is told with its status and its words',
      2,
      'no such\nluck\n',
      'pciconf -l ended with exit status 2: no such luck',
    ],
    [
      'that prints something else is told with what it printed',
      0,
      'hello\n',
      'pciconf -l printed no list of PCI cards: "hello\\n"',
    ],
  ])('%s', async (_what, status, prints, sentence) => {
    host.breakTool('pciconf', prints, status);
    const { findings, cards } = await checkBoth([card, tap('tap1')], host);
    expect(sentences(findings)).toEqual([
      `host-tool: ${sentence}; not checked: ppt0`,
      'interface-missing: there is no interface tap1',
    ]);
    expect(cards.size).toBe(0);
  });

  test.each<[failure: string, sentence: string]>([
    ['timeout', 'kldstat -v did not end in time'],
    ['SIGKILL', 'kldstat -v was ended by SIGKILL'],
    ['EACCES', 'kldstat -v could not be run (EACCES)'],
  ])('that ends without a status is told: %s', async (failure, sentence) => {
    const run: FakeHost['run'] = (argv) =>
      Promise.resolve({ argv, exitCode: undefined, stdout: '', stderr: '', failure });
    const { findings } = await checkBoth([vmm], { run });
    expect(sentences(findings)).toEqual([`host-tool: ${sentence}; not checked: kernel module vmm`]);
  });

  test('may print anything without harm', () => {
    const word = fc.constantFrom(
      'tap0: flags=',
      '\n',
      '\t',
      'groups: ',
      'Opened by PID ',
      'none0@pci0:0:0:',
      '0x',
      '=',
      ' 1 2 ',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string({ unit: 'grapheme' }))), (words) => {
        for (const parse of [parseIfconfig, parsePciconf, parseKldstat, parseSysctl]) parse(words.join(''));
      }),
    );
  });
});
