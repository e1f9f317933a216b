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

  inTerminal('goes on when the terminal is closed, with its console', () =>
    inPlace(async (place) => {
      place.spec(served);
      const terminal = openTerminal(place, vmrun(place), 'true');
      await terminal.shows('login: ');
      const supervisor = Number(readFileSync(place.path('vmrun.pid'), 'utf8'));
      terminal.close();
      await terminal.ended;
      const words = ['console', place.name, '--run-dir', place.runBase];
      const client = await runVmrun(place, words, { input: 'poweroff\n' });
      expect(client).toMatchObject({ status: 0, stdout: expect.stringContaining('login: ') });
      await until(() => !isRunning(supervisor));
      expect(place.runDirectories()).toEqual([]);
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
      await terminal.shows('which runs it has the keyboard, you watch; ~t takes it');
      terminal.type('ignored\r~t');
      await run.shows('has the keyboard; ~t takes it');
      run.type('ignored, too\r');
      terminal.type('poweroff\r');
      expect(await run.ended).toContain('status 1');
      expect(await terminal.ended).not.toContain('ignored');
    }),
  );
});
