import { readFileSync } from 'node:fs';
import { describe, expect } from '@jest/globals';
import { quoteCommand } from '../../src/base/shell.js';
import { inPlace, isRunning, until, vmrunCommand, type Place } from './support/place.js';
import { inTerminal, openTerminal } from './support/terminal.js';
import { runVmrun } from './support/vmrun.js';

const served = { com1: 'console' };

const quoted = (...words: readonly string[]): string => quoteCommand([...vmrunCommand, ...words]);
const vmrun = (place: Place, ...more: readonly string[]): string =>
  quoted('-c', 'vm.json', '--simulate=run', '--run-dir', place.runBase, '-P', 'vmrun.pid', '--no-color', ...more);
const consoleOf = (place: Place): string => quoted('console', place.name, '--run-dir', place.runBase);

const settingsAround = (command: string): readonly string[] => [
  'before=$(stty -g)',
  command,
  'echo "status $?"',
  'test "$before" = "$(stty -g)" && echo settings restored || echo settings changed',
];

/** What the shell behind it finds typed. */
const leftTyped = ['stty -icanon min 0 time 0', 'echo "left: [$(dd bs=1000 count=1 2>/dev/null)]"'];

/** The guest has heard a line, which its prompt follows; the one before it may have been shown before a shell came between. */
const answered = (terminal: Pick<ReturnType<typeof openTerminal>, 'shown'>, line: string): Promise<void> =>
  until(() => new RegExp(`${line}\\s+\\S+ login: `).test(terminal.shown()));

/** What the keys do, in a window of 45 columns. */
const narrowHelp = /vmrun: \S+: ~\. leaves, ~t takes the\r*\n +keyboard, /;

const stop = (place: Place) => runVmrun(place, ['stop', place.name, '--run-dir', place.runBase]);

