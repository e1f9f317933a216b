import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** A test that takes longer waits for what will not come, however busy the machine is; its processes are ended, so that it fails. */
const patienceMs = 200_000;

/**
 * Gives a place to a function and removes it afterwards. What still runs then is ended, and is the test's failure:
 * nothing may outlive its run.
 */
export async function inPlace<T>(use: (place: Place) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-test-'));
  const place = makePlace(folder);
  const endAll = (): void => {
    for (const { pid } of place.processes()) endProcess(pid);
  };
  const alarm = setTimeout(endAll, patienceMs).unref();
  let left: readonly Found[];
  let result: T;
  try {
    result = await use(place);
  } finally {
    clearTimeout(alarm);
    left = place.processes();
    endAll();
    rmSync(folder, { recursive: true, force: true });
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
    processes: () => processesNaming(folder, name),
  };
}

/** Just enough to be valid; its boots follow one another without a pause. */
export const smallVm = (name: string) => ({ name, cpu: 1, mem: '64M', restart: { delay: 0 } });

function processesNaming(...words: readonly string[]): readonly Found[] {
  const list = execFileSync('ps', ['-axww', '-o', 'pid=,stat=,command='], { encoding: 'utf8' });
  return list.split('\n').flatMap((line) => {
    const [, pid, state = '', command = ''] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    const isNamed = words.some((word) => command.includes(word));
    return pid === undefined || state.startsWith('Z') || !isNamed ? [] : [{ pid: Number(pid), command }];
  });
}

/** There is a process of this number that has not ended. */
export function isRunning(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .startsWith('Z');
  } catch {
    return false;
  }
}

/** @returns 1 where its parent has ended, or that which takes in orphans */
export const parentOf = (pid: number): number =>
  Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));

export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Looks again and again, for what nobody tells of; the test's own time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A path so long that that of the lock of a VM with a name of one letter is the longest that Linux takes. */
export function deepest(folder: string): string {
  let path = folder;
  while (path.length < 3880) path += `/${'d'.repeat(199)}`;
  return `${path}/`.padEnd(4088, 'e');
}
