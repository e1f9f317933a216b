import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace, smallVm, vmrunCommand } from './support/place.js';
import { runVmrun, type Said } from './support/vmrun.js';

const vm = (fields: object): string => JSON.stringify({ ...smallVm('vm'), ...fields });
const many = (count: number, make: (index: number) => object): readonly object[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Told in words, and not as a crash of ours. */
function expectRefused({ status, stdout, stderr }: Said, code: number, says: readonly string[]): void {
  for (const part of says) expect(stderr).toContain(part);
  expect(status).toBe(code);
  expect(stdout).toBe('');
  expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  expect(stderr).not.toContain('bug in vmrun');
}

describe('text that is not a spec is refused with its reason', () => {
  test.each<[title: string, text: string | Uint8Array, code: number, says: readonly string[]]>([
    ['nothing, as uclcmd prints without a "."', '', 65, ['standard input is empty', 'uclcmd', '"."']],
    ['blanks', ' \n\t\n', 65, ['standard input is empty']],
    ['words', 'hello world', 65, ['<stdin>:1:1']],
    ['an object that is cut', '{"name": "vm", "cpu": 1', 65, ['<stdin>:1:']],
    ['a comma too many', '{"name": "vm",\n "cpu": 1,}', 65, ['<stdin>:2:']],
    ['a list', '[1, 2]', 65, ['a spec is an object', 'a list']],
    ['a text', '"vm"', 65, ['a spec is an object']],
    ['null', 'null', 65, ['a spec is an object']],
    ['nothing but braces', '{}', 65, ['name', 'cpu', 'mem']],
    ['a field with a slip', vm({ emulatons: [] }), 65, ['emulatons', 'did you mean "emulations"']],
    ['a wrong type', vm({ cpu: 'two' }), 65, ['cpu', '"two"']],
    ['a negative cpu', vm({ cpu: -1 }), 65, ['/cpu', '-1']],
    ['no memory', vm({ mem: 0 }), 65, ['/mem']],
    ['a unit that nobody knows', vm({ mem: '12Q' }), 65, ['/mem', '"12Q"', 'K, M, G, T']],
    ['more memory than there is anywhere', vm({ mem: '99999999999999T' }), 65, ['/mem']],
    ['a number that is none any more', '{"name":"vm","cpu":1,"mem":1e999}', 65, ['<stdin>:1:']],
    ['a VM name that is a path', vm({ name: 'a/b' }), 65, ['/name', '"a/b"']],
    ['a VM name that is a folder', vm({ name: '..' }), 65, ['/name', '".."']],
    ['a VM name that is an option', vm({ name: '-h' }), 65, ['/name', '"-h"']],
    [
      'two devices on one slot',
      vm({
        emulations: [
          { device: 'virtio-blk', path: '/a.img', slot: '4' },
          { device: 'virtio-net', name: 'tap0', slot: '0:4:0' },
        ],
      }),
      65,
      ['0:4:0', 'virtio-blk', 'virtio-net'],
    ],
    [
      'forty devices on one bus',
      vm({ emulations: many(40, (index) => ({ device: 'virtio-rnd', slot: `0:${index}:0` })) }),
      65,
      ['<stdin>:1:'],
    ],
    ['a target that is nowhere', vm({ next_target: 'nowhere' }), 65, ['/next_target', '"nowhere"']],
    [
      'a target of a target that is nowhere',
      vm({ targets: { a: { next_target: 'b' } } }),
      65,
      ['/targets/a/next_target', '"b"'],
    ],
    ['a lot of text', vm({ 'x-long': 'x'.repeat(5 * 2 ** 20) }), 65, ['at most 4 MiB']],
    ['brackets a hundred thousand deep', '['.repeat(100_000) + ']'.repeat(100_000), 65, ['<stdin>:1:']],
    ['objects a hundred thousand deep', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000), 65, ['<stdin>:1:']],
    ['ten thousand mistakes', vm({ emulations: many(10_000, () => ({ device: 'toaster' })) }), 65, ['toaster']],
    ['NUL bytes', '\0\0\0\0', 65, ['<stdin>:1:1']],
    ['a NUL within a text', vm({ bootrom: '/a\0b' }), 65, ['/bootrom']],
    [
      'bytes that are not UTF-8',
      Buffer.from('{"name": "\xff\xfe"}', 'latin1'),
      65,
      ['not UTF-8', '0xff', '<stdin>:1:11'],
    ],
    ['UTF-16', Buffer.from(`\ufeff${vm({})}`, 'utf16le'), 65, ['UTF-16', 'UTF-8']],
    ['UTF-16 without a mark', Buffer.from(vm({}), 'utf16le'), 65, ['<stdin>:1:']],
    ['a program', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]), 65, ['<stdin>']],
  ])('%s', async (_title, text, code, says) => {
    await inPlace(async (place) => {
      expectRefused(await askVmrun(place, ['-c-', '-d'], { input: text }), code, says);
    });
  });

  test('the same in YAML, where a reference may be a bomb', async () => {
    const levels = many(12, (index) => ({ index }))
      .map((_, index) => `l${index + 1}: &l${index + 1} [${Array(10).fill(`*l${index}`).join(', ')}]`)
      .join('\n');
    const bomb = `l0: &l0 [x]\n${levels}\nname: vm\ncpu: 1\nmem: 64M\n`;
    await inPlace(async (place) => {
      place.write('vm.yaml', bomb);
      expectRefused(await askVmrun(place, ['-c', 'vm.yaml', '-d']), 65, ['vm.yaml']);
      place.write('vm.yaml', 'name: vm\n  cpu: 1\n');
      expectRefused(await askVmrun(place, ['-c', 'vm.yaml', '-d']), 65, ['vm.yaml:2:3', 'indented more']);
    });
  });
});

