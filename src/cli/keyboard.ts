import { discardTyped, isForeground, isTerminal } from '../host/process/terminal.js';
import { consoleKeys, type KeyAction } from './console-keys.js';

interface KeyboardOptions {
  readonly onTyped: (bytes: Uint8Array) => void;
  /** `leave` also where the terminal goes away. */
  readonly onAction: (action: KeyAction) => void;
}

/** The terminal on standard input, whose every key is for the guest, but for what `consoleKeys` keeps. */
export interface Keyboard {
  /** A shell has had the terminal, and has left its own settings there. What was typed meanwhile is for the guest. */
  readonly resume: () => void;
  /** Puts its settings back, and reads no more; what was typed and not read is no command for the shell. */
  readonly release: () => void;
}

export function keyboard({ onTyped, onAction }: KeyboardOptions): Keyboard {
  const { stdin } = process;
  const keys = consoleKeys();
  let isReleased = false;
  const take = (bytes: Uint8Array): void => {
    let rest: Uint8Array | undefined = bytes;
    while (rest !== undefined && !isReleased) {
      const { typed, action, rest: behind } = keys(rest);
      if (typed.length > 0) onTyped(typed);
      if (action !== undefined) onAction(action);
      rest = behind;
    }
  };
  const leave = (): void => {
    onAction('leave');
  };
  setRaw(true);
  stdin.on('data', take).once('end', leave).once('error', leave).resume();
  return {
    resume() {
      // Node.js does nothing for a mode that it has set before.
      setRaw(false);
      setRaw(true);
    },
    release() {
      if (isReleased) return;
      isReleased = true;
      stdin.off('data', take).off('end', leave).off('error', leave).pause();
      stdin.on('error', () => undefined);
      // A shell that has taken the terminal back has settings of its own, and we would be stopped for it.
      if (!isForeground()) return;
      discardTyped();
      setRaw(false);
    },
  };
}

/** Throws away what was typed at a command that is over: it was not meant for the shell that reads next. */
export function dropTyped(): void {
  if (!isTerminal(0) || !isForeground()) return;
  setRaw(true);
  discardTyped();
  setRaw(false);
}

function setRaw(isRaw: boolean): void {
  try {
    process.stdin.setRawMode(isRaw);
  } catch {
    // The terminal has gone away.
  }
}
