import { describe, expect, test } from '@jest/globals';
import type { FileContent } from '../../../src/bhyve/files.js';
import { type Given, outcomeOf, startOf } from './outcome.js';

type Row = readonly [title: string, argv: readonly string[], said: string, status: number | 'started', given?: Given];

const noSize =
  'bhyve: At least one domain memory size was not specified, distributing total VM memory size across all domains';
const wrong = (variable: string): string => `bhyve: Invalid value x for boolean variable ${variable}: No error: 0`;
const hlt = ['-o', 'x86.vmexit_on_hlt=x'];
const domain = ['-n', 'id=0,size=x,cpus=0'];
const wired = ['-o', 'memory.wired=x'];

describe('the first of two faults that bhyve comes upon ends it', () => {
  test.each<Row>([
    ['vCPUs, then memory', ['-c', '0', '-m', 'x'], "bhyve: Invalid value for cpus: '0'", 4],
    ['cpus, cores, threads, sockets', ['-c', '1,sockets=x,threads=y'], "bhyve: Invalid value for threads: 'y'", 4],
    ['memory, then the boot ROM', ['-m', 'x'], "bhyve: invalid memsize 'x'", 64, { loaded: false }],
    [
      'the boot ROM, then the number of vCPUs',
      ['-c', '8'],
      'bhyve: no bootrom was configured',
      4,
      { loaded: false, maxcpu: 4 },
    ],
    [
      'the number of vCPUs, then their booleans',
      ['-c', '8', ...hlt],
      '8 vCPUs requested but only 4 available',
      4,
      { maxcpu: 4 },
    ],
    [
      'the number of vCPUs, then NUMA domains',
      ['-c', '8', ...domain],
      '8 vCPUs requested but only 4 available',
      4,
      { maxcpu: 4 },
    ],
    ['the booleans of a vCPU, then NUMA domains', [...domain, ...hlt], wrong('x86.vmexit_on_hlt'), 4],
    [
      'the memory of NUMA domains, then memory.wired',
      [...domain, ...wired],
      "bhyve: invalid memsize for domain 0: 'x'",
      64,
    ],
    [
      'memory.wired, then the vCPUs of NUMA domains',
      ['-n', 'id=0', ...wired],
      `${noSize}\n${wrong('memory.wired')}`,
      4,
    ],
    [
      'the vCPUs of NUMA domains, then the clock',
      ['-n', 'id=0,size=1G', '-o', 'rtc.use_localtime=x'],
      'Missing CPU set for domain 0',
      4,
    ],
    ['the clock, then devices', ['-o', 'rtc.use_localtime=x', '-s', '4,e1000'], wrong('rtc.use_localtime'), 4],
    ['devices, then the TPM', ['-s', '4,nvme,/d,qsz=0', '-l', 'tpm,no,/x'], 'nvme: Invalid qsz option 0\n+init', 4],
    ['devices, then the debugger', ['-G', 'x', '-s', '4,nvme,/d,qsz=0'], 'nvme: Invalid qsz option 0\n+init', 4],
    ['the debugger, then the UUID', ['-G', 'x', '-U', 'x'], 'bhyve: gdb address resolution: Name does not resolve', 1],
    [
      'a name that is too long, then the boot ROM',
      ['-o', `name=${'n'.repeat(256)}`],
      'bhyve: no bootrom was configured',
      4,
      { loaded: false },
    ],
  ])('%s', (_title, argv, said, status, given = {}) => {
    expect(outcomeOf(argv, given)).toEqual([said, status]);
  });
});

