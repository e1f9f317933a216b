import { describe, expect, test } from '@jest/globals';
import type { Release } from '../../../src/bhyve/releases.js';
import { outcomeOf, startOf } from './outcome.js';

type Row = readonly [argv: readonly string[], said: string, status: number | 'started', release?: Release];

const cases = (rows: readonly Row[]): void => {
  test.each(rows.map(([argv, said, status, release = 15]) => [release, argv.join(' '), argv, said, status] as const))(
    'release %i: %s',
    (release, _line, argv, said, status) => {
      expect(outcomeOf(argv, { release })).toEqual([said, status]);
    },
  );
};

const uuid = (text: string): readonly string[] => ['-U', text];
const card = (mac: string): readonly string[] => ['-s', `5,virtio-net,tap0,mac=${mac}`];
const fbuf = (words: string): readonly string[] => ['-s', `29,fbuf,${words}`];
const disk = (words: string): readonly string[] => ['-s', `4,virtio-blk,/d,${words}`];
const nvme = (words: string): readonly string[] => ['-s', `4,nvme,/d,${words}`];
const passthru = (words: string): readonly string[] => ['-S', '-s', `6,passthru,${words}`];
const policy = (text: string): readonly string[] => [
  '-n',
  'id=0,size=1G,cpus=0',
  '-o',
  `domains.0.domain_policy=${text}`,
];
const portOfDebugger = (port: string): readonly string[] => ['-G', port];

describe('bhyve reads whole numbers in C syntax', () => {
  cases([
    [['-c', '0b11'], '', 'started'],
    [['-c', '0b11'], '', 'started', 16],
    [['-c', '0b11'], "bhyve: Invalid value for cpus: '0b11'", 4, 14],
    [['-c', '0B10,sockets=0x1,cores=02'], '', 'started', 16],
    [['-c', '0b'], "bhyve: Invalid value for cpus: '0b'", 4, 16],
    [['-c', '0b12'], "bhyve: Invalid value for cpus: '0b12'", 4, 16],
    [['-c', ' +2'], '', 'started'],
    [['-c', '2 '], "bhyve: Invalid value for cpus: '2 '", 4],
    [['-c', '-1'], "bhyve: Invalid value for cpus: '-1'", 4],
    [['-c', '99999999999999999999'], "bhyve: Invalid value for cpus: '99999999999999999999'", 4],
    [['-m', '0b1G'], '', 'started', 16],
    [['-n', 'id=0b0,size=1G,cpus=0b1'], '', 'started', 16],
    [['-o', 'vcpu.0.cpuset=0b11'], '', 'started', 16],
    [['-o', 'vcpu.0.cpuset=0b11'], "bhyve: invalid cpuset for vcpu 0: '0b11'", 4, 14],
    [['-o', 'vcpu.0.cpuset=4294967296'], '', 'started'],
    [['-o', 'vcpu.0.cpuset=-1'], "bhyve: hostcpu '-1' outside valid range from 0 to 1023", 4],
    [['-s', '5,virtio-net,tap0,mtu=0b10111011100'], '', 'started', 16],
    [['-s', '5,virtio-net,tap0,mtu=0b10111011100'], '+init', 4, 14],
    [
      [
        '-o',
        'pci.0.6.0.device=virtio-console',
        '-o',
        'pci.0.6.0.port.0b11.name=a',
        '-o',
        'pci.0.6.0.port.0b11.path=/s',
      ],
      '',
      'started',
      16,
    ],
  ]);
});

