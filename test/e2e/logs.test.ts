import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { codeOf } from '../../src/base/error-code.js';
import { quoteCommand } from '../../src/base/shell.js';
import { inPlace, isRunning, until, vmrunCommand, type Place } from './support/place.js';
import { inTerminal, openTerminal } from './support/terminal.js';
import { runVmrun, simulated, startVmrun, type Running } from './support/vmrun.js';

const content = (place: Place, name: string): string => readFileSync(place.path(name), 'utf8');
const login = (vm: Running): Promise<unknown> => vm.said('login: ', 'stdout');

/** Words of a run with a bhyve that is a shell script. */
function scripted(place: Place, lines: readonly string[], ...more: readonly string[]): readonly string[] {
  const bhyve = place.script('bhyve', ...lines);
  return ['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve, ...more];
}

/** For a script of bhyve: 4 MiB on stderr, more than any pipe and queue holds. */
const flood = `yes "${'x'.repeat(99)}" | head -n 42000 >&2`;

/** The reading end of a FIFO, which nobody reads until it is told to. */
function fifo(place: Place, name: string) {
  execFileSync('mkfifo', [place.path(name)]);
  const descriptor = openSync(place.path(name), constants.O_RDONLY | constants.O_NONBLOCK);
  const chunk = Buffer.alloc(4096);
  let text = '';
  return {
    /** What can be read now, some of it: a slow reader. */
    readSome: (): string => {
      try {
        text += chunk.toString('latin1', 0, readSync(descriptor, chunk));
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN') throw error;
      }
      return text;
    },
    close: () => {
      closeSync(descriptor);
    },
  };
}

const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;

/** The lines of a log without their times. */
const untimed = (text: string): readonly string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => {
      expect(line).toMatch(stamp);
      return line.replace(stamp, '').replaceAll(/pid \d+|\d+ ms|\d+(\.\d+)? s/g, '...');
    });

