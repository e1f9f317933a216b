import { describe, expect, test } from '@jest/globals';
import { forecast, type ForecastOptions } from '../../src/forecast/forecast.js';
import { minimal, specOf, told, type SpecObject } from '../support/specs.js';

/** What is told of a spec with these fields beside name, cpu and mem. */
async function saidOf(fields: SpecObject, options: ForecastOptions = {}): Promise<readonly string[]> {
  const spec = await specOf({ ...minimal, ...fields });
  return forecast(spec, spec.targets, options).map(
    (problem) => `${problem.severity === 'warning' ? 'warning ' : ''}${told(problem).replace(/^[^ ]* /, '')}`,
  );
}

const raw = (value: string) => ({ device: 'raw', value });
const net = (name: string, more: object = {}) => ({ device: 'virtio-net', name, ...more });
const disk = (path: string, more: object = {}) => ({ device: 'virtio-blk', path, ...more });
const mac = '58:9c:fc:00:00:01';

describe("what two devices cannot share is told where bhyve's own words say it", () => {
  test.each<[what: string, fields: SpecObject, said: readonly string[]]>([
    [
      'a MAC of a raw device',
      { emulations: [net('tap0', { mac }), raw(`virtio-net,tap1,mac=${mac.toUpperCase()}`)] },
      [
        `warning /emulations/1/value mac-twice: virtio-net at 0:2:0: its MAC ${mac} is that of virtio-net at 0:1:0 too: in one network neither works [give it a "mac" of its own]`,
      ],
    ],
    [
      'a MAC of a raw device that comes first',
      { emulations: [raw(`e1000,tap1,mac=${mac}`), net('tap0', { mac })] },
      [expect.stringMatching(/^warning \/emulations\/0\/value mac-twice: virtio-net at 0:2:0: its MAC /) as never],
    ],
    [
      'a MAC of extra_options, in two words',
      { emulations: [net('tap0', { mac })], extra_options: ['-S', '-s', `9,e1000,tap1,mac=${mac}`] },
      [
        expect.stringMatching(
          /^warning \/extra_options\/1 mac-twice: e1000 at 0:9:0: its MAC .* of virtio-net at 0:1:0/,
        ) as never,
      ],
    ],
    [
      'a MAC that bhyve makes of slot and name, said of another card',
      { emulations: [raw('virtio-net,tap0'), net('tap1', { mac: '00:a0:98:27:8d:55' })] },
      [
        expect.stringMatching(
          /^warning \/emulations\/0\/value mac-twice: virtio-net at 0:2:0: its MAC 00:a0:98:/,
        ) as never,
      ],
    ],
    [
      'a serial number by extra_options, beside a field',
      { emulations: [disk('/a', { ser: 'A' }), disk('/b', { ser: 'B' })], extra_options: '-o pci.0.2.0.ser=A' },
      [
        expect.stringContaining('config-overruled') as never,
        expect.stringMatching(
          /^warning \/extra_options serial-twice: virtio-blk at 0:2:0: its serial number A is that of virtio-blk at 0:1:0 too/,
        ) as never,
      ],
    ],
    [
      'one file behind a field and a raw device',
      { emulations: [disk('/a'), raw('ahci-hd,/a')] },
      [
        expect.stringMatching(
          /^warning \/emulations\/1\/value serial-twice: it is on the same file as virtio-blk at 0:1:0, so both/,
        ) as never,
      ],
    ],
    [
      'the serial number of a disk of a controller',
      { emulations: [raw('ahci,hd:/a,ser=X,hd:/b,ser=X')] },
      [
        expect.stringMatching(
          /serial-twice: ahci at 0:1:0: its serial number X is that of another drive of the same controller/,
        ) as never,
      ],
    ],
    [
      'an interface',
      { emulations: [net('tap0'), raw('e1000,tap0')] },
      [
        '/emulations/1/value interface-twice: tap0 is already the interface of virtio-net at 0:1:0: bhyve opens it once, and ends with 4 [give each network card an interface of its own]',
      ],
    ],
    [
      'an interface with a name of its own, by config',
      { emulations: [net('vm0', { type: 'tap' }), raw('virtio-net,vm0,type=tap')] },
      [expect.stringMatching(/^\/emulations\/1\/value interface-twice: vm0 /) as never],
    ],
    [
      'a tty',
      { com1: '/dev/nmdm0A', config: { 'lpc.com2.path': '/dev/nmdm0A' } },
      [
        'warning /config/lpc.com2.path console-twice: com2 and com1 are both /dev/nmdm0A: each gets some of what is typed [use another backend for one of them]',
      ],
    ],
    [
      'a tty of a raw uart',
      { com1: '/dev/nmdm0A', emulations: [raw('uart,/dev/nmdm0A')] },
      [expect.stringMatching(/^warning \/emulations\/0\/value console-twice: uart at 0:1:0 and com1 /) as never],
    ],
    [
      'a port, of all addresses and of one',
      { graphic: { host: '0.0.0.0', port: 5901 }, extra_options: '-G 127.0.0.1:5901' },
      [
        expect.stringMatching(
          /^\/extra_options port-twice: TCP port 5901 of fbuf at 0:1:0 is already that of gdb/,
        ) as never,
      ],
    ],
    ['a port of two addresses', { graphic: { port: 5901 }, extra_options: '-G 10.0.0.1:5901' }, []],
    [
      'a port of a console',
      { com1: 'tcp=127.0.0.1:1234', emulations: [raw('uart,tcp=127.0.0.1:1234')] },
      [
        expect.stringMatching(
          /^\/emulations\/0\/value port-twice: TCP port 1234 of uart at 0:1:0 is already that of com1/,
        ) as never,
      ],
    ],
    [
      'a socket',
      { emulations: [{ device: 'virtio-console', ports: [{ name: 'a', path: '/s' }] }, raw('virtio-console,b=/s')] },
      [
        '/emulations/1/value socket-twice: /s is already a socket of virtio-console at 0:1:0 [give each a socket of its own]',
      ],
    ],
    [
      'a card of the host',
      { emulations: [{ device: 'passthru', src: '2:0:0' }, raw('passthru,2/0/0')] },
      [
        expect.stringMatching(
          /^\/emulations\/1\/value card-twice: 2\/0\/0 is already the card of passthru at 0:1:0/,
        ) as never,
      ],
    ],
  ])('%s', async (_what, fields, said) => {
    expect(await saidOf(fields)).toEqual(said);
  });

  test.each<[what: string, fields: SpecObject, at: string]>([
    ['a raw disk', { emulations: [raw('virtio-blk,disk.img')] }, 'emulations/0/value'],
    ['a raw CD', { emulations: [raw('ahci-cd,a.iso')] }, 'emulations/0/value'],
    ['one of several', { emulations: [raw('ahci,hd:/a,hd:b.img')] }, 'emulations/0/value'],
    ['a disk of extra_options', { extra_options: '-s 5,virtio-blk,disk.img' }, 'extra_options'],
    [
      'a path by extra_options, over a field',
      { emulations: [disk('/a')], extra_options: '-o pci.0.1.0.path=disk.img' },
      'extra_options',
    ],
  ])('a serial number that hangs on the folder: %s', async (_what, fields, at) => {
    expect((await saidOf(fields)).filter((each) => each.includes('relative-path'))).toEqual([
      expect.stringMatching(
        new RegExp(
          `^warning /${at} relative-path: bhyve makes the serial number of .* \\(BHYVE-.*\\) of its path as written`,
        ),
      ),
    ]);
  });

  test.each<[what: string, fields: SpecObject]>([
    ['the serial number is said', { emulations: [raw('virtio-blk,disk.img,ser=A')] }],
    ['the path is whole', { emulations: [raw('virtio-blk,/disk.img')] }],
    ['bhyve makes it of the slot', { emulations: [raw('nvme,disk.img')] }],
    ['vmrun makes it whole', { emulations: [disk('disk.img')], extra_options: '-S' }],
  ])('and none that does not: %s', async (_what, fields) => {
    expect(await saidOf(fields)).toEqual([]);
  });

  test('in a run it is a warning: another bhyve may be run', async () => {
    expect(await saidOf({ emulations: [net('tap0'), raw('e1000,tap0')] }, { severity: 'warning' })).toEqual([
      expect.stringMatching(/^warning \/emulations\/1\/value interface-twice: tap0 /),
    ]);
  });
});

