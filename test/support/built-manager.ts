import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ManagerEvent } from '../../src/manager/manager-events.js';
import type { Manager } from '../../src/manager/manager.js';
import type { Operation } from '../../src/manager/operations.js';
import type { ManagerOptions } from '../../src/manager/options.js';
import type { VmView } from '../../src/manager/vm-view.js';
import type { Place } from '../e2e/support/place.js';

/** A manager in a process of its own, to be killed. */
export interface ManagerProcess {
  readonly child: ChildProcess;
  /** What it was up with; rejects where it could not begin. */
  readonly up: Promise<readonly VmView[]>;
  readonly events: readonly ManagerEvent[];
  /** Resolves when the look finds something, after any event; rejects when the process ends before. */
  readonly until: <T>(what: string, look: () => T | undefined | false) => Promise<T>;
  readonly vms: () => Promise<readonly VmView[]>;
  readonly vm: (name: string) => Promise<VmView | undefined>;
  readonly start: (name: string) => Promise<Operation>;
  readonly stop: (name: string, request?: Parameters<Manager['stop']>[1]) => Promise<Operation>;
  readonly restart: (name: string) => Promise<Operation>;
  readonly operations: () => Promise<readonly Operation[]>;
  /** When it has ended. */
  readonly wait: (id: string) => Promise<Operation | undefined>;
  readonly end: (ending: Parameters<Manager['end']>[0]) => Promise<void>;
  readonly kill: () => Promise<void>;
}

type Said =
  | { readonly up: readonly VmView[] }
  | { readonly failed: { readonly message: string; readonly problems?: unknown } }
  | { readonly event: ManagerEvent }
  | { readonly ended: true }
  | { readonly answer: number; readonly value?: unknown; readonly error?: { readonly message: string } };

const script = fileURLToPath(new URL('built/manager.mjs', import.meta.url));

/** @param specs folder of the place */
export function managerProcess(
  place: Place,
  bhyve: string,
  socket?: string,
  options: Partial<ManagerOptions> = {},
): ManagerProcess {
  const all: Partial<ManagerOptions> = {
    ...{ specs: place.path('specs'), state: place.path('state'), runBase: place.runBase },
    ...{ bhyve: [bhyve], check: false, ...options },
    ...(socket === undefined ? {} : { socket }),
  };
  const child = spawn(process.execPath, [script, JSON.stringify(all)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const events: ManagerEvent[] = [];
  const watchers = new Set<() => void>();
  const answers = new Map<number, (said: { value?: unknown; error?: { message: string } }) => void>();
  let number = 0;
  let isOver = false;
  let begin: (vms: readonly VmView[]) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const up = new Promise<readonly VmView[]>((resolve, reject) => {
    begin = resolve;
    fail = reject;
  });
  // One that is killed before is nobody's failure unless he waits for it.
  up.catch(() => undefined);
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const changed = (): void => {
    for (const watcher of [...watchers]) watcher();
  };
  const exit = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    // What a kill has cut is no line.
    if (!line.endsWith('}')) return;
    const said = JSON.parse(line) as Said;
    if ('up' in said) begin(said.up);
    else if ('failed' in said) fail(Object.assign(new Error(said.failed.message), said.failed));
    else if ('event' in said) events.push(said.event);
    else if ('ended' in said) end();
    else answers.get(said.answer)?.(said);
    changed();
  });
  const over = once(lines, 'close').then(() => {
    isOver = true;
    fail(new Error('the manager was killed'));
    end();
    for (const answer of answers.values()) answer({ error: { message: 'the manager was killed' } });
    changed();
  });
  child.stdin.on('error', () => undefined);
  const ask = <T>(method: string, ...words: readonly unknown[]): Promise<T> =>
    new Promise((resolve, reject) => {
      const own = (number += 1);
      answers.set(own, ({ value, error }) => {
        answers.delete(own);
        if (error === undefined) resolve(value as T);
        else reject(Object.assign(new Error(error.message), error));
      });
      if (isOver) answers.get(own)?.({ error: { message: 'the manager was killed' } });
      else child.stdin.write(`${JSON.stringify([own, method, ...words])}\n`);
    });
  const asker = { by: 'test' };
  return {
    child,
    up,
    events,
    until: (what, look) =>
      new Promise((resolve, reject) => {
        const watcher = (): void => {
          const found = look();
          if ((found === undefined || found === false) && !isOver) return;
          watchers.delete(watcher);
          if (found === undefined || found === false) reject(new Error(`the manager ended before ${what}`));
          else resolve(found);
        };
        watchers.add(watcher);
        watcher();
      }),
    vms: () => ask('vms'),
    vm: (name) => ask('vm', name),
    start: (name) => ask('start', name, {}, asker),
    stop: (name, request = {}) => ask('stop', name, request, asker),
    restart: (name) => ask('restart', name, {}, asker),
    operations: () => ask('operations'),
    wait: (id) => ask('wait', id),
    end: async (ending) => {
      void ask('end', ending).catch(() => undefined);
      await ended;
      await over;
    },
    kill: async () => {
      // The kernel lets go of its locks after its output is closed, and before its end is told.
      child.kill('SIGKILL');
      await Promise.all([exit, over]);
    },
  };
}
