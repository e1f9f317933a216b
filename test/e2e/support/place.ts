import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hangMs, patienceMs } from '../../support/patience.js';

const bin = (name: string): string => fileURLToPath(new URL(`../../../bin/${name}`, import.meta.url));

/** Words that start the built programs. */
export const vmrunCommand: readonly string[] = [process.execPath, bin('vmrun.js')];
export const simulatorCommand: readonly string[] = [process.execPath, bin('bhyve-sim.js')];

/** A folder and a VM name of one test's own, so that tests can run side by side. */
export interface Place {
  readonly folder: string;
  readonly name: string;
  /** Folder of the run directories, for `--run-dir` and `runBase`; made by the run. */
  readonly runBase: string;
  readonly path: (...names: readonly string[]) => string;
  /** Writes a file. @returns its path */
  readonly write: (name: string, content: string | Uint8Array, mode?: number) => string;
  /** Writes a spec of a small VM of this place's name. @returns its path */
  readonly spec: (fields?: object, file?: string) => string;
  /** A program that is a shell script. @returns its path */
  readonly script: (name: string, ...lines: readonly string[]) => string;
  /** What is in the folders of run directories, simulated and not: empty when every run has ended. */
  readonly runDirectories: () => readonly string[];
  /** Processes whose command line names this place. */
  readonly processes: () => readonly Found[];
}

export interface Found {
  readonly pid: number;
  readonly command: string;
}

/**
 * Gives a place to a function and removes it afterwards. What still runs then is ended, and is the test's failure:
 * nothing may outlive its run.
 */
export async function inPlace<T>(use: (place: Place) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-test-'));
  const place = makePlace(folder);
  // Of those that are about to end, ps(1) sees none any more; one that a test has killed may take a moment.
  const endAll = (): readonly Found[] => {
    const all = place.processes().length > 0 ? namedIn(byPs(), [folder, place.name]) : [];
    const found = all.filter(({ pid }) => !killed.has(pid));
    for (const { pid } of [...found, ...workingIn(folder)]) endProcess(pid);
    return found;
  };
  const alarm = setTimeout(endAll, hangMs).unref();
  let left: readonly Found[];
  let result: T;
  try {
    result = await use(place);
  } finally {
    clearTimeout(alarm);
    left = endAll();
    // A shell that was killed may leave a mkfifo(1) that is just about to make its file.
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  }
  if (left.length > 0) throw new Error(`still running: ${left.map(({ command }) => command).join('\n')}`);
  return result;
}

function makePlace(folder: string): Place {
  const name = `vm-${randomBytes(5).toString('hex')}`;
  const at = (...names: readonly string[]): string => path.join(folder, ...names);
  const runBase = at('run');
  const write: Place['write'] = (file, content, mode = 0o644) => {
    writeFileSync(at(file), content);
    chmodSync(at(file), mode);
    return at(file);
  };
  return {
    folder,
    name,
    runBase,
    path: at,
    write,
    spec: (fields = {}, file = 'vm.json') => write(file, JSON.stringify({ ...smallVm(name), ...fields })),
    script: (file, ...lines) => write(file, ['#!/bin/sh', ...lines, ''].join('\n'), 0o755),
    runDirectories: () =>
      [runBase, `${runBase}-simulated`].flatMap((base) => (existsSync(base) ? readdirSync(base) : [])),
    processes: () => namedIn(hasProc ? inProc() : byPs(), [folder, name]),
  };
}

/** Just enough to be valid; its boots follow one another without a pause. */
export const smallVm = (name: string) => ({ name, cpu: 1, mem: '64M', restart: { delay: 0 } });

/** Asking ps(1) costs many times what it costs to look into /proc, which Linux alone has in this form. */
const hasProc = process.platform === 'linux';

const namedIn = (all: readonly Found[], words: readonly string[]): readonly Found[] =>
  all.filter(({ command }) => words.some((word) => command.includes(word)));

/**
 * A `vmrun serve` names nothing of its place, but stands in it: a test that has failed leaves it. One that a test has asked to
 * end may take a moment, which is no failure. Where there is no /proc, nobody can say where a process stands.
 */
const workingIn = (folder: string): readonly Found[] =>
  hasProc
    ? inProc().filter(({ pid }) => pid !== process.pid && `${folderOf(pid) ?? ''}/`.startsWith(`${folder}/`))
    : [];

/** Undefined where it has ended. */
function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** One that has ended has no command line, and a thread of the kernel has none either. */
const inProc = (): readonly Found[] =>
  readdirSync('/proc').flatMap((pid) => {
    const words = /^\d+$/.test(pid) ? readIfThere(`/proc/${pid}/cmdline`) : undefined;
    return words === undefined ? [] : [{ pid: Number(pid), command: words.replaceAll('\0', ' ') }];
  });

const byPs = (): readonly Found[] =>
  execFileSync('ps', ['-axww', '-o', 'pid=,stat=,command='], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const [, pid, state = '', command = ''] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
      return pid === undefined || state.startsWith('Z') ? [] : [{ pid: Number(pid), command }];
    });

/** It may have ended meanwhile. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** State and parent of a process, as ps(1) has them; undefined where there is none. */
function statusOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  const text = hasProc
    ? readIfThere(`/proc/${pid}/stat`)?.replace(/^.*\) /s, '')
    : spawnSync('ps', ['-o', 'stat=,ppid=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
  const [, state, parent] = /^\s*(\S+)\s+(\d+)/.exec(text ?? '') ?? [];
  return state === undefined ? undefined : { state, parent: Number(parent) };
}

/** There is a process of this number that has not ended. */
export function isRunning(pid: number): boolean {
  const state = statusOf(pid)?.state ?? 'Z';
  return !state.startsWith('Z') && !state.startsWith('X');
}

/** @returns 1 where its parent has ended, or that which takes in orphans */
export const parentOf = (pid: number): number => statusOf(pid)?.parent ?? NaN;

/** What `endProcess` has sent SIGKILL to. */
const killed = new Set<number>();

export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
    killed.add(pid);
  } catch {
    // It has ended meanwhile.
  }
}

/** Looks again and again, for what nobody tells of. @throws Error where it does not come */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`it never came to this: ${String(holds)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Kills a bhyve, and waits for its shell, too, which holds the lock until it has written down how it ended. */
export async function killBhyve(pid: number): Promise<void> {
  const shell = parentOf(pid);
  endProcess(pid);
  await until(() => !isRunning(pid) && !isRunning(shell));
}

/** A path so long that that of the lock of a VM with a name of one letter is the longest that Linux takes. */
export function deepest(folder: string): string {
  let path = folder;
  while (path.length < 3880) path += `/${'d'.repeat(199)}`;
  return `${path}/`.padEnd(4088, 'e');
}
