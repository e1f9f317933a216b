import path from 'node:path';
import { readBoundedText } from '../../base/bounded-file.js';
import { isProcess } from '../process/signal-process.js';
import { forces, type Force } from './run-state.js';

/** Locked by the supervisor as long as it lives. */
export const runLockFile = 'lock';
/** Locked by what runs the VM. */
export const vmLockFile = 'vm.lock';
export const noteFile = 'vm.pid';
/** How what runs the VM has ended, as the shell that waited for it says. */
export const endFile = 'vm.end';
/** FIFO that is at its end when what runs the VM is. */
export const lifeLineFile = 'vm.line';
/** What runs the VM writes there, where that is no console. */
export const outputFiles = { stderr: 'vm.err', stdout: 'vm.out' } as const;
export const stateFile = 'state.json';
/** FIFOs of a console that vmrun serves: what is typed, and what the guest writes. */
export const consoleInFile = 'console.in';
export const consoleOutFile = 'console.out';
/** The spec that was booted last, for who takes the VM over. */
export const keptSpecFile = 'spec.json';
/** Socket by which others come to that console. */
export const consoleSocketFile = 'console.sock';

/** Who asks for a stop by a signal leaves word there how long the guest has. */
export const stopFile = 'stop';

/** The two lock files of a run directory. */
export const locksIn = (folder: string) => ({
  lock: path.join(folder, runLockFile),
  vmLock: path.join(folder, vmLockFile),
});

/** What runs the VM: a bhyve, or the loader before it. */
export interface Note {
  readonly role: 'bhyve' | 'loader';
  readonly pid: number;
  readonly boot: number;
  readonly target: string;
}

/** `%` stands for the pid. */
export const noteWords = ({ role, boot, target }: Omit<Note, 'pid'>): string => `${role} % ${boot} ${target}`;

/** What tells the end of one from that of another. */
export const endTag = ({ role, boot }: Pick<Note, 'role' | 'boot'>): string => `${role} ${boot}`;

/** A target may have a long name. */
const longestNote = 64 * 1024;

/** Its words are ours, but a full disk may have cut them. */
export function readNote(file: string): Note | undefined {
  try {
    return noteIn(readBoundedText(file, { most: longestNote, isRegular: true }) ?? '');
  } catch {
    return undefined;
  }
}

/** The same of its text. */
export function noteIn(text: string): Note | undefined {
  const [, role, pid, boot, target] = /^(bhyve|loader) ([1-9]\d{0,9}) ([1-9]\d{0,14}) (.+)\n$/.exec(text) ?? [];
  if ((role !== 'bhyve' && role !== 'loader') || target === undefined) return undefined;
  return { role, pid: Number(pid), boot: Number(boot), target };
}

/**
 * Who supervises, and whether it ends its guest by force, as the lock file has it for others to read.
 * @param managedBy socket of the manager that the supervisor is
 */
export const holderWords = (
  supervisor: number,
  since: string,
  { forced, managedBy }: { readonly forced?: Force | undefined; readonly managedBy?: string | undefined } = {},
): string =>
  `process ${supervisor} since ${since}${forced === undefined ? '' : `, ending it by force: ${forced}`}${managedBy === undefined ? '' : `, managed by ${managedBy}`}`;

/** @returns undefined where the holder ends its guest by no force */
export function forceIn(heldBy: string): Force | undefined {
  const [, force] = /^process [1-9]\d{0,9} since .+?, ending it by force: ([a-z-]+)(?:\n?$|, )/.exec(heldBy) ?? [];
  return forces.find((each) => each === force);
}

/** The socket of the manager that runs it; undefined where the holder is none. It is to be asked, and never signalled. */
export function managerIn(heldBy: string): string | undefined {
  const [, socket] =
    /^process [1-9]\d{0,9} since \S+?(?:, ending it by force: [a-z-]+)?, managed by (.+)$/s.exec(heldBy) ?? [];
  return socket;
}

/** @returns undefined where the holder is no supervisor, or has not yet said who it is: the words are a dead one's */
export function supervisorIn(heldBy: string): number | undefined {
  const [, pid] = /^process ([1-9]\d{0,9}) since /.exec(heldBy) ?? [];
  return pid !== undefined && isProcess(Number(pid)) ? Number(pid) : undefined;
}

/** A holder has said who it is. */
export function isSigned(heldBy: string): boolean {
  const [, pid] = /^process ([1-9]\d{0,9})\b/.exec(heldBy) ?? [];
  return pid === undefined ? heldBy !== '' : isProcess(Number(pid));
}