describe('a run with a served console that is started on a terminal', () => {
  inTerminal('shows it there, and what is typed goes to the guest, Ctrl-C too', () =>
    inPlace(async (place) => {
      place.spec(served);
      const terminal = openTerminal(place, ...settingsAround(vmrun(place)));
      await terminal.shows('login: ');
      terminal.type('root\r');
      await terminal.shows('login: root');
      terminal.type('\u0003');
      const shown = await terminal.ended;
      // It was the guest that powered off: vmrun was not asked to stop.
      expect(shown).not.toContain('asked the guest');
      expect(shown).toContain('status 1');
      expect(shown).toContain('settings restored');
      expect(shown).toContain('this terminal is its console: ~. at the beginning of a line leaves');
      for (const line of shown.split('\n').filter((each) => each.includes('vmrun: '))) expect(line).toMatch(/^vmrun: /);
    }),
  );

  inTerminal('gives it back for ~., and then Ctrl-C is for vmrun', () =>
    inPlace(async (place) => {
      place.spec(served);
      const terminal = openTerminal(place, 'trap : INT', ...settingsAround(vmrun(place)));
      await terminal.shows('login: ');
      terminal.type('\r~.');
      await terminal.shows('left the console, and the guest goes on: vmrun console');
      terminal.type('\u0003');
      const shown = await terminal.ended;
      expect(shown).toContain('asked the guest to power off');
      expect(shown).toContain('status 1');
      expect(shown).toContain('settings restored');
    }),
  );

  inTerminal('leaves nothing to the shell of what was typed when the guest was left', () =>
    inPlace(async (place) => {
      place.spec(served);
      const terminal = openTerminal(place, vmrun(place), ...leftTyped);
      await terminal.shows('login: ');
      terminal.type('\r~.');
      await terminal.shows('left the console');
      terminal.type('echo too late\rhalf a line');
      await terminal.shows('half a line');
      expect((await stop(place)).status).toBe(0);
      expect(await terminal.ended).toContain('left: []');
    }),
  );

  inTerminal('leaves nothing to the shell of what a guest on stdio has not read', () =>
    inPlace(async (place) => {
      place.spec({ com1: 'stdio' });
      const deaf = place.script('deaf', 'stty raw -echo', 'echo up', 'exec sleep 600');
      const words = ['-c', 'vm.json', '--bhyve', deaf, '--run-dir', place.runBase, '--no-requirement-check'];
      const terminal = openTerminal(place, quoted(...words), ...leftTyped);
      await terminal.shows('up');
      terminal.type('echo too late\rhalf a line');
      expect((await stop(place)).status).toBe(0);
      expect(await terminal.ended).toContain('left: []');
    }),
  );

  inTerminal('is suspended by ~^Z, and has its console again in the foreground', () =>
    inPlace(async (place) => {
      place.spec(served);
      const terminal = openTerminal(place, 'set -m', vmrun(place, '--log', 'log'), 'echo "the shell has it"', 'fg');
      await terminal.shows('login: ');
      terminal.type('\r~\u001a');
      await terminal.shows('the shell has it');
      terminal.type('guest\r');
      await answered(terminal, 'guest');
      terminal.type('poweroff\r');
      const shown = await terminal.ended;
      expect(shown).toContain('suspended: until vmrun goes on (fg, bg, or kill -CONT ');
      expect(shown.match(/as bhyve of FreeBSD/g)).toHaveLength(1);
      expect(readFileSync(place.path('log'), 'utf8')).toMatch(/suspended: .*\n(.*\n)*.* vmrun: goes on\n/);
    }),
  );

  inTerminal('fits what it says to the window that it finds when it comes back', () =>
    inPlace(async (place) => {
      place.spec(served);
      const resize = 'stty cols 45';
      const terminal = openTerminal(place, 'stty cols 200', 'set -m', vmrun(place), resize, 'echo "shell"', 'fg');
      await terminal.shows('login: ');
      terminal.type('\r~?');
      await terminal.shows('each at the beginning of a line');
      terminal.type('\r~\u001a');
      await terminal.shows('shell');
      terminal.type('guest\r');
      await answered(terminal, 'guest');
      terminal.type('\r~?');
      await until(() => narrowHelp.test(terminal.shown()));
      terminal.type('poweroff\r');
      expect(await terminal.ended).toMatch(narrowHelp);
    }),
  );

  inTerminal('comes to its terminal when it is brought to the foreground', () =>
    inPlace(async (place) => {
      place.spec(served);
      const terminal = openTerminal(place, 'set -m', `${vmrun(place)} &`, 'read line', 'fg', 'echo "status $?"');
      await terminal.shows(`console: vmrun console ${place.name}`);
      terminal.type('\r');
      await terminal.shows('login: ');
      terminal.type('halt\r');
      expect(await terminal.ended).toContain('status 2');
    }),
  );

  inTerminal('goes on when the terminal is closed, with its console, and its log says so', () =>
    inPlace(async (place) => {
      place.spec(served);
      const terminal = openTerminal(place, vmrun(place, '--log', 'log'), 'true');
      await terminal.shows('login: ');
      const supervisor = Number(readFileSync(place.path('vmrun.pid'), 'utf8'));
      terminal.close();
      await terminal.ended;
      const words = ['console', place.name, '--run-dir', place.runBase];
      const client = await runVmrun(place, words, { input: 'poweroff\n' });
      expect(client).toMatchObject({ status: 0, stdout: expect.stringContaining('login: ') });
      await until(() => !isRunning(supervisor));
      expect(place.runDirectories()).toEqual([]);
      const log = readFileSync(place.path('log'), 'utf8');
      expect(log).toContain('the terminal was closed (SIGHUP), and the VM goes on');
      const own = `console: the terminal of its vmrun, process ${supervisor},`;
      for (const what of ['has come', 'has the keyboard', 'has left']) expect(log).toContain(`${own} ${what}`);
      expect(log).toMatch(/console: process \d+ has come\n/);
    }),
  );

  inTerminal('leaves the terminal alone in the background, and says how the console is reached', () =>
    inPlace(async (place) => {
      place.spec(served);
      const terminal = openTerminal(place, 'set -m', `${vmrun(place)} &`, 'read line', 'echo "shell: $line"', 'wait');
      await terminal.shows(`console: vmrun console ${place.name}`);
      terminal.type('mine\r');
      await terminal.shows('shell: mine');
      expect((await stop(place)).status).toBe(0);
      expect(await terminal.ended).not.toContain('login: ');
    }),
  );
});

