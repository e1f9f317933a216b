import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace, vmrunCommand, type Place } from './support/place.js';
import { runVmrun, simulated, startVmrun } from './support/vmrun.js';

const noTrace = (stderr: string): void => {
  expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  expect(stderr).not.toContain('bug in vmrun');
};

describe('64: a wrong command line', () => {
  test.each<[title: string, words: readonly string[], says: string]>([
    ['no spec', [], "required option '-c, --config <file>' not specified"],
    ['an unknown option', ['-c', 'vm.json', '--frobnicate'], "unknown option '--frobnicate'"],
    ['an option with a slip', ['-c', 'vm.json', '--dry-rum'], 'Did you mean --dry-run?'],
    ['an option without its value', ['-c'], 'argument missing'],
    ['an unknown target', ['-c', 'vm.json', '-t', 'instal'], 'there is no target "instal"'],
    ['the same on a dry run', ['-c', 'vm.json', '-d', '-t', 'instal'], 'install'],
    ['a reason that nobody knows', ['-c', 'vm.json', '--reboot-on', 'reboot,sleep'], 'power_off'],
    ['a status that is not a reason', ['-c', 'vm.json', '--reboot-on', '5'], 'statuses 0 to 4'],
    ['an empty list of reasons', ['-c', 'vm.json', '--reboot-on', ''], 'statuses 0 to 4'],
    ['a count that is not a number', ['-c', 'vm.json', '--reboot-count', 'many'], 'whole number'],
    ['a count below nothing', ['-c', 'vm.json', '--reboot-count=-1'], 'whole number'],
    ['a format that nobody knows', ['-c', 'vm.json', '-d', '--format', 'xml'], 'shell, lines, json, config'],
    ['an input format that nobody knows', ['-c', 'vm.json', '--input-format', 'toml'], 'json, yaml or ucl'],
    ['a stray operand', ['vm.json'], 'vm.json is no command; a spec is given with -c'],
    ['a stray operand beside a spec', ['-c', 'vm.json', 'other.json'], 'unexpected other.json'],
    ['two of them', ['-c', 'vm.json', 'a', 'b'], 'too many arguments'],
    ['-q and -v', ['-c', 'vm.json', '-q', '-v'], 'exclude one another'],
    ['a word for bhyve that is not an option', ['-c', 'vm.json', '-d', '--', 'word'], 'take it for the name of the VM'],
    ['an option for bhyve without its value', ['-c', 'vm.json', '-d', '--', '-s'], '-s needs a value'],
    ['a script that the simulator does not know', ['-c', 'vm.json', '--simulate=dance'], '"dance" is not a step'],
  ])('%s', async (_title, words, says) => {
    await inPlace(async (place) => {
      place.spec({ targets: { install: {} } });
      const ended = await askVmrun(place, words);
      expect(ended).toMatchObject({ status: 64, stdout: '' });
      expect(ended.stderr).toContain(says);
      noTrace(ended.stderr);
    });
  });
});

test.each<[words: readonly string[], stdout: RegExp]>([
  [['--help'], /^Usage: vmrun -c FILE/],
  [['-h', '-c', 'none'], /^Usage: vmrun/],
  [['--version'], /^\d+\.\d+\.\d+\n$/],
  [['-V'], /^\d+\.\d+\.\d+\n$/],
])('0: %j', async (words, stdout) => {
  await inPlace(async (place) => {
    expect(await askVmrun(place, words)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(stdout),
      stderr: '',
    });
  });
});

test('--help fits a screen of 80 columns and shows examples', async () => {
  await inPlace(async (place) => {
    const { stdout } = await askVmrun(place, ['--help']);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout.match(/^ {2}vmrun|\| vmrun/gm)?.length).toBeGreaterThanOrEqual(3);
  });
});

describe('66: a spec that cannot be read', () => {
  test.each<[title: string, file: string, says: string]>([
    ['a missing file', 'none.json', 'there is no such file'],
    ['a directory', 'folder', 'this is a directory'],
    ['a path through a file', 'vm.json/x', 'a part of this path is not a directory'],
  ])('%s', async (_title, file, says) => {
    await inPlace(async (place) => {
      place.spec();
      mkdirSync(place.path('folder'));
      const ended = await runVmrun(place, ['-c', file, '-d']);
      expect(ended).toMatchObject({ status: 66, stdout: '' });
      expect(ended.stderr).toContain(says);
      expect(ended.stderr).toContain(file);
      noTrace(ended.stderr);
    });
  });

  const asUser = process.getuid?.() === 0 ? test.skip : test; // root may read every file
  asUser('a file without permission', async () => {
    await inPlace(async (place) => {
      place.write('closed.json', '{}', 0o200);
      const ended = await runVmrun(place, ['-c', 'closed.json', '-d']);
      expect(ended.status).toBe(66);
      expect(ended.stderr).toContain('you may not read this file');
    });
  });

  test('a directory on standard input', async () => {
    await inPlace(async (place) => {
      const command = ['/bin/sh', '-c', 'exec "$0" "$@" < /', ...vmrunCommand];
      const ended = await runVmrun(place, ['-c-', '-d'], { command });
      expect(ended.status).toBe(66);
      expect(ended.stderr).toContain('this is a directory');
    });
  });
});

