import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Place } from '../e2e/support/place.js';

const program = fileURLToPath(new URL('../fixtures/rc.d/daemon.mjs', import.meta.url));

/** daemon(8) -r, which reads what its command writes to the end before it starts it again. */
export interface Daemon {
  readonly pid: number;
  /** Process of its command; 0 where there is none. */
  readonly child: () => number;
  /** What its command has written. */
  readonly said: () => string;
  /** As service(8) stop: SIGTERM goes to the command, and no other is started. */
  readonly end: () => Promise<void>;
}

/** Its command is started again at once. */
export function startDaemon(place: Place, command: readonly string[]): Daemon {
  const [own, child, log] = [place.path('daemon.pid'), place.path('manager.pid'), place.path('manager.log')];
  const words = ['-r', '-R', '0', '-H', '-o', log, '-P', own, '-p', child, ...command];
  const daemon = spawn(process.execPath, [program, ...words], { cwd: place.folder, stdio: 'ignore' });
  const ended = once(daemon, 'close');
  const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  return {
    pid: daemon.pid ?? 0,
    child: () => Number(textOf(child)),
    said: () => textOf(log),
    end: async () => {
      daemon.kill('SIGTERM');
      await ended;
    },
  };
}
