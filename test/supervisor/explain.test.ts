import { describe, expect, test } from '@jest/globals';
import { parseCommandLine, checkStart } from '../../src/simulator/parse.js';
import { explain } from '../../src/supervisor/explain.js';

describe('bhyve’s last words are explained', () => {
  // Messages as bhyve(8) of FreeBSD 14 to 16 and its libraries print them.
  test.each<[stderr: string, cause: string, next: RegExp]>([
    ['bhyve: illegal option -- z\nUsage: bhyve [-aC]\n', 'this bhyve does not know the option -z', /newer FreeBSD/],
    [
      'bhyve: option requires an argument -- m\nUsage: bhyve [-aC]\n',
      'bhyve did not take its command line',
      /extra_options/,
    ],
    ['Usage: bhyve [-aCDeHhPSuWwxY]\n', 'bhyve did not take its command line', /--dry-run/],
    [
      'bhyve: gdb address resolution: Service was not recognized\n',
      'the GDB stub cannot listen: gdb address resolution: Service was not recognized',
      /gdb/,
    ],
    ['pci slot 0:4:0 already occupied!\n', 'two devices are on PCI slot 0:4:0', /extra_options/],
    ['bhyve: no bootrom was configured\n', 'there is nothing to boot from: no boot ROM', /edk2-bhyve/],
    ['virtual machine cannot be booted\n', 'there is nothing to boot from: no boot ROM', /bootrom/],
    ['bhyve: no bootrom specified\n', 'there is nothing to boot from: no boot ROM', /bootrom/],
    [
      'Error opening bootrom "/fw/NONE.fd": No such file or directory\n',
      'the boot ROM /fw/NONE.fd cannot be opened',
      /edk2-bhyve/,
    ],
    ['bhyve: Unable to setup memory (22)\n', 'a leftover VM of this name has another memory size', /--destroy/],
    ['bhyve: Unable to setup memory (12)\n', 'the host has not enough free memory', /less memory/],
    ['bhyve: passthru requires guest memory to be wired\n', 'a passthru device needs wired memory', /wire_guest_mem/],
    [
      'passthru: PCI device at 2/0/0 is not using the ppt driver\nDevice emulation initialization error: x\n',
      'the host card 2/0/0 is not reserved for guests',
      /ppt/,
    ],
    [
      'cannot create port 1: Address already in use\nDevice emulation initialization error: Address already in use\n',
      'a virtio-console socket could not be made: Address already in use',
      /leftover socket/,
    ],
    [
      'Could not open backing file: No such file or directory\nDevice emulation initialization error: x\n',
      'a disk image cannot be opened: No such file or directory',
      /paths of the disks/,
    ],
    [
      'Missing "path" for block device.\nDevice emulation initialization error: x\n',
      'a disk image cannot be opened',
      /./,
    ],
    ['5 vCPUs requested but only 4 available\n', 'the guest wants 5 vCPUs, this host allows 4', /hw\.vmm\.maxcpu/],
    ['bhyve: vm_open: Operation not permitted\n', 'you may not make virtual machines', /root/],
    ['bhyve: vm_create: Permission denied\n', 'you may not make virtual machines', /root/],
    [
      'vm_create: Device not configured\n',
      'the kernel did not make the VM: vm_create: Device not configured',
      /kldload/,
    ],
    [
      'open of tap device /dev/tap3 failed\nDevice emulation initialization error: No such file or directory\n',
      'a device could not be started: No such file or directory',
      /interfaces/,
    ],
    [
      'device emulation initialization error: Invalid argument\n',
      'a device could not be started: Invalid argument',
      /./,
    ],
  ])('%j', (stderr, cause, next) => {
    const explained = explain(stderr);
    expect(explained.cause).toBe(cause);
    expect(explained.next).toMatch(next);
    expect(explained.evidence).toEqual(stderr.trimEnd().split('\n').slice(-3));
  });

  test('words that nobody knows are shown as they are, at most the last three lines', () => {
    expect(explain('one\ntwo\n\nthree\n  \nfour\n')).toEqual({
      cause: 'bhyve gave the reason below',
      evidence: ['two', 'three', 'four'],
      next: expect.stringContaining('--dry-run'),
    });
  });

  test.each(['', '\n', '  \n\n'])('silence (%j) is told as such', (stderr) => {
    expect(explain(stderr)).toMatchObject({ cause: 'bhyve gave no reason', evidence: [] });
  });

  test('what stands above the last three lines is still the cause', () => {
    const noise = ['a', 'b', 'c', 'd'].join('\n');
    expect(explain(`pci slot 0:5:0 already occupied!\n${noise}\n`).cause).toBe('two devices are on PCI slot 0:5:0');
  });
});

/** What the simulator, which speaks as bhyve does, prints for a command line that ends it. */
function lastWords(argv: readonly string[]): string {
  const platform = { release: 15, arch: 'amd64' } as const;
  const parsed = parseCommandLine(argv, { ...platform, readFile: () => undefined });
  if (parsed.kind === 'failed') return parsed.messages.join('\n');
  if (parsed.kind !== 'parsed') throw new Error(`${argv.join(' ')} prints help`);
  const started = checkStart(parsed.tree, { ...platform, maxcpu: 4, loaded: false });
  if (started.kind !== 'failed') throw new Error(`${argv.join(' ')} starts`);
  return started.messages.join('\n');
}

test.each<[words: string, cause: RegExp]>([
  ['-z vm', /does not know the option -z/],
  ['vm extra', /did not take its command line/],
  ['-s 3,virtio-rnd -s 0:3:0,virtio-rnd vm', /two devices are on PCI slot 0:3:0/],
  ['-s 0,hostbridge vm', /no boot ROM/],
  ['-s 6,passthru,2/0/0 -l bootrom,/rom.fd vm', /wired memory/],
  ['-s 4,virtio-blk -l bootrom,/rom.fd vm', /a disk image cannot be opened/],
  ['-c 5 -l bootrom,/rom.fd vm', /wants 5 vCPUs, this host allows 4/],
  ['-s 5,e1000 -l bootrom,/rom.fd vm', /a device could not be started/],
  ['-G x -l bootrom,/rom.fd vm', /GDB stub cannot listen/],
])('the words that the simulator prints for %s are understood', (words, cause) => {
  expect(explain(lastWords(words.split(' '))).cause).toMatch(cause);
});