describe('--log', () => {
  test('has what bhyve, hooks and vmrun say, each line with its time, also with -q', async () => {
    await inPlace(async (place) => {
      const hook = place.script('hook', 'echo "up: $VMRUN_NAME"');
      place.spec({ hooks: { post_start: [hook] } });
      const words = scripted(place, ['printf "one\\ntw" >&2', 'sleep 0.5', 'echo o >&2', 'exit 1']);
      const { stdout, stderr, status } = await runVmrun(place, [...words, '-q', '--log', 'log']);
      expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
      const said = ['bhyve: one', 'bhyve: two', `post_start: up: ${place.name}`];
      expect(stderr.split('\n').sort()).toEqual(['', ...said.map((line) => `${place.name}: ${line}`)]);
      const lines = untimed(content(place, 'log'));
      expect(lines[0]).toBe(`vmrun: ${place.name}: begins with target default`);
      expect(lines[1]).toBe('vmrun: boot 1, target default (...)');
      expect(lines[2]).toContain(`vmrun:   ${place.path('bhyve')} -A -H`);
      expect(lines).toEqual(
        expect.arrayContaining([...said, 'vmrun: hook post_start done', 'vmrun: boot 1 powered off after ...']),
      );
      expect(lines.at(-1)).toBe('vmrun: done');
    });
  });

  test('has no colours, and goes on where it ended', async () => {
    await inPlace(async (place) => {
      place.spec();
      for (let run = 0; run < 2; run += 1) {
        await runVmrun(place, [...simulated(place, 'error'), '--color', '--log', 'log']);
      }
      const text = content(place, 'log');
      expect(text.match(/begins with target default/g)).toHaveLength(2);
      expect(text).toContain('failed with status 4');
      expect(text).not.toContain('\u001b[');
    });
  });

  test('says why nothing was started', async () => {
    await inPlace(async (place) => {
      place.spec();
      const ended = await runVmrun(place, [...simulated(place, 'halt'), '-p', 'none/vm.pid', '--log', 'log']);
      expect(ended.status).toBe(73);
      expect(untimed(content(place, 'log')).join('\n')).toMatch(
        /vmrun: .*: 1 problem, nothing was started\nvmrun: .*the pid file none\/vm\.pid cannot be made/,
      );
    });
  });

  test('begins a new file when it was renamed and SIGUSR1 says so, and no line is lost', async () => {
    await inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const vm = startVmrun(place, [...simulated(place, 'run'), '--log', 'log']);
      await login(vm);
      renameSync(place.path('log'), place.path('log.0'));
      vm.kill('SIGUSR1');
      await until(() => existsSync(place.path('log')));
      vm.kill('SIGTERM');
      expect((await vm.ended).status).toBe(1);
      expect(untimed(content(place, 'log.0')).at(0)).toContain('begins with target default');
      expect(untimed(content(place, 'log'))).toEqual([
        'vmrun: SIGTERM stops the VM',
        'vmrun: stopping: asked the guest to power off, it has ...; a second signal or vmrun stop --now ends it now',
        'vmrun: boot 1 powered off after ...',
        expect.stringContaining('vmrun: removed run directory'),
        'vmrun: stopped',
      ]);
    });
  });

  test('into a FIFO that nobody reads holds nothing up', async () => {
    await inPlace(async (place) => {
      const reader = fifo(place, 'log');
      try {
        place.spec();
        const words = scripted(place, [flood, 'test "$VMRUN_BOOT" = 3 && exit 2', 'exit 0']);
        // Into a file: of a stream whose reader is slower than the flood, events would be dropped.
        const ended = await runVmrun(place, [...words, '--log', 'log', '--events', 'events']);
        expect(ended.status).toBe(2);
        const events = content(place, 'events');
        expect(events.match(/"kind":"boot"/g)).toHaveLength(3);
        expect(events).not.toContain('"kind":"degraded"');
        expect(reader.readSome()).toMatch(/begins with target default\n/);
      } finally {
        reader.close();
      }
    });
  });

  test.each<[title: string, file: string, says: string]>([
    ['a full disk', '/dev/full', 'ENOSPC'],
    ['a folder that is missing', 'none/log', 'ENOENT'],
    ['a FIFO without a reader', 'fifo', 'ENXIO'],
  ])('that cannot be written (%s) is told once and stops no VM', async (_title, file, says) => {
    await inPlace(async (place) => {
      execFileSync('mkfifo', [place.path('fifo')]);
      place.spec();
      const ended = await runVmrun(place, [...simulated(place, 'reboot,reboot,halt', '-q'), '--log', file]);
      expect(ended.status).toBe(2);
      expect(ended.stderr).toMatch(
        new RegExp(`^vmrun: ${place.name}: degraded: log: ${file}: [^\n]+ \\(${says}\\)\n$`),
      );
      expect(ended.events.filter(({ kind }) => kind === 'degraded')).toHaveLength(1);
    });
  });

  test('that cannot be written is told even where there is no run', async () => {
    await inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const vm = startVmrun(place, simulated(place, 'run'));
      await login(vm);
      const ended = await runVmrun(place, [...simulated(place, 'halt'), '--log', 'none/log']);
      expect(ended.status).toBe(75);
      expect(ended.stderr.match(/degraded: log: none\/log: no such file or directory \(ENOENT\)/g)).toHaveLength(1);
      vm.kill('SIGTERM');
      await vm.ended;
    });
  });

  test('works again once it can be written: it says what is missing, and the state file tells others', async () => {
    await inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const vm = startVmrun(place, [...simulated(place, 'run'), '--log', 'none/log']);
      await vm.event('degraded');
      await login(vm);
      const state = (): string => readFileSync(place.path('run-simulated', place.name, 'state.json'), 'utf8');
      expect(state()).toContain('ENOENT');
      mkdirSync(place.path('none'));
      vm.kill('SIGUSR1');
      await vm.event('recovered');
      expect(content(place, 'none/log')).toMatch(
        /vmrun: \d+ lines? (was|were) not written here: no such file or directory \(ENOENT\)/,
      );
      await until(() => !state().includes('ENOENT'));
      vm.kill('SIGTERM');
      expect((await vm.ended).status).toBe(1);
    });
  });
});