describe('what bhyve does twice it says twice', () => {
  const child = (node: string, variable: string): string =>
    `bhyve: Configuration node ${node} is a child of existing variable ${variable}`;

  test.each<Row>([
    [
      '-n looks for its node and makes it',
      ['-o', 'domains=x', '-n', 'id=0'],
      // And its start looks for the memory and for the vCPUs of the domain.
      Array.from({ length: 4 }, () => child('domains.0', 'domains')).join('\n'),
      'started',
    ],
    [
      '-l tpm makes its node and looks for it',
      ['-o', 'tpm=x', '-l', 'tpm,swtpm,/s'],
      // And its start looks for it.
      Array.from({ length: 3 }, () => child('tpm', 'tpm')).join('\n'),
      'started',
    ],
    [
      'an ahci disk reads its path for a serial number, too',
      ['-s', '3,ahci-hd,%(x)'],
      Array.from({ length: 2 }, () => 'bhyve: Failed to fetch referenced configuration variable x').join('\n'),
      'started',
    ],
    [
      'a virtio disk with a serial number reads it once',
      ['-s', '3,virtio-blk,%(x),ser=1'],
      'bhyve: Failed to fetch referenced configuration variable x',
      'started',
    ],
    [
      'each vCPU reads what it is to do',
      ['-c', '3', '-o', 'x86.x2apic=%()true'],
      Array.from({ length: 3 }, () => 'bhyve: Empty reference in configuration value "%()true"').join('\n'),
      'started',
    ],
  ])('%s', (_title, argv, said, status) => {
    expect(outcomeOf(argv)).toEqual([said, status]);
  });
});

describe('a device below a variable that has a value', () => {
  test.each([
    [['-o', 'pci=x', '-s', '3,ahci-cd,/a']],
    [['-o', 'pci.0=x', '-s', '3,ahci-hd,/a']],
    [['-o', 'pci.0.3=x', '-s', '3,ahci,hd:/a']],
    [['-o', 'pci=x', '-s', '3,virtio-console,a=/s']],
    [['-o', 'pci=x', '-s', '3,virtio-console']],
    [['-o', 'pci=x', '-s', '3,xhci,tablet']],
    [['-o', 'pci=x', '-s', '0,amd_hostbridge']],
  ])('aborts bhyve: %j', (argv) => {
    const start = startOf(argv);
    expect(start).toMatchObject({ kind: 'failed', status: 134, signal: 'SIGABRT' });
    expect(start.kind === 'failed' && start.messages.length).toBe(2);
  });

  test.each([
    [['-o', 'pci=x', '-s', '3,virtio-blk,/a'], 15],
    [['-o', 'pci=x', '-s', '3,ahci'], 15],
    [['-o', 'pci=x', '-s', '0,amd_hostbridge'], 14],
  ] as const)('is forgotten where it has no parts: %j in release %i', (argv, release) => {
    expect(startOf(argv, { release }).kind).toBe('started');
  });
});

describe('files that a command line names', () => {
  const folder: FileContent = { isOpened: true, error: 'Is a directory' };
  const hidden: FileContent = { isOpened: false, error: 'Permission denied' };
  test.each<readonly [argv: readonly string[], content: FileContent, said: string, status: number | 'started']>([
    [
      ['-f', 'opt/x,file=/f'],
      folder,
      `bhyve: Unable to read file "/f": Is a directory\nbhyve: invalid fwcfg item 'opt/x,file=/f'`,
      64,
    ],
    [
      ['-f', 'opt/x,file=/f'],
      hidden,
      `bhyve: Can't open fw_cfg_user_file file "/f": Permission denied\nbhyve: invalid fwcfg item 'opt/x,file=/f'`,
      64,
    ],
    [
      ['-f', 'opt/x,file=/f'],
      undefined,
      `bhyve: Can't open fw_cfg_user_file file "/f": No such file or directory\nbhyve: invalid fwcfg item 'opt/x,file=/f'`,
      64,
    ],
    [['-f', 'opt/x,file=/f'], '', '', 'started'],
    [['-k', '/f'], folder, '', 'started'],
    [['-k', '/f'], hidden, 'bhyve: Failed to open configuration file /f: Permission denied', 4],
    [['-k', '/f'], undefined, 'bhyve: Failed to open configuration file /f: No such file or directory', 4],
  ])('%j, where it is %j', (argv, content, said, status) => {
    expect(outcomeOf(argv, { readFile: () => content })).toEqual([said, status]);
  });
});
