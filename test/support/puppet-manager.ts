import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Operation } from '../../src/manager/operations.js';
import type { VmView } from '../../src/manager/vm-view.js';
import type { Place } from '../e2e/support/place.js';
import { ask } from './served.js';

const program = fileURLToPath(new URL('built/serving.mjs', import.meta.url));

/** `vmrun serve` in a process of its own, its VMs shell scripts. */
export interface PuppetManager {
  readonly pid: number;
  /** Resolves when it listens; rejects with what it has said where it ends before. */
  readonly listens: Promise<void>;
  readonly isOver: () => boolean;
  /** What it has said. */
  readonly said: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves when it has ended and its output has been read to the end, with its exit code; null: a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Where the managers of a place listen. */
export const socketOf = (place: Place): string => `${place.runBase}-simulated/manager.sock`;

/** Words that start a manager of the specs of a place. @param guest the shell script that plays bhyve */
export function puppetServe(place: Place, guest: string): readonly string[] {
  mkdirSync(place.path('specs'), { recursive: true });
  const said = { specs: place.path('specs'), state: place.path('state'), run_dir: place.runBase };
  const configuration = place.write('manager.json', JSON.stringify(said));
  return [process.execPath, program, guest, '-c', configuration];
}

export function puppetManager(place: Place, guest: string): PuppetManager {
  const [node = '', ...words] = puppetServe(place, guest);
  const child = spawn(node, words, { cwd: place.folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  let isOver = false;
  const ended = once(child, 'close').then(() => {
    isOver = true;
    return child.exitCode;
  });
  const listens = new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes(' listens at ')) resolve();
    });
    void ended.then(() => {
      reject(new Error(`the manager ended before it listened:\n${said}`));
    });
  });
  // One that is killed before is nobody's failure unless he waits for it.
  listens.catch(() => undefined);
  return { pid: child.pid ?? 0, listens, isOver: () => isOver, said: () => said, kill: (s) => child.kill(s), ended };
}

/** What the API of a place answers. */
export interface PlaceApi {
  readonly vms: () => Promise<readonly VmView[]>;
  /** Undefined: it knows of none. */
  readonly operation: (id: string) => Promise<Operation | undefined>;
  /** Asks for a start, stop or restart. Rejects where nobody answers. */
  readonly request: (name: string, what: 'start' | 'stop' | 'restart', body?: object) => Promise<Operation>;
}

export function placeApi(place: Place): PlaceApi {
  const call = async (method: string, path: string, body?: object) => {
    const more = body === undefined ? {} : { body };
    const reply = await ask(`http://localhost/api/v1${path}`, { method, socketPath: socketOf(place), ...more });
    if (reply.status >= 300 && reply.status !== 404)
      throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
    return reply.status === 404 ? undefined : reply.json;
  };
  return {
    vms: async () => ((await call('GET', '/vms')) as { readonly vms: readonly VmView[] }).vms,
    operation: async (id) => (await call('GET', `/operations/${id}`)) as Operation | undefined,
    request: async (name, what, body = {}) => (await call('POST', `/vms/${name}/${what}`, body)) as Operation,
  };
}