describe('vmrun console on a terminal', () => {
  inTerminal('types every key but what follows ~, and puts the settings back', () =>
    inPlace(async (place) => {
      place.spec(served);
      const run = openTerminal(place, `${vmrun(place)} < /dev/null`);
      await run.shows('console: ');
      const terminal = openTerminal(place, ...settingsAround(consoleOf(place)));
      await terminal.shows('you are at its console; ~. leaves');
      await terminal.shows('login: ');
      terminal.type('~?');
      await terminal.shows('~t takes the keyboard');
      terminal.type('~~a\u007f\r');
      await terminal.shows('\n~a');
      terminal.type('~.');
      const shown = await terminal.ended;
      expect(shown).toContain('status 0');
      expect(shown).toContain('settings restored');
      expect((await stop(place)).status).toBe(0);
      await run.ended;
    }),
  );

  inTerminal('takes the keyboard from the terminal that the run was started on, which is told', () =>
    inPlace(async (place) => {
      place.spec(served);
      const run = openTerminal(place, vmrun(place), 'echo "status $?"');
      await run.shows('login: ');
      const terminal = openTerminal(place, consoleOf(place));
      await terminal.shows('has the keyboard: you only watch; ~t takes the keyboard, ~. leaves');
      terminal.type('ignored\r');
      await terminal.shows('not typed: the terminal of its vmrun, process ');
      terminal.type('~t');
      await run.shows('has the keyboard; ~t takes it');
      run.type('ignored, too\r');
      await run.shows('not typed: process ');
      terminal.type('poweroff\r');
      expect(await run.ended).toContain('status 1');
      expect(await terminal.ended).not.toContain('ignored');
    }),
  );

  inTerminal('only watches with --watch: says so to who types, and leaves for ~. or Ctrl-C', () =>
    inPlace(async (place) => {
      place.spec(served);
      const run = openTerminal(place, `${vmrun(place)} < /dev/null`);
      await run.shows('console: ');
      const terminal = openTerminal(
        place,
        ...settingsAround(`${consoleOf(place)} --watch`),
        `${consoleOf(place)} --watch`,
        'echo "then $?"',
        ...leftTyped,
      );
      await terminal.shows('login: ');
      await terminal.shows('you only watch');
      terminal.type('echo typed\r~.echo late\r');
      await terminal.shows('settings restored');
      // It says so when it begins, and once to who types all the same.
      await until(() => terminal.shown().split('you only watch').length > 3);
      terminal.type('\u0003echo late\r');
      const shown = await terminal.ended;
      expect(shown).toContain('status 0');
      expect(shown).toContain('then 0');
      expect(shown).toContain('left: []');
      expect(shown).not.toContain('echo typed');
      expect((await stop(place)).status).toBe(0);
      await run.ended;
    }),
  );

  inTerminal('is suspended by ~^Z, and comes back', () =>
    inPlace(async (place) => {
      place.spec(served);
      const run = openTerminal(place, `${vmrun(place)} < /dev/null`);
      await run.shows('console: ');
      const terminal = openTerminal(
        place,
        'stty cols 200',
        'set -m',
        consoleOf(place),
        'stty cols 45',
        'echo "the shell has it"',
        'fg',
        'echo "end $?"',
      );
      await terminal.shows('login: ');
      terminal.type('\r~\u001a');
      await terminal.shows('the shell has it');
      terminal.type('back\r');
      await answered(terminal, 'back');
      terminal.type('\r~?');
      await until(() => narrowHelp.test(terminal.shown()));
      terminal.type('~.');
      expect(await terminal.ended).toContain('end 0');
      expect((await stop(place)).status).toBe(0);
      await run.ended;
    }),
  );
});

describe('a supervisor that Ctrl-Z has stopped', () => {
  inTerminal('is named by vmrun console, with what makes it go on, and vmrun stop makes it', () =>
    inPlace(async (place) => {
      place.spec(served);
      const run = openTerminal(place, 'set -m', vmrun(place), 'echo "stopped by Ctrl-Z"', 'read line');
      await run.shows('login: ');
      const client = openTerminal(place, consoleOf(place), 'echo "status $?"');
      await client.shows('login: ');
      run.type('\r~.');
      await run.shows('left the console');
      run.type('\u001a');
      await run.shows('stopped by Ctrl-Z');
      const supervisor = Number(readFileSync(place.path('vmrun.pid'), 'utf8'));
      const words = `process ${supervisor}, its supervisor, is stopped (state T) and does not answer: kill -CONT ${supervisor}`;
      client.type('\r');
      await client.shows(words);
      client.type('~.');
      expect(await client.ended).toContain('status 0');
      for (const input of ['reboot\n', '']) {
        const piped = await runVmrun(place, ['console', place.name, '--run-dir', place.runBase], { input });
        expect(piped).toMatchObject({ status: 75, stderr: expect.stringContaining(words) });
      }
      expect(await stop(place)).toMatchObject({
        status: 0,
        stderr: expect.stringContaining(`process ${supervisor}, its supervisor, was stopped (state T)`),
      });
      run.type('\r');
      await run.ended;
      expect(place.runDirectories()).toEqual([]);
    }),
  );
});
