import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { test } from '@jest/globals';
import { until, type Place } from './place.js';
import { patienceMs } from '../../support/patience.js';

/** A terminal with a shell script in it. */
export interface Terminal {
  readonly shows: (text: string) => Promise<void>;
  /** All it has shown by now. */
  readonly shown: () => string;
  readonly type: (text: string) => void;
  /** It goes away under what runs in it. */
  readonly close: () => void;
  /** All it has shown, when the script has ended. */
  readonly ended: Promise<string>;
}

export function openTerminal(place: Place, ...lines: readonly string[]): Terminal {
  const file = place.script('in-terminal', ...lines);
  const child = spawn('script', ['-qfec', file, '/dev/null'], {
    cwd: place.folder,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, TERM: 'xterm' },
  });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close').then(() => shown);
  return {
    ended,
    shown: () => shown,
    type: (text) => child.stdin.write(text),
    close: () => child.kill('SIGKILL'),
    shows: async (text) => {
      let isOver = false;
      void ended.then(() => (isOver = true));
      await until(() => shown.includes(text) || isOver);
      if (!shown.includes(text)) throw new Error(`the terminal never showed ${text}: ${shown}`);
    },
  };
}

/** Lines of a script that wait for `typeAhead` before what follows them. */
export const heldBack: readonly string[] = ['mkfifo go', 'echo typed ahead:', 'read -r word < go'];

/** Types before what is held back begins, so that nothing has read it by then. */
export async function typeAhead(place: Place, terminal: Terminal, text: string): Promise<void> {
  const head = 'typed ahead:';
  await terminal.shows(head);
  terminal.type(text);
  // The terminal has it when it shows it.
  const echo = text.replaceAll('\r', '\r\n');
  await until(() => terminal.shown().split(head)[1]?.includes(echo) === true);
  await writeFile(place.path('go'), 'go\n');
}

/** Needs script(1) of util-linux and stty(1). */
export const hasScript =
  spawnSync('script', ['-qec', 'stty -g', '/dev/null'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    timeout: patienceMs,
  }).status === 0;

export const inTerminal = hasScript ? test : test.skip;

export const inTmux = spawnSync('tmux', ['-V']).status === 0 ? test : test.skip;