describe('a UUID is read by sscanf', () => {
  const digits = '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a0';
  cases([
    [uuid(`${digits}1`), '', 'started'],
    [uuid(`${digits}g`), '', 'started'],
    [uuid(digits), '', 4],
    [uuid(`${digits}12`), '', 4],
    [uuid('5a34b1cc--d4f-11ee-8d3c-b42e991b0a01'), '', 'started'],
    [uuid('0x34b1cc-7d4f-0x1e-8d3c-b42e991b0a01'), '', 'started'],
    [uuid(' 5a34b1c-7d4f-11ee-8d3c-b42e991b0a01'), '', 'started'],
    [uuid('5a34b1cc 7d4f-11ee-8d3c-b42e991b0a01'), '', 4],
    [uuid('5a34b1cc-7d4f-11ee-ed3c-b42e991b0a01'), '', 4],
    [uuid('5a34b1cc-7d4f-11ee-0d3c-b42e991b0a01'), '', 'started'],
    [uuid('5a34b1cc-7d4f-11ee-8d3c-b42e991bxa01'), '', 4],
    [['-o', 'x=', '-U', ''], "bhyve: invalid configuration option 'x='", 64],
    [uuid(''), '', 'started'],
  ]);
});

describe('a MAC address is read by sscanf', () => {
  cases([
    [card('-2:0:0:0:0:1'), '', 'started'],
    [card('-1:0:0:0:0:1'), 'Invalid MAC -1:0:0:0:0:1\n+init', 4],
    [card('0x2:+1: 2:3:4:5'), '', 'started'],
    [card('158:9c:fc:0:0:1'), '', 'started'],
    [card('58:9c:fc:0:0:0x'), '', 'started'],
    [card('58:9c:fc:0:0:0x:'), '', 'started'],
    [card('0x:1:2:3:4:5'), 'Invalid MAC 0x:1:2:3:4:5\n+init', 4],
    [card('58:9c:fc:0:0:-'), 'Invalid MAC 58:9c:fc:0:0:-\n+init', 4],
    [card('58:9c:fc:0:0:'), 'Invalid MAC 58:9c:fc:0:0:\n+init', 4],
    [card('58 :9c:fc:0:0:1'), 'Invalid MAC 58 :9c:fc:0:0:1\n+init', 4],
    [card('100:0:0:0:0:0'), 'Invalid MAC 100:0:0:0:0:0\n+init', 4],
    [card('fffffffffffffffff:0:0:0:0:1'), 'Invalid MAC fffffffffffffffff:0:0:0:0:1\n+init', 4],
  ]);
});

describe('the size of a frame buffer is kept in 16 bits', () => {
  cases([
    [fbuf('w=66560,h=66304'), '', 'started'],
    [fbuf('w=65536'), 'fbuf: minimum resolution is 640x480\n+init', 4],
    [fbuf('w=-1'), 'fbuf: max resolution is 3840x2160\n+init', 4],
    [fbuf('w=-64512'), '', 'started'],
    [fbuf('w=1921'), 'fbuf: max resolution is 1920x1200\n+init', 4, 14],
    [fbuf('w=1024x'), '', 'started'],
    [fbuf('w=x'), 'fbuf: minimum resolution is 640x480\n+init', 4],
    [fbuf('w=0x400'), 'fbuf: minimum resolution is 640x480\n+init', 4],
  ]);
});