describe('what fields alone share', () => {
  const cards = { emulations: [net('tap0'), net('tap0'), disk('/a')] };

  test.each<[what: string, fields: SpecObject, said: string]>([
    ['an interface', cards, '/emulations/1 interface-twice: tap0 is already the interface of virtio-net at 0:1:0'],
    [
      'a port',
      { graphic: { port: 5901 }, gdb: 5901 },
      '/graphic port-twice: TCP port 5901 of fbuf at 0:1:0 is already that of gdb',
    ],
    [
      'a card',
      { emulations: [1, 2].map(() => ({ device: 'passthru', src: '2:0:0' })) },
      '/emulations/1 card-twice: 2/0/0 is already the card of passthru at 0:1:0',
    ],
  ])('is told where no host is looked at: %s', async (_what, fields, said) => {
    expect(await saidOf(fields, { withoutHost: true })).toEqual([expect.stringContaining(said)]);
    expect(await saidOf(fields)).toEqual([]);
  });

  test('MACs and serial numbers are told elsewhere, and not twice', async () => {
    const twins = { emulations: [net('tap0', { mac }), net('tap1', { mac })], config: { 'pci.0.2.0.mtu': 1400 } };
    expect(await saidOf(twins, { withoutHost: true })).toEqual([]);
  });
});
