import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkHost } from '../../../src/host/check.js';
import { parseIfconfig } from '../../../src/host/probes/interfaces.js';
import { fixture, makeFakeHost, requirement, sentences, tap, type FakeHost } from '../fake-host.js';

describe('what ifconfig prints', () => {
  test('gives each interface with its groups and the processes that have it open', () => {
    expect([...(parseIfconfig(fixture('ifconfig.txt')) ?? []).values()]).toEqual([
      { name: 'em0', groups: [], pids: [] },
      { name: 'lo0', groups: ['lo'], pids: [] },
      { name: 'bridge0', groups: ['bridge'], pids: [] },
      { name: 'tap0', groups: ['tap', 'vm-port'], pids: [812] },
      { name: 'vm0', groups: ['tap'], pids: [] },
      { name: 'em0.100', groups: ['vlan'], pids: [] },
    ]);
  });

  test.each<[what: string, text: string, names: readonly string[] | undefined]>([
    ['nothing is a host without interfaces', '', []],
    ['words that begin no interface are not understood', 'Segmentation fault\n', undefined],
    [
      'noise between interfaces is passed over',
      'tap0: flags=1<UP>\nnoise\n\tOpened by PID 3\ntap1: flags=1<UP>\n',
      ['tap0', 'tap1'],
    ],
  ])('%s', (_what, text, names) => {
    const interfaces = parseIfconfig(text);
    expect(interfaces === undefined ? undefined : [...interfaces.keys()]).toEqual(names);
  });
});

describe('an interface', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = makeFakeHost();
    host.addInterface('tap0');
    host.addInterface('tap3', { pid: 812 });
    host.addInterface('vm0');
    host.addInterface('vmnet0', { groups: 'vmnet' });
    host.addInterface('bridge0', { groups: 'bridge' });
    host.addInterface('em0', { groups: 'egress' });
  });
  afterEach(() => {
    host.remove();
  });

  test.each<[what: string, name: string, said: readonly string[], fix: string | undefined]>([
    ['a tap that nobody has open is ready', 'tap0', [], undefined],
    ['a tap with a name of its own is found by its group', 'vm0', [], undefined],
    ['a vmnet interface is ready too', 'vmnet0', [], undefined],
    [
      'a tap in use is told with the process that has it',
      'tap3',
      ['interface-in-use: tap3 is open in process 812'],
      'stop that process, or use another tap',
    ],
    [
      'a missing tapN is made as that unit',
      'tap7',
      ['interface-missing: there is no interface tap7'],
      'ifconfig tap7 create',
    ],
    [
      'a missing tap of another name is made and named',
      'vm1',
      ['interface-missing: there is no interface vm1'],
      'ifconfig tap create name vm1',
    ],
    [
      'a name that only looks like a unit is given as a name',
      'tap07',
      ['interface-missing: there is no interface tap07'],
      'ifconfig tap create name tap07',
    ],
    [
      'a bridge is no tap',
      'bridge0',
      ['interface-kind: bridge0 is a bridge, bhyve opens a tap'],
      'name a tap here, and put it into the bridge: ifconfig bridge0 addm tap0 up',
    ],
    [
      'a network card is no tap',
      'em0',
      ['interface-kind: em0 is no tap (groups: egress)'],
      'name a tap here; a bridge(4) connects it with em0',
    ],
  ])('%s', async (_what, name, said, fix) => {
    const { findings } = await checkHost([tap(name)], host);
    expect(sentences(findings)).toEqual(said);
    expect(findings[0]?.problem.fix).toBe(fix);
  });

  test('that is missing is made as the kind that the device asks for', async () => {
    const { findings } = await checkHost([requirement({ kind: 'interface', name: 'net-a', type: 'vmnet' })], host);
    expect(findings[0]?.fix).toMatchObject({
      action: { kind: 'run', argv: ['ifconfig', 'vmnet', 'create', 'name', 'net-a'] },
      undo: { kind: 'destroy-interface', name: 'net-a' },
    });
  });

  test('that two devices name is told at the second', async () => {
    const { findings } = await checkHost(
      [tap('tap9', { subject: 'the first' }), tap('tap9', { subject: 'the second' })],
      host,
    );
    expect(sentences(findings)).toEqual([
      'interface-missing: there is no interface tap9',
      'interface-twice: tap9 is already the interface of the first',
    ]);
    expect(findings[1]?.problem.subject).toBe('the second');
  });

  test('that two devices name is told even where ifconfig is broken', async () => {
    host.breakTool('ifconfig', 'ifconfig: socket: Operation not permitted\n', 1);
    const { findings } = await checkHost([tap('tap0', { subject: 'the first' }), tap('tap0')], host);
    expect(sentences(findings)).toEqual([
      'host-tool: ifconfig ended with exit status 1: ifconfig: socket: Operation not permitted; not checked: tap0',
      'interface-twice: tap0 is already the interface of the first',
    ]);
  });
});