describe('addresses are numbers, read by getaddrinfo', () => {
  const noName = 'getaddrinfo: Name does not resolve\n+init';
  cases([
    [fbuf('rfb=127.1:0'), '', 'started'],
    [fbuf('rfb=0x7f.1:5900'), '', 'started'],
    [fbuf('rfb=4294967296:5900'), '', 'started'],
    [fbuf('rfb=0b1:5900'), noName, 4, 16],
    [fbuf('rfb=127.0.0.1 x:5900'), '', 'started'],
    [fbuf('rfb=256.0.0.1:5900'), noName, 4],
    [fbuf('rfb=1.2.3.08:5900'), noName, 4],
    [fbuf('rfb=1.2.3.4.5:5900'), noName, 4],
    [fbuf('rfb=[127.0.0.1]:5900'), noName, 4],
    [fbuf('rfb=[::ffff:1.2.3.4]:5900'), '', 'started'],
    [fbuf('rfb=[::ffff:1.2.3.400]:5900'), noName, 4],
    [fbuf('rfb=[1.2.3.4::]:5900'), noName, 4],
    [fbuf('rfb=[1:2:3:4:5:6:1.2.3.4]:5900'), '', 'started'],
    [fbuf('rfb=[1:2:3:4:5:6:7::]:5900'), '', 'started'],
    [fbuf('rfb=[1:2:3:4:5:6:7:8::]:5900'), noName, 4],
    [fbuf('rfb=[fe80::1\\%em0]:5900'), '', 'started'],
    [fbuf('rfb=[::ffff:1.2.3.04]:5900'), noName, 4],
    [fbuf('rfb=127.0.0.1:-1'), noName, 4],
    [fbuf('rfb=127.0.0.1:70000'), 'getaddrinfo: Service was not recognized for socket type\n+init', 4],
    [fbuf('rfb=unix:'), 'fbuf: UNIX socket path is empty\n+init', 4, 16],
    [fbuf(`rfb=unix:/${'s'.repeat(104)}`), `fbuf: UNIX socket path too long: "/${'s'.repeat(104)}"\n+init`, 4, 16],
    [fbuf('rfb=unix:/vnc'), '', 'started', 16],
    [
      ['-s', '3,uart,tcp=[1.2.3.4]:5'],
      "bhyve: Invalid address 1.2.3.4:5\nUnable to initialize backend 'tcp=[1.2.3.4]:5' for pci uart at 3:0\n+init",
      4,
    ],
    [['-s', '3,uart,tcp=1.2.3.4:+5'], '', 'started'],
    [
      ['-s', '3,uart,tcp=[::1'],
      "bhyve: Invalid address [::1\nUnable to initialize backend 'tcp=[::1' for pci uart at 3:0\n+init",
      4,
    ],
    [portOfDebugger('+80'), '', 'started'],
    [portOfDebugger(' 80'), '', 'started'],
    [portOfDebugger('80x'), 'bhyve: gdb address resolution: Name does not resolve', 1],
    [portOfDebugger('0x50'), 'bhyve: gdb address resolution: Name does not resolve', 1],
    [portOfDebugger('-80'), 'bhyve: gdb address resolution: Name does not resolve', 1],
    [portOfDebugger('4294967296'), 'bhyve: gdb address resolution: Name does not resolve', 1],
    [portOfDebugger('65536'), 'bhyve: gdb address resolution: Service was not recognized for socket type', 1],
    [portOfDebugger(''), 'bhyve: gdb address resolution: Name does not resolve', 1],
    [portOfDebugger('[::1]:80'), 'bhyve: gdb address resolution: Name does not resolve', 1],
    [portOfDebugger('::1:80'), '', 'started'],
  ]);
});

describe('a domain policy is read loosely', () => {
  const refused = (text: string): Row => [policy(text), `bhyve: failed to parse domain policy '${text}'`, 64];
  const taken = (text: string): Row => [policy(text), '', 'started'];
  cases([
    ...[
      'rr:',
      'rr',
      'RR:0',
      'il:0-1',
      '2-1',
      '0,',
      ',',
      '0,,1',
      'ALL',
      'prefer:1',
      'first-touch:255',
      '4294967296',
    ].map(taken),
    [['-n', 'id=0,size=1G,cpus=0,domain_policy='], '', 'started'],
    ...['256', '0-256', 'rr:all', 'rr0', 'prefers', '-1', '1-', '1-2-3', '0 1', '0x1', 'all:0', 'ft:x', '+1'].map(
      refused,
    ),
  ]);
});

