import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseIfconfig, type NetworkInterface } from '../../../../src/host/look/probes/ifconfig.js';
import { checkBoth } from '../../both-views.js';
import { fixture, makeFakeHost, requirement, sentences, tap, type FakeHost } from '../../fake-host.js';

const shownAs = (name: string, more: Partial<NetworkInterface> = {}): NetworkInterface => ({
  ...{ name, groups: [], pids: [], isUp: true, mtu: 1500, members: [] },
  ...more,
});

describe('what ifconfig prints', () => {
  test('gives each interface with its groups, the processes that have it open, and the members of bridges', () => {
    expect([...(parseIfconfig(fixture('ifconfig.txt')) ?? []).values()]).toEqual([
      shownAs('em0'),
      shownAs('lo0', { groups: ['lo'], mtu: 16384 }),
      shownAs('bridge0', { groups: ['bridge'], members: ['tap0', 'em0'] }),
      shownAs('tap0', { groups: ['tap', 'vm-port'], pids: [812], description: 'web' }),
      shownAs('vm0', { groups: ['tap'], isUp: false }),
      shownAs('em0.100', { groups: ['vlan'] }),
    ]);
  });

  test('may be of interfaces with names of their own, and of many kinds', () => {
    expect([...(parseIfconfig(fixture('ifconfig-odd.txt')) ?? []).values()]).toEqual([
      shownAs('igb0', { groups: ['egress'], mtu: 9000, description: 'uplink: rack 4, port 7' }),
      shownAs('lo0', { groups: ['lo'], mtu: 16384 }),
      shownAs('vm-public', { groups: ['bridge', 'vm-switch', 'viid-4c918@'], members: ['igb0.20', 'web'] }),
      shownAs('bridge1', { groups: ['bridge'], isUp: false }),
      shownAs('web', { groups: ['tap', 'vm-port'], pids: [4711, 4712], description: 'vmnet/web/0/public' }),
      shownAs('tap12', { groups: ['tap'] }),
      shownAs('tun0', { groups: ['tun'], isUp: false }),
      shownAs('epair0a', { groups: ['epair'], isUp: false }),
      shownAs('wg0', { groups: ['wg'], mtu: 1420 }),
    ]);
  });

  test('has no groups in old releases', () => {
    expect([...(parseIfconfig(fixture('ifconfig-9.txt')) ?? []).values()]).toEqual([
      shownAs('em0'),
      shownAs('bridge0', { members: ['tap0'] }),
      shownAs('tap0', { isUp: false, pids: [1412] }),
    ]);
  });

  test.each<[what: string, line: string, more: Partial<NetworkInterface>]>([
    [
      'a description that looks like something else',
      '\tdescription: groups: bridge',
      { description: 'groups: bridge' },
    ],
    ['an empty description', '\tdescription: ', { description: '' }],
    ['groups without a name', '\tgroups: ', {}],
    ['a member without a name', '\tmember: ', {}],
    ['a process without a number', '\tOpened by PID self', {}],
  ])('%s is taken as it is', (_what, line, more) => {
    const text = `tap0: flags=8843<UP,BROADCAST> metric 0 mtu 1500\n${line}\n`;
    expect(parseIfconfig(text)?.get('tap0')).toEqual(shownAs('tap0', more));
  });

  test.each<[header: string, isUp: boolean, mtu: number | undefined]>([
    ['tap0: flags=8802<BROADCAST,SIMPLEX> metric 0 mtu 1500', false, 1500],
    ['tap0: flags=8843<UP,BROADCAST> mtu 1280', true, 1280],
    ['tap0: flags=1<UP>', true, undefined],
    ['tap0: flags=0<> metric 0', false, undefined],
    ['tap0: flags=0', false, undefined],
    ['tap0: flags=<LOWER_UP,UPPER>', false, undefined],
  ])('%s: up is %s, mtu %s', (header, isUp, mtu) => {
    expect(parseIfconfig(header)?.get('tap0')).toMatchObject({ isUp, ...(mtu === undefined ? {} : { mtu }) });
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
      'a bridge is not a tap',
      'bridge0',
      ['interface-kind: bridge0 is a bridge, bhyve opens a tap'],
      'name a tap here, and put it into the bridge: ifconfig bridge0 addm tap0 up',
    ],
    [
      'a network card is not a tap',
      'em0',
      ['interface-kind: em0 is not a tap (groups: egress)'],
      'name a tap here; a bridge(4) connects it with em0',
    ],
  ])('%s', async (_what, name, said, fix) => {
    const { findings } = await checkBoth([tap(name)], host);
    expect(sentences(findings)).toEqual(said);
    expect(findings[0]?.problem.fix).toBe(fix);
  });

  test.each<[fixture: string, name: string, said: readonly string[]]>([
    ['ifconfig-odd.txt', 'web', ['interface-in-use: web is open in processes 4711 and 4712']],
    ['ifconfig-odd.txt', 'tap12', []],
    ['ifconfig-odd.txt', 'vm-public', ['interface-kind: vm-public is a bridge, bhyve opens a tap']],
    ['ifconfig-odd.txt', 'tun0', ['interface-kind: tun0 is not a tap (groups: tun)']],
    ['ifconfig-9.txt', 'tap0', ['interface-in-use: tap0 is open in process 1412']],
    ['ifconfig-9.txt', 'em0', ['interface-kind: em0 is not a tap']],
  ])('of %s is judged alike: %s', async (name, asked, said) => {
    host.breakTool('ifconfig', fixture(name), 0);
    expect(sentences((await checkBoth([tap(asked)], host)).findings)).toEqual(said);
  });

  test('that is missing is made as the kind that the device asks for', async () => {
    const { findings } = await checkBoth([requirement({ kind: 'interface', name: 'net-a', type: 'vmnet' })], host);
    expect(findings[0]?.fix).toMatchObject({
      action: { kind: 'run', argv: ['ifconfig', 'vmnet', 'create', 'name', 'net-a'] },
      undo: { kind: 'destroy-interface', name: 'net-a' },
    });
  });

  test('that two devices name is told at the second', async () => {
    const { findings } = await checkBoth(
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
    const { findings } = await checkBoth([tap('tap0', { subject: 'the first' }), tap('tap0')], host);
    expect(sentences(findings)).toEqual([
      'host-tool: ifconfig ended with exit status 1: ifconfig: socket: Operation not permitted; not checked: tap0',
      'interface-twice: tap0 is already the interface of the first',
    ]);
  });
});
