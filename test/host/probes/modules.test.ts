import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkHost, fixesOf } from '../../../src/host/check.js';
import { liveView } from '../../../src/host/live-view.js';
import { parseKldstat } from '../../../src/host/probes/kldstat.js';
import { checkBoth } from '../both-views.js';
import { fixture, makeFakeHost, requirement, sentences, type FakeHost } from '../fake-host.js';

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

  test.each(['', 'what?\n', 'Id Refs Address Size Name\n'])('no kernel in %j is no answer', (text) => {
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
    expect(host.calls()).toEqual(['kldstat -v']);
  });

  test('is not said to be missing where kldstat prints something else', async () => {
    host.breakTool('kldstat', 'what?\n', 0);
    const { findings } = await checkBoth([needs('vmm')], host);
    expect(sentences(findings)).toEqual([
      'host-tool: kldstat -v printed no list of modules: "what?\\n"; not checked: kernel module vmm',
    ]);
  });
});
