import { isForeground, isTerminal } from '../host/terminal.js';
import type { Machine } from '../machine/machine.js';
import type { Run } from '../supervisor/run-options.js';
import type { Seat } from '../supervisor/console.js';
import { keyHelp } from './console-keys.js';
import { keyboard, type Keyboard } from './keyboard.js';

/** The terminal that a run was started on, as a place at the console which vmrun serves. */
export interface GuestTerminal {
  /** The guest has it: what is typed there is the guest's, and what the guest writes is shown there. */
  readonly isAttached: () => boolean;
  /** Sits down, once. @param show what the guest has written before */
  readonly attach: (console: Run['console'], show: (bytes: Uint8Array) => void) => void;
  /** Gives the terminal back. */
  readonly release: () => void;
}

/** Only where somebody sits there: both its directions are ours, and no shell has put us into the background. */
export const hasGuestTerminal = ({ servesConsole }: Pick<Machine, 'servesConsole'>): boolean =>
  servesConsole && isTerminal(0) && isTerminal(1) && isForeground();

/** @param say tells who sits there, in lines */
export function guestTerminal(say: (line: string) => void, wayBack: string): GuestTerminal {
  let seat: Seat | undefined;
  let keys: Keyboard | undefined;
  let hasAttached = false;
  let hadKeyboard = false;

  function release(): void {
    keys?.release();
    seat?.leave();
    [keys, seat] = [undefined, undefined];
  }

  return {
    isAttached: () => keys !== undefined,
    attach(console, show) {
      if (hasAttached) return;
      hasAttached = true;
      show(console.recent());
      seat = console.attach({
        who: `process ${process.pid}, which runs it`,
        onWriter: (writer) => {
          if (writer?.isMine === false) say(`${writer.who} has the keyboard; ~t takes it`);
          else if (hadKeyboard && writer === undefined) say('nobody has the keyboard: type to take it');
          hadKeyboard ||= writer?.isMine === true;
        },
      });
      keys = keyboard({
        onTyped: (bytes) => void seat?.write(bytes),
        onAction(action) {
          if (action === 'take') seat?.take();
          else if (action === 'help') say(keyHelp);
          else {
            release();
            say(`left the console, and the guest goes on: ${wayBack} comes back, Ctrl-C stops it`);
          }
        },
      });
    },
    release,
  };
}