describe('a disk', () => {
  cases([
    [disk('sync,direct=maybe'), '', 'started'],
    [disk('direct=maybe'), 'bhyve: Invalid value maybe for boolean variable direct: No error: 0', 4],
    [disk('sectorsize=512/'), 'Invalid sector size "512/"\nCould not open backing file: Invalid argument\n+init', 4],
    [disk('sectorsize=0'), '', 'started'],
    [disk('sectorsize= 4096'), '', 'started'],
    [nvme('qsz=65536'), 'nvme: Invalid qsz option 0\n+init', 4],
    [nvme('qsz=-1'), '', 'started'],
    [nvme('ioslots=-1'), '', 'started'],
    [nvme('ioslots=0'), 'Invalid ioslots option 0\n+init', 4],
    [nvme('ioslots=4294967296'), 'Invalid ioslots option 0\n+init', 4],
  ]);
});

describe('a sound card', () => {
  const device = (bytes: number): string => `/dev/${'d'.repeat(bytes - '/dev/'.length)}`;
  cases([
    [['-s', '5,hda'], '', 'started'],
    [['-s', `5,hda,play=${device(63)},rec=/dev/dsp0`], '', 'started'],
    [['-s', `5,hda,play=${device(64)}`], '', 134],
    [['-s', `5,hda,play=/dev/dsp0,rec=${device(64)}`], '', 134],
  ]);
});

describe('a TPM', () => {
  const refused = (first: string, errno: number): string =>
    `bhyve: ${first}\nbhyve: init_tpm: unable to create a TPM device (${errno})\nFailed to init TPM device`;
  const tpm = (...variables: readonly string[]): readonly string[] =>
    variables.flatMap((variable) => ['-o', `tpm.${variable}`]);
  cases([
    [tpm('version=2.0', 'type=swtpm'), refused('tpm_swtpm_init: no socket path specified', 2), 4],
    [tpm('version=2.0', 'type=passthru'), refused('tpm_passthru_init: unable to open tpm device "(null)"', 2), 4],
    [['-l', 'tpm,swtpm,/s,intf=tis'], refused('TPM interface "tis" not found', 22), 4],
    [['-l', 'tpm,swtpm,/s,ppi=no'], refused('TPM PPI "no" not found\n', 22), 4],
    [tpm('version=2.0'), '', 134],
    [tpm('type=swtpm', 'path=/s'), '', 134],
  ]);
});

describe('a passed device', () => {
  cases([
    [passthru('ppt0'), '', 'started'],
    [passthru('ppt'), 'Invalid passthru device name ppt\n+init', 4],
    [passthru('ppt0a'), 'Invalid passthru device name ppt0a\n+init', 4],
    [['-S', '-s', '6,passthru', '-o', 'pci.0.6.0.pptdev=12'], 'Invalid passthru device name 12\n+init', 4],
    [['-S', '-s', '6,passthru', '-o', 'pci.0.6.0.pptdev=a1b2'], '', 'started'],
    [passthru('pptabcdefghijklmn1'), 'Passthru device name pptabcdefghijklmn1 is too long\n+init', 4],
    [passthru('pptabcdefghijklm1'), '', 'started'],
  ]);
});

describe('a wrong value that bhyve reads only when the guest powers off', () => {
  test.each(['2', '', 'yess'])('does not keep it from starting: destroy_on_poweroff=%j', (value) => {
    const argv = value === '' ? ['-o', 'destroy_on_poweroff=%()'] : ['-o', `destroy_on_poweroff=${value}`];
    const start = startOf(argv);
    expect(start).toMatchObject({
      kind: 'started',
      machine: {
        failsAtPowerOff: {
          status: 4,
          messages: expect.arrayContaining([
            `bhyve: Invalid value ${value} for boolean variable destroy_on_poweroff: No error: 0`,
          ]) as unknown,
        },
      },
    });
  });

  test.each(['-D', '-odestroy_on_poweroff=NO'])('is told from a right one: %s', (option) => {
    const start = startOf([option]);
    expect(start.kind === 'started' && start.machine.failsAtPowerOff).toBeUndefined();
  });
});
