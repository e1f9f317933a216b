import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { smallVm, until, vmrunCommand, type Place } from './place.js';
import type { VmView } from '../../../src/manager/vm-view.js';

/** What a command of the manager's has printed, and how it ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `vmrun serve` in a place, its VMs simulated. */
export interface Serving {
  readonly pid: number;
  /** All that it has said. */
  readonly said: () => string;
  /** Resolves when it has said something that is like this. */
  readonly saw: (pattern: RegExp) => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves when it has ended, with its exit code; null: a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Where managers run. */
export interface ManagedPlace {
  readonly place: Place;
  /** Writes the spec of a VM into the folder of specs. @returns its name, which no VM of another test has */
  readonly vm: (name: string, fields?: object) => string;
  /** Starts a manager, and waits until it listens. */
  readonly serve: (...words: readonly string[]) => Promise<Serving>;
  /** The same without waiting. */
  readonly begin: (...words: readonly string[]) => Serving;
  /** A command that asks the manager. */
  readonly ask: (...words: readonly string[]) => Promise<Ended>;
  /** What `vmrun ls` knows of a VM. */
  readonly view: (name: string) => Promise<VmView>;
  /** Resolves when that is in this state. */
  readonly inState: (name: string, state: VmView['state']) => Promise<VmView>;
}

export function managedIn(place: Place): ManagedPlace {
  mkdirSync(place.path('specs'));
  place.write('manager.json', JSON.stringify({ specs: 'specs', state: 'state', run_dir: place.runBase }));
  const env = { PATH: process.env.PATH, HOME: place.folder, TMPDIR: place.folder };

  function begin(...words: readonly string[]): Serving {
    const [program = '', ...rest] = vmrunCommand;
    const child = spawn(program, [...rest, 'serve', '-c', 'manager.json', '--simulate', ...words], {
      cwd: place.folder,
      env,
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(child, 'close').then(() => child.exitCode);
    let isOver = false;
    void ended.then(() => (isOver = true));
    return {
      pid: child.pid ?? 0,
      said: () => said,
      saw: async (pattern) => {
        await until(() => pattern.test(said) || isOver);
        if (!pattern.test(said)) throw new Error(`it ended without ${String(pattern)}:\n${said}`);
      },
      kill: (signal) => child.kill(signal),
      ended,
    };
  }

  async function ask(...words: readonly string[]): Promise<Ended> {
    const [program = '', ...rest] = vmrunCommand;
    const child = spawn(program, [...rest, ...words, '--run-dir', place.runBase], {
      cwd: place.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const printed = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
    await once(child, 'close');
    return { status: child.exitCode, ...printed };
  }

  async function views(): Promise<readonly VmView[]> {
    const { status, stdout, stderr } = await ask('ls', '--json');
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as readonly VmView[];
  }

  async function view(name: string): Promise<VmView> {
    const found = (await views()).find((each) => each.name === name);
    if (found === undefined) throw new Error(`the manager has no ${name}`);
    return found;
  }

  return {
    place,
    vm(name, fields = {}) {
      const own = `${name}.${place.name}`;
      place.spec({ ...smallVm(own), ...fields }, `specs/${name}.json`);
      return own;
    },
    begin,
    async serve(...words) {
      const serving = begin(...words);
      await serving.saw(/ listens at /);
      return serving;
    },
    ask,
    view,
    async inState(name, state) {
      for (;;) {
        const found = await view(name);
        if (found.state === state) return found;
      }
    },
  };
}

/** What a file in the place says, as JSON. */
export const jsonIn = (place: Place, ...names: readonly string[]): unknown =>
  existsSync(place.path(...names)) ? (JSON.parse(readFileSync(place.path(...names), 'utf8')) as unknown) : undefined;