test('a hundred megabytes on standard input are not read to their end', async () => {
  await inPlace(async (place) => {
    const flood = spawn('/bin/sh', ['-c', 'head -c 100000000 /dev/zero'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = await runVmrun(place, ['-c-', '-d'], { stdio: [flood.stdout, 'pipe', 'pipe'] });
    flood.stdout.destroy();
    expectRefused(ended, 65, ['at most 4 MiB']);
    if (flood.exitCode === null && flood.signalCode === null) await once(flood, 'exit');
  });
});

test('a comma in a VNC password is refused, and the password is not shown', async () => {
  await inPlace(async (place) => {
    place.spec({ graphic: { host: '127.0.0.1', password: 'a,vga=on' } });
    const { status, stdout, stderr } = await askVmrun(place, ['-c', 'vm.json', '-d']);
    expect(status).toBe(65);
    expect(stdout).toBe('');
    expect(stderr).toContain('/graphic/password  "***" is not 1 to 8 printable ASCII characters without a comma');
    expect(stderr).not.toContain('vga=on');
  });
});

test('a file of UTF-8 with a byte order mark is read', async () => {
  await inPlace(async (place) => {
    place.write('vm.json', `\ufeff${vm({})}`);
    expect((await askVmrun(place, ['-c', 'vm.json', '-d'])).status).toBe(0);
  });
});

describe('an output that nobody reads', () => {
  const sh = (script: string): readonly string[] => ['/bin/sh', '-c', script, ...vmrunCommand];

  test('a pipe that is closed before anything is written is not a failure', async () => {
    await inPlace(async (place) => {
      // More than a pipe holds.
      place.spec({ emulations: many(31, (index) => ({ device: 'virtio-blk', path: `/${'d'.repeat(500)}${index}` })) });
      const command = sh('{ "$0" "$@"; echo "status $?" >&2; } | true');
      const { stderr } = await runVmrun(place, ['-c', 'vm.json', '--debug'], { command });
      expect(stderr).toBe('status 0\n');
    });
  });

  test.each([
    ['stdout', 'exec "$0" "$@" >&-', 0],
    ['stderr', 'exec "$0" "$@" 2>&-', 0],
    ['every descriptor', 'exec "$0" "$@" <&- >&- 2>&-', 0],
  ])('a closed %s is not a failure', async (_which, script, status) => {
    await inPlace(async (place) => {
      place.spec();
      const ended = await runVmrun(place, ['-c', 'vm.json', '-d'], { command: sh(script) });
      expect(ended.status).toBe(status);
      expect(ended.stderr).toBe('');
    });
  });

  test.each([
    ['closed', '2>&-'],
    ['full', '2> /dev/full'],
  ])('a stderr that is %s changes no exit code, and harms no VM', async (_what, redirection) => {
    await inPlace(async (place) => {
      place.spec();
      const command = sh(`exec "$0" "$@" ${redirection}`);
      expect((await runVmrun(place, ['-c', 'none.json', '-d'], { command })).status).toBe(66);
      expect((await runVmrun(place, ['--frobnicate'], { command })).status).toBe(64);
      const words = ['-c', 'vm.json', '--simulate=reboot,error', '--run-dir', place.runBase, '-v', '--events', '-'];
      expect((await runVmrun(place, words, { command })).status).toBe(4);
      expect(place.runDirectories()).toEqual([]);
    });
  });
});
