import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect } from '@jest/globals';
import { quoteCommand } from '../../src/base/shell.js';
import { inPlace, isRunning, until, vmrunCommand, type Place } from './support/place.js';
import { inTerminal, inTmux, openTerminal, type Terminal } from './support/terminal.js';
import { runVmrun } from './support/vmrun.js';
import { patienceMs } from '../support/patience.js';

const vmrun = (place: Place, ...words: readonly string[]): string =>
  quoteCommand([
    ...vmrunCommand,
    '--simulate=run',
    '--run-dir',
    place.runBase,
    '-p',
    'vm.pid',
    '-P',
    'vmrun.pid',
    ...words,
  ]);

const pidIn = (place: Place, file: string): number => Number(readFileSync(place.path(file), 'utf8'));

describe('in a terminal', () => {
  const settingsAround = (command: string): readonly string[] => [
    'before=$(stty -g)',
    command,
    'echo "status $?"',
    'test "$before" = "$(stty -g)" && echo settings restored || echo settings changed',
  ];

  inTerminal('what is typed goes to the guest, Ctrl-C too', () =>
    inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const terminal = openTerminal(place, ...settingsAround(vmrun(place, '-c', 'vm.json')));
      await terminal.shows('login: ');
      terminal.type('root\r');
      await terminal.shows('login: root');
      terminal.type('\u0003');
      const shown = await terminal.ended;
      // It was the guest that powered off: vmrun was not asked to stop.
      expect(shown).not.toContain('stopping:');
      expect(shown).toContain('status 1');
      expect(shown).toContain('settings restored');
      // Whole lines of our own on a terminal that is raw begin at its left edge.
      expect(shown).toMatch(/\r\nvmrun: .* powered off/);
    }),
  );

  inTerminal.each<[typed: string, status: number]>([
    ['poweroff\r', 1],
    ['reboot\r', 0],
    ['exit\r', 1],
    ['\u0004', 1],
  ])('a simulated guest obeys %j', (typed, status) =>
    inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const terminal = openTerminal(place, vmrun(place, '-c', 'vm.json', '--no-reboot'), 'echo "status $?"');
      await terminal.shows('login: ');
      terminal.type(typed);
      expect(await terminal.ended).toContain(`status ${status}`);
    }),
  );

  inTerminal('a run with its console there says how to leave it, and speaks on lines of its own', () =>
    inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const terminal = openTerminal(place, vmrun(place, '-c', 'vm.json', '--no-color'));
      await terminal.shows('login: ');
      const pid = pidIn(place, 'vm.pid');
      const words = ['stop', place.name, '--run-dir', place.runBase];
      // What vmrun says comes while the guest's prompt stands there; the stop itself lets the guest go on.
      process.kill(pid, 'SIGSTOP');
      expect((await runVmrun(place, words)).status).toBe(0);
      await terminal.shows('asked the guest to power off');
      const shown = await terminal.ended;
      expect(shown.match(/to leave: .*/g)).toEqual([expect.stringContaining(`vmrun ${words.join(' ')} `)]);
      const lines = shown.split('\n').filter((line) => line.includes('vmrun: '));
      expect(lines.length).toBeGreaterThanOrEqual(4);
      for (const line of lines) expect(line).toMatch(/^vmrun: /);
    }),
  );

  describe('that is closed, or says so, ends in order a guest whose console is there', () => {
    const hangUp = (place: Place, ...files: readonly string[]): void => {
      for (const file of files) process.kill(pidIn(place, file), 'SIGHUP');
    };
    const ways: readonly (readonly [title: string, close: (place: Place, terminal: Terminal) => void])[] = [
      [
        'a terminal that goes away',
        (_place, terminal) => {
          terminal.close();
        },
      ],
      [
        'SIGHUP to vmrun',
        (place) => {
          hangUp(place, 'vmrun.pid');
        },
      ],
      [
        'SIGHUP to bhyve first',
        (place) => {
          hangUp(place, 'vm.pid', 'vmrun.pid');
        },
      ],
    ];

    inTerminal.each(ways)('%s', (_title, close) =>
      inPlace(async (place) => {
        place.spec({ com1: 'stdio' });
        const command = vmrun(place, '-c', 'vm.json', '--log', 'log');
        const terminal = openTerminal(place, 'trap "" HUP', command, 'echo $? > status.new', 'mv status.new status');
        await terminal.shows('login: ');
        close(place, terminal);
        await until(() => existsSync(place.path('status')));
        expect(readFileSync(place.path('status'), 'utf8')).toBe('1\n');
        const log = readFileSync(place.path('log'), 'utf8');
        expect(log).toMatch(/asked the guest to power off[^]* powered off after /);
        expect(log).not.toContain('forc');
        await until(() => place.processes().length === 0);
        expect(place.runDirectories()).toEqual([]);
        expect(existsSync(place.path('vm.pid')) || existsSync(place.path('vmrun.pid'))).toBe(false);
      }),
    );

    inTmux('a session of tmux that is killed', () =>
      inPlace(async (place) => {
        place.spec({ com1: 'stdio' });
        const tmux = (...words: readonly string[]) =>
          execFileSync('tmux', ['-S', place.path('tmux'), '-f', '/dev/null', ...words], {
            cwd: place.folder,
            timeout: patienceMs,
          });
        tmux('new-session', '-d', `exec ${vmrun(place, '-c', 'vm.json', '--log', 'log', '--console-log', 'console')}`);
        await until(
          () => existsSync(place.path('console')) && readFileSync(place.path('console'), 'utf8').includes('login:'),
        );
        tmux('kill-server');
        await until(() => place.processes().length === 0);
        expect(readFileSync(place.path('log'), 'utf8')).toMatch(/asked the guest to power off[^]* powered off after /);
        expect(place.runDirectories()).toEqual([]);
      }),
    );

    inTerminal('and a guest whose console is elsewhere goes on', () =>
      inPlace(async (place) => {
        place.spec();
        const bhyve = place.script('bhyve', "trap 'kill $!; exit 1' TERM", 'sleep 600 &', 'echo up >&2', 'wait');
        const words = ['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve];
        const command = quoteCommand([...vmrunCommand, ...words, '-P', 'vmrun.pid', '--log', 'log']);
        const terminal = openTerminal(place, command, 'true');
        await terminal.shows('up');
        const supervisor = pidIn(place, 'vmrun.pid');
        terminal.close();
        await terminal.ended;
        const { status } = await runVmrun(place, ['stop', place.name, '--run-dir', place.runBase]);
        expect(status).toBe(0);
        await until(() => !isRunning(supervisor));
        expect(readFileSync(place.path('log'), 'utf8').match(/asked the guest/g)).toHaveLength(1);
      }),
    );
  });

  inTerminal('its settings are put back after a bhyve that was killed', () =>
    inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const terminal = openTerminal(place, ...settingsAround(vmrun(place, '-c', 'vm.json')));
      await terminal.shows('login: ');
      terminal.type('raw');
      await terminal.shows('login: raw');
      process.kill(pidIn(place, 'vm.pid'), 'SIGKILL');
      const shown = await terminal.ended;
      expect(shown).toContain('status 137');
      expect(shown).toContain('settings restored');
    }),
  );

  describe('a loader', () => {
    const run = (place: Place, ...loader: readonly string[]): string => {
      place.spec({ com1: 'stdio', loader: { kind: 'bhyveload', disk: '/vm/disk.img' } });
      place.script('bhyveload', ...loader);
      const bhyve = place.script('bhyve', 'echo bhyve runs', 'exit 2');
      const words = ['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve];
      return `PATH='${place.folder}':/usr/bin:/bin ${quoteCommand([...vmrunCommand, ...words, '-P', 'vmrun.pid'])}`;
    };

    inTerminal('has it before the guest', () =>
      inPlace(async (place) => {
        const command = run(place, 'test -t 1 && echo "OK $2"', 'read line', 'echo "told to $line"');
        const terminal = openTerminal(place, command, 'echo "status $?"');
        await terminal.shows('OK stdio');
        terminal.type('boot\r');
        const shown = await terminal.ended;
        expect(shown).toMatch(/told to boot[^]*bhyve runs[^]*status 2/);
      }),
    );

    inTerminal('ends with vmrun at Ctrl-C, and no bhyve follows', () =>
      inPlace(async (place) => {
        const command = run(place, 'echo "OK $2"', 'exec sleep 600');
        const terminal = openTerminal(place, 'trap : INT', command, 'echo "status $?"');
        await terminal.shows('OK stdio');
        terminal.type('\u0003');
        const shown = await terminal.ended;
        expect(shown).toContain('status 0');
        expect(shown).not.toContain('bhyve runs');
      }),
    );

    inTerminal('that made it raw and was killed leaves it as it was', () =>
      inPlace(async (place) => {
        const command = run(place, 'stty raw', 'echo "OK $2"', 'exec sleep 600');
        const terminal = openTerminal(place, ...settingsAround(command));
        await terminal.shows('OK stdio');
        process.kill(pidIn(place, 'vmrun.pid'), 'SIGTERM');
        const shown = await terminal.ended;
        expect(shown).toContain('status 0');
        expect(shown).toContain('settings restored');
      }),
    );
  });

  inTerminal('a guest has its console there also when standard input has carried the spec', () =>
    inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const terminal = openTerminal(place, `cat vm.json | ${vmrun(place, '-c-')}`, 'echo "status $?"');
      await terminal.shows('login: ');
      terminal.type('root\r');
      await terminal.shows('login: root');
      process.kill(pidIn(place, 'vmrun.pid'), 'SIGTERM');
      expect(await terminal.ended).toContain('status 1');
    }),
  );

  inTerminal('Ctrl-C stops a guest whose console is elsewhere, once and in order', () =>
    inPlace(async (place) => {
      place.spec();
      const bhyve = place.script(
        'bhyve',
        "trap 'kill $!; exit 1' TERM",
        "trap 'echo interrupted' INT",
        'sleep 600 &',
        'echo up >&2',
        'wait',
      );
      const words = ['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve];
      const terminal = openTerminal(place, 'trap : INT', quoteCommand([...vmrunCommand, ...words]), 'echo "status $?"');
      await terminal.shows('up');
      terminal.type('\u0003');
      const shown = await terminal.ended;
      expect(shown).toContain('asked the guest to power off');
      expect(shown).toContain('powered off after');
      expect(shown).not.toContain('interrupted');
      expect(shown).toContain('status 1');
    }),
  );

  inTerminal('a terminal without stty(1) at hand is not a reason to fail', () =>
    inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const terminal = openTerminal(place, `PATH=/none ${vmrun(place, '-c', 'vm.json')}`, 'echo "status $?"');
      await terminal.shows('login: ');
      process.kill(pidIn(place, 'vmrun.pid'), 'SIGTERM');
      const shown = await terminal.ended;
      expect(shown).toContain('status 1');
      expect(shown).not.toContain('bug in vmrun');
    }),
  );

  inTerminal('colours come by themselves, unless $NO_COLOR or a dumb terminal minds', () =>
    inPlace(async (place) => {
      place.spec();
      const lines = ['', 'NO_COLOR=1 ', 'TERM=dumb '].map(
        (env) => `${env}${quoteCommand(vmrunCommand)} -c none.json -d`,
      );
      const parts = (await openTerminal(place, ...lines.flatMap((line) => [line, 'echo ----'])).ended).split('----');
      expect(parts.map((part) => part.includes('\u001b['))).toEqual([true, false, false, false]);
    }),
  );

  inTerminal('a host that can be fixed is asked about, and No is the answer', () =>
    inPlace(async (place) => {
      const bhyve = place.script('bhyve', 'exit 2');
      place.write('rom.fd', '');
      place.spec({ bootrom: place.path('rom.fd'), emulations: [{ device: 'virtio-net', name: 'tap77', type: 'tap' }] });
      const tools: readonly (readonly [string, string])[] = [
        ['ifconfig', `echo "$*" >> '${place.path('calls')}'`],
        [
          'kldstat',
          'printf "1 1 0x1 1 vmm.ko (/vmm.ko)\\n\\tContains modules:\\n\\t\\t Id Name\\n\\t\\t1 vmm\\n\\t\\t2 if_tuntap\\n"',
        ],
      ];
      for (const [name, line] of tools) place.script(name, line);
      const words = quoteCommand([...vmrunCommand, '-c', 'vm.json', '--run-dir', place.runBase, '--bhyve', bhyve]);
      const terminal = openTerminal(place, `PATH='${place.folder}':/usr/bin:/bin ${words}`, 'echo "status $?"');
      await terminal.shows('[y/N]');
      terminal.type('\r');
      const shown = await terminal.ended;
      expect(shown).toContain('ifconfig tap77 create');
      expect(shown).toContain('status 69');
      expect(existsSync(place.path('calls')) && readFileSync(place.path('calls'), 'utf8').includes('create')).toBe(
        false,
      );
    }),
  );
});
