import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkHost, fixesOf } from '../../../../src/host/look/check.js';
import { liveView } from '../../../../src/host/look/live-view.js';
import { parseKldstat } from '../../../../src/host/look/probes/kldstat.js';
import { checkBoth } from '../../both-views.js';
import { fixture, makeFakeHost, requirement, sentences, type FakeHost } from '../../fake-host.js';

const needs = (name: string) => requirement({ kind: 'module', name, why: 'a test' });

describe('what kldstat prints', () => {
  test.each<[what: string, text: string, names: readonly string[] | undefined]>([
    ['files and their modules are listed', fixture('kldstat.txt'), undefined],
    [
      'a kernel of 32 bits has shorter addresses',
      'Id Refs Address    Size     Name\n 1   13 0xc0400000 9fab28   kernel (/boot/kernel/kernel)\n\t\t 7 nmdm\n',
      ['kernel', 'nmdm'],
    ],
    ['a file may have no path', ' 2 1 0xffffffff82010000 3c2b70 vmm.ko\n', ['vmm']],
  ])('%s', (_what, text, names) => {
    const modules = parseKldstat(text);
    if (names === undefined) for (const name of ['kernel', 'vmm', 'nmdm', 'pci/ppt']) expect(modules).toContain(name);
    else expect([...(modules ?? [])]).toEqual(names);
  });

  test.each(['', 'what?\n', 'Id Refs Address Size Name\n'])('no kernel in %j is not an answer', (text) => {
    expect(parseKldstat(text)).toBeUndefined();
  });
});

describe('a kernel module', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = makeFakeHost();
  });
  afterEach(() => {
    host.remove();
  });

  test.each<[what: string, name: string, said: readonly string[]]>([
    ['that is compiled into the kernel is there', 'nmdm', []],
    ['that is loaded from a file is there', 'vmm', []],
    ['that another took the place of is there', 'if_tap', []],
    ['that took the place of another is there by its own name', 'if_tuntap', []],
    [
      'that is not loaded is told',
      'ng_socket',
      ['module-missing: kernel module ng_socket is not loaded: needed for a test'],
    ],
    [
      'is not told from one whose name it begins',
      'vm',
      ['module-missing: kernel module vm is not loaded: needed for a test'],
    ],
  ])('%s', async (_what, name, said) => {
    const { findings } = await checkBoth([needs(name)], host);
    expect(sentences(findings)).toEqual(said);
  });

  test('that several devices miss is told at each and loaded once; all are seen in one look', async () => {
    const { findings } = await checkHost([needs('ng_socket'), needs('cuse'), needs('ng_socket'), needs('vmm')], {
      view: liveView(host),
    });
    expect(findings).toHaveLength(3);
    expect(fixesOf(findings).map(({ action }) => action)).toEqual([
      { kind: 'run', argv: ['kldload', '-n', 'ng_socket'] },
      { kind: 'run', argv: ['kldload', '-n', 'cuse'] },
    ]);
    expect(host.calls()).toEqual(['kldstat -v', expect.stringMatching(/^sysctl -i /)]);
  });

  test('that is there needs no second look', async () => {
    await checkHost([needs('vmm')], { view: liveView(host) });
    expect(host.calls()).toEqual(['kldstat -v']);
  });

  test.each<[module: string, said: number]>([
    ['if_tap', 0],
    ['if_tun', 1],
  ])('for taps was another in old releases: %s', async (module, said) => {
    host.setModules(
      `Id Refs Address Size Name\n 1 1 0xc0400000 9fab28 kernel (/boot/kernel/kernel)\n\t\t 7 ${module}\n`,
    );
    expect((await checkBoth([needs('if_tuntap')], host)).findings).toHaveLength(said);
  });

  test('cannot be loaded above securelevel 0', async () => {
    host.setSysctls('kern.securelevel: 1\n');
    const { findings } = await checkBoth([needs('ng_socket')], host);
    expect(sentences(findings)).toEqual([
      'module-missing: kernel module ng_socket is not loaded: needed for a test; ' +
        'kern.securelevel is above 0, so it cannot be loaded now',
    ]);
    expect(findings[0]?.problem.fix).toBe('put ng_socket_load="YES" into /boot/loader.conf and reboot the host');
    expect(fixesOf(findings)).toEqual([]);
  });

  test('is fixed as ever where nobody knows the securelevel', async () => {
    host.breakTool('sysctl', '', 1);
    expect(fixesOf((await checkBoth([needs('ng_socket')], host)).findings)).toHaveLength(1);
  });

  test('is not said to be missing where kldstat prints something else', async () => {
    host.breakTool('kldstat', 'what?\n', 0);
    const { findings } = await checkBoth([needs('vmm')], host);
    expect(sentences(findings)).toEqual([
      'host-tool: kldstat -v printed no list of modules: "what?\\n"; not checked: kernel module vmm',
    ]);
  });
});