describe('69: a host that cannot run it', () => {
  const unchecked = (place: Place, bhyve: string): readonly string[] => [
    ...['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve],
  ];

  test.each<[title: string, make: (place: Place) => string, says: string]>([
    ['no bhyve', () => '/none/bhyve', '/none/bhyve is not there'],
    ['none in PATH', () => 'no-such-bhyve', 'no-such-bhyve is not there'],
    ['a folder', ({ folder }) => folder, 'may not be executed'],
    ['no program', ({ write }) => write('bhyve', 'x', 0o644), 'may not be executed'],
    ['a bad interpreter', ({ write }) => write('bhyve', '#!/none\n', 0o755), 'the interpreter that'],
    ['an empty name', () => '', 'could not be started'],
  ])('%s', async (_title, make, says) => {
    await inPlace(async (place) => {
      place.spec();
      const ended = await runVmrun(place, [...unchecked(place, make(place)), '-p', 'vm.pid', '-P', 'vmrun.pid']);
      expect(ended.status).toBe(69);
      expect(ended.stderr).toContain(says);
      expect(ended.stderr).toContain('fix: ');
      noTrace(ended.stderr);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('everything that is missing is told at once, grouped by device, and bhyve is not started', async () => {
    await inPlace(async (place) => {
      place.spec({
        bootrom: place.path('rom.fd'),
        emulations: [
          { device: 'virtio-blk', path: place.path('disk.img') },
          { device: 'ahci-cd', path: place.path('cd.iso') },
        ],
      });
      const bhyve = place.script('bhyve', `touch '${place.path('started')}'`);
      const ended = await runVmrun(place, ['-c', 'vm.json', '--run-dir', place.runBase, '--bhyve', bhyve]);
      expect(ended.status).toBe(69);
      for (const file of ['rom.fd', 'disk.img', 'cd.iso']) expect(ended.stderr).toContain(place.path(file));
      expect(ended.stderr).toMatch(/emulations\[0\] virtio-blk[^]*emulations\[1\] ahci-cd/);
      expect(() => place.write('started/x', '')).toThrow('ENOENT');
      expect(place.runDirectories()).toEqual([]);
      noTrace(ended.stderr);
    });
  });

  const elsewhere = process.platform === 'freebsd' ? test.skip : test; // FreeBSD has bhyve
  elsewhere('a system without bhyve, which is pointed to --simulate', async () => {
    await inPlace(async (place) => {
      place.spec();
      const ended = await runVmrun(place, ['-c', 'vm.json', '--run-dir', place.runBase]);
      expect(ended.status).toBe(69);
      expect(ended.stderr).toContain('--simulate');
      expect(place.runDirectories()).toEqual([]);
    });
  });

  elsewhere('but one that $BHYVE_EXEC names is taken as it is', async () => {
    await inPlace(async (place) => {
      place.spec();
      const bhyve = place.script('bhyve', 'exit 2');
      const words = ['-c', 'vm.json', '--run-dir', place.runBase, '--no-requirement-check'];
      expect((await runVmrun(place, words, { env: { BHYVE_EXEC: bhyve } })).status).toBe(2);
    });
  });

  test('a console on standard input, which has carried the spec, without a terminal', async () => {
    await inPlace(async (place) => {
      const bhyve = place.script('bhyve', 'exit 2');
      const input = JSON.stringify({ name: place.name, cpu: 1, mem: '64M', com1: 'stdio' });
      const ended = await runVmrun(place, ['-c-', '--run-dir', place.runBase, '--bhyve', bhyve], {
        input,
        command: ['setsid', '-w', ...vmrunCommand],
      });
      expect(ended.status).toBe(69);
      expect(ended.stderr).toContain('there is no terminal');
      noTrace(ended.stderr);
    });
  });
});

describe('73: a file that cannot be made', () => {
  test.each<[title: string, words: (place: Place) => readonly string[]]>([
    ["bhyve's pid file", ({ path: at }) => ['-p', at('none', 'vm.pid')]],
    ["vmrun's pid file", ({ path: at }) => ['-P', at('none', 'vm.pid')]],
    ['a pid file that is a folder', ({ folder }) => ['-p', folder]],
    ['one file for both', ({ path: at }) => ['-p', at('vm.pid'), '-P', at('vm.pid')]],
    ['the run directory', ({ write }) => ['--run-dir', path.join(write('file', ''), 'run')]],
  ])('%s', async (_title, words) => {
    await inPlace(async (place) => {
      place.spec();
      const ended = await runVmrun(place, [...simulated(place, 'halt'), ...words(place)]);
      expect(ended.status).toBe(73);
      expect(ended.stderr).toContain('fix: ');
      noTrace(ended.stderr);
      expect(place.runDirectories()).toEqual([]);
      expect(() => place.write('vm.pid/x', '')).toThrow('ENOENT');
    });
  });
});

test('a spec that is refused leaves no pid file, no events and no run directory', async () => {
  await inPlace(async (place) => {
    place.spec({ mem: 'much' });
    const words = [...simulated(place, 'halt'), '-p', 'vm.pid', '-P', 'vmrun.pid', '--events', 'events'];
    expect((await runVmrun(place, words)).status).toBe(65);
    expect(readdirSync(place.folder)).toEqual(['vm.json']);
  });
});

test('73: a pid file that another vmrun holds is told with its pid', async () => {
  await inPlace(async (place) => {
    place.spec({ com1: 'stdio' });
    const first = startVmrun(place, simulated(place, 'run', '-P', 'one.pid'));
    await first.said('login: ', 'stdout');
    place.spec({ name: `${place.name}-other` }, 'other.json');
    const words = ['-c', 'other.json', '--simulate=halt', '--run-dir', place.runBase, '-P', 'one.pid'];
    const second = await runVmrun(place, words);
    expect(second.status).toBe(73);
    expect(second.stderr).toContain(`belongs to process ${first.child.pid ?? 0}`);
    first.kill('SIGTERM');
    expect(await first.ended).toMatchObject({ status: 1 });
  });
});

test('75: the second vmrun of a name is told who has it; the first runs on', async () => {
  await inPlace(async (place) => {
    place.spec({ com1: 'stdio' });
    const first = startVmrun(place, simulated(place, 'run'));
    await first.said('login: ', 'stdout');
    for (const more of [[], ['--force']]) {
      const second = await runVmrun(place, simulated(place, 'halt', ...more));
      expect(second).toMatchObject({ status: 75, stdout: '' });
      expect(second.stderr).toContain(`this VM is run by process ${first.child.pid ?? 0} since 20`);
      noTrace(second.stderr);
    }
    first.kill('SIGTERM');
    expect(await first.ended).toMatchObject({ status: 1 });
  });
});

describe("where a VM ran, bhyve's own status", () => {
  test.each<[script: string, words: readonly string[], status: number]>([
    ['reboot', ['--no-reboot'], 0],
    ['power_off', [], 1],
    ['halt', [], 2],
    ['triple_fault', [], 3],
    ['error', [], 4],
    ['signal:KILL', [], 137],
    ['signal:SEGV', [], 139],
    ['signal:TERM', [], 143],
    ['reboot', ['--reboot-count', '1'], 0],
    ['reboot,halt', [], 2],
    ['power_off,halt', ['--reboot-on', '0,1'], 2],
    ['reboot,halt', ['--reboot-on', 'power_off'], 0],
    ['halt,triple_fault,error,power_off', ['--reboot-on', 'halt,triple_fault,error'], 1],
  ])('%s with %j gives %i', async (script, words, status) => {
    await inPlace(async (place) => {
      place.spec();
      const ended = await runVmrun(place, simulated(place, script, ...words));
      expect(ended).toMatchObject({ status, signal: null, stdout: '' });
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('a status that no man page lists is passed on', async () => {
    await inPlace(async (place) => {
      place.spec();
      const bhyve = place.script('bhyve', 'exit 100');
      const words = ['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve];
      expect((await runVmrun(place, words)).status).toBe(100);
    });
  });
});

test('71: a standard output that is full is told in one line', async () => {
  await inPlace(async (place) => {
    place.spec();
    for (const words of [['-c', 'vm.json', '-d'], ['-c', 'vm.json', '--debug'], ['--help']]) {
      const command = ['/bin/sh', '-c', 'exec "$0" "$@" > /dev/full', ...vmrunCommand];
      const ended = await runVmrun(place, words, { command });
      expect(ended.status).toBe(71);
      expect(ended.stderr).toMatch(/^vmrun: .*no space left on device.*\n$/i);
    }
  });
});

test('a server that listens on the VNC port is a host that is not ready', async () => {
  await inPlace(async (place) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
    place.spec({ bootrom: place.path('rom.fd'), graphic: { host: '127.0.0.1', port } });
    const bhyve = place.script('bhyve', 'exit 2');
    const ended = await runVmrun(place, ['-c', 'vm.json', '--run-dir', place.runBase, '--bhyve', bhyve]);
    expect(ended.status).toBe(69);
    expect(ended.stderr).toContain(String(port));
    server.close();
    await once(server, 'close');
  });
});