test('SIGUSR1 where there is no log is ignored', async () => {
  await inPlace(async (place) => {
    place.spec({ com1: 'stdio' });
    const vm = startVmrun(place, simulated(place, 'run'));
    await login(vm);
    vm.kill('SIGUSR1');
    vm.kill('SIGTERM');
    const { status, signal, stderr } = await vm.ended;
    expect({ status, signal }).toEqual({ status: 1, signal: null });
    expect(stderr).not.toContain('Debugger');
  });
});

describe('--console-log', () => {
  test('has the bytes that the guest writes, which come on standard output too, for its owner alone', async () => {
    await inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const words = [...simulated(place, 'run'), '--console-log', 'console'];
      const vm = startVmrun(place, words, { stdio: ['pipe', 'pipe', 'pipe'] });
      await login(vm);
      vm.child.stdin?.write('root\r');
      await vm.said('login: root', 'stdout');
      vm.kill('SIGTERM');
      const { status, stdout } = await vm.ended;
      expect(status).toBe(1);
      expect(content(place, 'console')).toBe(stdout);
      expect(statSync(place.path('console')).mode & 0o777).toBe(0o600);
    });
  });

  test('begins a new file at SIGUSR1', async () => {
    await inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const words = [...simulated(place, 'run'), '--console-log', 'console'];
      const vm = startVmrun(place, words, { stdio: ['pipe', 'pipe', 'pipe'] });
      await login(vm);
      renameSync(place.path('console'), place.path('console.0'));
      vm.kill('SIGUSR1');
      await until(() => existsSync(place.path('console')));
      vm.child.stdin?.write('root\r');
      await vm.said('login: root', 'stdout');
      vm.kill('SIGTERM');
      const { stdout } = await vm.ended;
      expect(content(place, 'console.0')).toMatch(/login: $/);
      expect(content(place, 'console.0') + content(place, 'console')).toBe(stdout);
    });
  });

  test('on a full disk stops neither the VM nor its console', async () => {
    await inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const ended = await runVmrun(place, [...simulated(place, 'halt'), '--console-log', '/dev/full']);
      expect(ended.status).toBe(2);
      expect(ended.stdout).toContain(`${place.name} login: `);
      expect(
        ended.stderr.match(/degraded: console log: \/dev\/full: no space left on device \(ENOSPC\)/g),
      ).toHaveLength(1);
    });
  });

  test.each<[fields: object, says: string]>([
    [{}, 'the VM has no serial console'],
    [{ com1: '/dev/nmdm0A' }, 'com1 is /dev/nmdm0A'],
    [{ com2: 'tcp=127.0.0.1:4444', com1: '/dev/nmdm0A' }, 'com1 is /dev/nmdm0A, com2 is tcp=127.0.0.1:4444'],
  ])('of a console that does not go through vmrun is refused: %j', async (fields, says) => {
    await inPlace(async (place) => {
      place.spec(fields);
      const { status, stderr } = await runVmrun(place, [...simulated(place, 'halt'), '--console-log', 'console']);
      expect(status).toBe(64);
      expect(stderr).toContain(
        `--console-log: ${says}, and only a console that vmrun serves, or one on stdio, goes through it`,
      );
      expect(existsSync(place.path('console'))).toBe(false);
    });
  });

  inTerminal('in a terminal leaves the guest its keys', () =>
    inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const words = ['-c', 'vm.json', '--simulate=run', '--run-dir', place.runBase, '--events', 'events'];
      const command = quoteCommand([...vmrunCommand, ...words, '--console-log', 'console']);
      const terminal = openTerminal(place, command, 'echo "status $?"');
      await terminal.shows('login: ');
      // The guest powers off at Ctrl-C; where it reached vmrun instead, the end would be one that was asked for.
      terminal.type('root\u0003');
      expect(await terminal.ended).toContain('status 1');
      expect(content(place, 'events')).toContain('"because":"guest"');
      expect(content(place, 'console')).toContain('login: root');
    }),
  );
});

