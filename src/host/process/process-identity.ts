import { readlinkSync } from 'node:fs';
import { uptime } from 'node:os';
import { readBeginning, readBoundedText } from '../../base/bounded-file.js';
import { isBecoming } from './staying-shell.js';
import { hasOpen } from './open-files.js';
import type { RunTool } from './tools.js';

/** A process, so that it is not taken for one that got its number later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it was started, in the system's words: with the pid it names one process for ever. */
  readonly start?: string;
  /** What it runs, in the system's words. */
  readonly program?: string;
}

/** Who a process is now; undefined where there is no such process. */
export async function identify(pid: number, run: RunTool): Promise<ProcessIdentity | undefined> {
  if (process.platform === 'linux') return linuxIdentity(pid);
  const { exitCode, stdout } = await run(['ps', '-o', 'lstart=', '-o', 'comm=', '-p', String(pid)]);
  // ctime(3) gives the date 24 characters.
  const [, start, program] = /^\s*(\S.{23})\s+(\S.*?)\s*$/.exec(stdout) ?? [];
  if (exitCode !== 0 || start === undefined || program === undefined) return undefined;
  // The shell that has not become the program yet is told apart by its command line alone.
  const { stdout: words } = program === shell ? await run(['ps', '-o', 'args=', '-p', String(pid)]) : { stdout: '' };
  return { pid, start, ...(isBecoming(words) ? {} : { program }) };
}

const shell = 'sh';

/**
 * There still is the process that was identified, and none that got its number. What it runs does not matter: a script
 * that prepares something may become bhyve after it was looked at.
 */
export async function isStillThere(known: ProcessIdentity, run: RunTool): Promise<boolean> {
  const now = await identify(known.pid, run);
  return now?.start !== undefined && now.start === known.start;
}

/**
 * It may be signalled: it was started when the one that was identified was, and it runs the same program, or it has the
 * lock open that only that one inherits. Where neither can be known, it is not proven.
 * @param known without a start, the lock alone proves it
 * @param lockFile `vm.lock` of its run directory
 */
export async function isProven(known: ProcessIdentity, lockFile: string, run: RunTool): Promise<boolean> {
  const now = await identify(known.pid, run);
  if (now?.start === undefined || (known.start !== undefined && known.start !== now.start)) return false;
  const isSame = known.start !== undefined && known.program !== undefined && known.program === now.program;
  return isSame || (await hasOpen(known.pid, lockFile, run));
}

/**
 * The host has been started anew since the process was: it has ended with the host.
 * @param startedMs when that was, by the date, for systems that do not say it with the process
 */
export function isOfEarlierHost({ start }: ProcessIdentity, startedMs: number): boolean {
  const boot = process.platform === 'linux' ? bootId() : '';
  if (boot !== '' && start !== undefined) return !start.startsWith(boot);
  return startedMs < Date.now() - uptime() * 1000;
}

/** The letter of ps(1) for what a process does; undefined where it is gone, or that is not ours to know. */
export async function stateOf(pid: number, run: RunTool): Promise<string | undefined> {
  if (process.platform === 'linux') {
    try {
      return linuxStat(pid).state;
    } catch {
      return undefined;
    }
  }
  const { exitCode, stdout } = await run(['ps', '-o', 'state=', '-p', String(pid)]);
  return exitCode === 0 ? stdout.trim().slice(0, 1) : undefined;
}

/** It does nothing until it gets SIGCONT, or until its debugger lets it go on. */
export const isStopped = (state: string | undefined): boolean => state === 'T' || state === 't';

/** proc(5): ticks since this boot, so the boot is told with them. */
function linuxIdentity(pid: number): ProcessIdentity | undefined {
  try {
    const { state, start } = linuxStat(pid);
    if (state === 'Z' || state === 'X' || start === undefined) return undefined;
    const program = linuxProgram(pid);
    return { pid, start: `${bootId()}${start}`, ...(program === undefined ? {} : { program }) };
  } catch {
    return undefined;
  }
}

/** 52 fields, numbers of 20 digits at most but for a short name. */
const longestStat = 4096;

/** @throws where there is no such process */
function linuxStat(pid: number) {
  const stat = readBoundedText(`/proc/${pid}/stat`, { most: longestStat }) ?? '';
  // The name in field 2 may hold blanks and brackets; the state is field 3, the parent field 4, the start field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], parent: Number(fields[1]), start: fields[19] };
}

/** What tells our shell stands at the beginning of its words; those of others may be megabytes. */
const shellBytes = 4096;

/** Undefined where it is not ours to know, or not settled yet. */
function linuxProgram(pid: number): string | undefined {
  try {
    if (isBecoming(readBeginning(`/proc/${pid}/cmdline`, shellBytes))) return undefined;
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
}

/** It stays as long as this process can live. */
function bootId(): string {
  try {
    return (knownBootId ??= `${readBeginning('/proc/sys/kernel/random/boot_id', 64).trim()} `);
  } catch {
    return '';
  }
}

let knownBootId: string | undefined;

/**
 * A process that was a child of another a moment ago still is: its number is no other's. Where only a program could tell,
 * as pgrep(1) just did, its answer would be no newer.
 */
export function isStillChild(pid: number, parent: number): boolean {
  if (process.platform !== 'linux') return true;
  try {
    return linuxStat(pid).parent === parent;
  } catch {
    return false;
  }
}

/** A process is the child of another. Where nobody can be asked, since the system lacks processes for it, it is taken for one. */
export async function isChild(pid: number, parent: number, run: RunTool): Promise<boolean> {
  if (process.platform === 'linux') return isStillChild(pid, parent);
  const { stdout, failure } = await run(['ps', '-o', 'ppid=', '-p', String(pid)]);
  return failure !== undefined || Number(stdout) === parent;
}

/** The children of a process: pgrep(1). None where it has none, or is gone. */
export async function childrenOf(pid: number, run: RunTool): Promise<readonly number[]> {
  const { stdout } = await run(['pgrep', '-P', String(pid)]);
  return stdout
    .split('\n')
    .filter((line) => /^\d+$/.test(line))
    .map(Number);
}
