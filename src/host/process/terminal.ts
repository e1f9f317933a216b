import { spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Whether a descriptor of ours is a terminal. */
export const isTerminal = (descriptor: 0 | 1 | 2): boolean => isatty(descriptor);

/** Standard input is what another program or a file has to say, and comes to an end. */
export function hasPipedInput(): boolean {
  try {
    const about = fstatSync(0);
    return about.isFIFO() || about.isFile() || about.isSocket();
  } catch {
    return false; // it is closed
  }
}

/** Two descriptors of ours lead to one place: what is written to either appears there. */
export function isSameFile(one: number, other: number): boolean {
  try {
    const [a, b] = [fstatSync(one), fstatSync(other)];
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}

/**
 * Remembers the settings of the terminal that a guest's console takes over. bhyve makes it raw and puts it back when
 * it exits, but not when it is killed.
 * @returns puts the settings back; does nothing where the descriptor is no terminal
 */
export function rememberTerminal(descriptor: number): () => void {
  if (!isatty(descriptor)) return () => undefined;
  const { output, status } = spawnSync('stty', ['-g'], { stdio: [descriptor, 'pipe', 'ignore'], encoding: 'utf8' });
  if (status !== 0) return () => undefined; // or there is no stty
  const settings = (output[1] ?? '').trim();
  return () => {
    spawnSync('stty', [settings], { stdio: [descriptor, 'ignore', 'ignore'] });
  };
}

/**
 * Makes the controlling terminal standard input, in place of a pipe that carried the spec: the lowest free descriptor
 * is the one that open(2) gives. To be called before anything reads from `process.stdin`.
 * @returns false where there is no terminal; standard input is then empty
 */
export function takeTerminalAsInput(): boolean {
  closeSync(0);
  try {
    openSync('/dev/tty', 'r+');
    return true;
  } catch {
    openSync('/dev/null', 'r');
    return false;
  }
}

/**
 * Our process group is the one that may read the terminal: another one is stopped when it tries. True where that cannot
 * be found out.
 */
export function isForeground(): boolean {
  const [group, reader] = terminalGroups() ?? [];
  return group === reader;
}

/** The process group of ours, and that of the terminal. */
function terminalGroups(): readonly [own: string | undefined, ofTerminal: string | undefined] | undefined {
  if (process.platform === 'linux') {
    // proc(5): behind the name, which may have anything in it, state, parent, group, session, terminal, its group.
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return [fields[2], fields[5]];
  }
  const words = ['-o', 'pgid=', '-o', 'tpgid=', '-p', String(process.pid)];
  const { stdout, status } = spawnSync('ps', words, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
  const [own, ofTerminal] = status === 0 ? stdout.trim().split(/\s+/) : [];
  return [own, ofTerminal];
}

/** bash(1) says nothing to a job that runs already when it brings it to the foreground; other shells send SIGCONT. */
const lookMs = 1000;

/**
 * Waits until a shell brings our process group to the foreground. Where that takes a program to find out, it is looked at
 * only when the caller has a reason to.
 */
export function awaitForeground(onForeground: () => void): { readonly look: () => void; readonly end: () => void } {
  const timer = process.platform === 'linux' ? setInterval(look, lookMs).unref() : undefined;
  let isOver = false;
  function end(): void {
    isOver = true;
    clearInterval(timer);
  }
  function look(): void {
    if (isOver || !isForeground()) return;
    end();
    onForeground();
  }
  return { look, end };
}

/** More than anybody types ahead. */
const mostTyped = 1024 * 1024;

/**
 * Throws away what was typed at our terminal and nobody has read. To be called while it is raw, where a line that is not
 * finished counts, too, and in the foreground, since it would stop us elsewhere.
 */
export function discardTyped(): void {
  let terminal: number | undefined;
  try {
    terminal = openSync('/dev/tty', constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const bytes = Buffer.allocUnsafe(4096);
    for (let length = 0; length < mostTyped;) {
      const read = readSync(terminal, bytes, 0, bytes.length, null);
      if (read === 0) return;
      length += read;
    }
  } catch {
    // Nothing is left there, EAGAIN; or the terminal is gone.
  } finally {
    if (terminal !== undefined) closeSync(terminal);
  }
}

/** There is a controlling terminal now. */
export function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/**
 * Lets go of standard descriptors whose terminal has gone away. Node.js puts the settings of terminals back when it
 * exits, and aborts where that fails; it leaves alone a descriptor that leads elsewhere by then.
 */
export function dropDeadTerminals(): void {
  for (const descriptor of [0, 1, 2]) {
    try {
      if (!fstatSync(descriptor).isCharacterDevice() || isatty(descriptor)) continue;
      closeSync(descriptor);
      openSync('/dev/null', 'r+'); // gets the lowest free number
    } catch {
      // It was closed before.
    }
  }
}