describe('a reader of stderr that does not read', () => {
  test.each<[what: string, redirection: string | undefined]>([
    ['a pipe', '2>fifo'],
    ['a pipe that is standard output too', '>fifo 2>&1'],
    ['a socket', undefined],
    ['a socket that is standard output too', '>&2'],
  ])('holds nothing up: %s', async (_what, redirection = '') => {
    await inPlace(async (place) => {
      const reader = fifo(place, 'fifo');
      try {
        place.spec();
        const words = scripted(
          place,
          ['test "$VMRUN_BOOT" = 3 && { echo up > ready; exec sleep 600; }', flood, 'exit 0'],
          ...['-v', '--events', '-'],
        );
        const script = `exec "$0" "$@" ${redirection}`;
        const vm = spawn('/bin/sh', ['-c', script, ...vmrunCommand, ...words], {
          cwd: place.folder,
          env: { PATH: process.env.PATH },
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        const ended = once(vm, 'exit');
        await until(() => existsSync(place.path('ready')));
        vm.kill('SIGTERM');
        expect(await ended).toEqual([143, null]);
        expect(place.runDirectories()).toEqual([]);
      } finally {
        reader.close();
      }
    });
  });

  test('and goes away ends no VM', async () => {
    await inPlace(async (place) => {
      const reader = fifo(place, 'fifo');
      place.spec();
      const words = scripted(place, ['echo up > ready', 'until test -e gone; do sleep 0.01; done', flood, 'exit 2']);
      const command = ['/bin/sh', '-c', 'exec "$0" "$@" 2>fifo', ...vmrunCommand];
      const vm = startVmrun(place, words, { command });
      await until(() => existsSync(place.path('ready')));
      reader.close();
      place.write('gone', '');
      expect((await vm.ended).status).toBe(2);
    });
  });

  test('and comes back gets whole lines, whoever said them, and is told what it missed', async () => {
    await inPlace(async (place) => {
      const reader = fifo(place, 'fifo');
      try {
        const line = (letter: string): string => `yes ${letter.repeat(301)} | head -n 5000`;
        const hook = place.script('hook', line('h'), 'echo done > hooked');
        place.spec({ hooks: { post_start: [hook] } });
        const bhyve = [`${line('b')} >&2`, 'until test -e told; do sleep 0.01; done', 'exit 2'];
        const command = ['/bin/sh', '-c', 'exec "$0" "$@" 2>fifo', ...vmrunCommand];
        const vm = startVmrun(place, scripted(place, bhyve, '-v', '--events', '-'), { command });
        await until(() => existsSync(place.path('hooked')));
        await until(() => reader.readSome().includes('not written here'));
        place.write('told', '');
        expect((await vm.ended).status).toBe(2);
        const odd = reader
          .readSome()
          .split('\n')
          .filter((text) => !/^(\S+: bhyve: b{301}|\S+: post_start: h{301}|vmrun: .*|\{.*\})?$/.test(text));
        expect(odd).toEqual([]);
      } finally {
        reader.close();
      }
    });
  });

  inTerminal('since Ctrl-S has stopped the terminal holds nothing up', () =>
    inPlace(async (place) => {
      place.spec();
      const noisy = ['echo up >&2', 'while :; do echo noise; sleep 0.01; done >&2'];
      const command = quoteCommand([...vmrunCommand, ...scripted(place, noisy), '-P', 'vmrun.pid']);
      const terminal = openTerminal(place, command, 'echo "status $?"');
      await terminal.shows('noise');
      terminal.type('\u0013');
      const pid = Number(content(place, 'vmrun.pid'));
      process.kill(pid, 'SIGTERM');
      await until(() => !isRunning(pid));
      terminal.type('\u0011');
      expect(await terminal.ended).toContain('status 143');
    }),
  );
});
