import { suspendGroup } from '../host/process/signal-process.js';
import { awaitForeground, isForeground, isTerminal } from '../host/process/terminal.js';
import type { Machine } from '../machine/machine.js';
import type { Run } from '../supervisor/run-options.js';
import type { ConsoleSeat } from '../supervisor/console.js';
import { keyHelp, type KeyAction } from './console-keys.js';
import { keyboard, type Keyboard } from './keyboard.js';

/** The terminal that a run was started on, as a place at the console which vmrun serves. */
interface GuestTerminal {
  /** The guest has it: what is typed there is the guest's, and what the guest writes is shown there. */
  readonly isAttached: () => boolean;
  /**
   * Sits down, once: now, or when a shell brings us to the foreground.
   * @param show what the guest has written before
   */
  readonly attach: (console: Run['console'], show: (bytes: Uint8Array) => void) => void;
  /** The shell takes the terminal, for as long as we are stopped. */
  readonly suspend: () => void;
  /** We go on: sits down again, unless somebody had left before. */
  readonly resume: () => void;
  /** Gives the terminal back, for good. */
  readonly release: () => void;
}

/** Only where somebody may sit there: both its directions are ours. */
export const hasGuestTerminal = ({ servesConsole }: Pick<Machine, 'servesConsole'>): boolean =>
  servesConsole && isTerminal(0) && isTerminal(1);

/**
 * @param say tells who sits there, in lines
 * @param wayBack the command that comes to the console from elsewhere
 */
export function guestTerminal(say: (line: string) => void, wayBack: string): GuestTerminal {
  let seat: ConsoleSeat | undefined;
  let keys: Keyboard | undefined;
  /** Who else has the keyboard. */
  let other: string | undefined;
  let hasTold = false;
  let waiting: ReturnType<typeof awaitForeground> | undefined;
  /** Somebody has left it, and comes back by another command. */
  let hasLeft = false;
  let comeTo: { readonly console: Run['console']; readonly show: (bytes: Uint8Array) => void } | undefined;

  function sitDown(hasSeenAll: boolean): void {
    if (comeTo === undefined || hasLeft || keys !== undefined) return;
    if (!isForeground()) {
      waiting ??= awaitForeground(() => {
        waiting = undefined;
        sitDown(false);
      });
      return;
    }
    const { console, show } = comeTo;
    if (!hasSeenAll) show(console.recent());
    let hadKeyboard = false;
    seat = console.attach({
      who: `the terminal of its vmrun, process ${process.pid},`,
      onWriter: (writer) => {
        other = writer?.isMine === false ? writer.who : undefined;
        hasTold = false;
        if (other !== undefined) say(`${other} has the keyboard; ~t takes it`);
        else if (hadKeyboard && writer === undefined) say('nobody has the keyboard: type to take it');
        hadKeyboard ||= writer?.isMine === true;
      },
    });
    keys = keyboard({ onTyped, onAction });
  }

  function onTyped(bytes: Uint8Array): void {
    if (other === undefined) void seat?.write(bytes);
    else if (!hasTold) say(`not typed: ${other} has the keyboard; ~t takes it`);
    hasTold = other !== undefined;
  }

  function onAction(action: KeyAction): void {
    if (action === 'take') seat?.take();
    else if (action === 'help') say(keyHelp);
    else if (action === 'suspend') suspendGroup();
    else {
      release();
      say(`left the console, and the guest goes on: ${wayBack} comes back, Ctrl-C stops it`);
    }
  }

  function getUp(): void {
    waiting?.end();
    keys?.release();
    seat?.leave();
    [keys, seat, waiting] = [undefined, undefined, undefined];
  }

  function release(): void {
    hasLeft = true;
    getUp();
  }

  return {
    isAttached: () => keys !== undefined,
    attach(console, show) {
      if (comeTo !== undefined) return;
      comeTo = { console, show };
      sitDown(false);
    },
    suspend: getUp,
    resume() {
      waiting?.look();
      if (waiting !== undefined) return;
      if (keys === undefined || !isForeground()) {
        getUp();
        sitDown(true);
      } else keys.resume();
    },
    release,
  };
}
