import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const launcher = fileURLToPath(new URL('../../bin/bhyve-sim.js', import.meta.url));

/** How a simulated bhyve ended. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A bhyve-sim that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once stdout contains the text; rejects where the process ends before. */
  readonly said: (text: string) => Promise<void>;
  readonly type: (text: string) => void;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the built launcher without the variables that the test's own surroundings may have. */
export const startSim = (argv: readonly string[], surroundings: Surroundings = {}): Running =>
  startProgram(process.execPath, [launcher, ...argv], surroundings);

/** The same of what starts it. */
export function startProgram(program: string, argv: readonly string[], { cwd, env }: Surroundings): Running {
  const child = spawn(program, argv, {
    cwd: cwd ?? tmpdir(),
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      resolve({ status, signal, ...printed });
    });
  });
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (printed.stdout.includes(text)) resolve();
      };
      look();
      child.stdout.on('data', look);
      void ended.then((end) => {
        reject(new Error(`ended before it said ${JSON.stringify(text)}: ${JSON.stringify(end)}`));
      });
    });
  return { child, ended, said, type: (text) => child.stdin.write(text) };
}

/** Runs it to its end. */
export const runSim = (argv: readonly string[], surroundings?: Surroundings): Promise<Ended> =>
  startSim(argv, surroundings).ended;

/** Gives a new folder to a function and removes it afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bhyve-sim-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A guest with a console on stdin and stdout. */
export const guest = ['-s', '31,lpc', '-l', 'com1,stdio', '-l', 'bootrom,/rom.fd'] as const;
