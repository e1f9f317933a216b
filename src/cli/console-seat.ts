import type { Peer } from '../host/sinks/peer-socket.js';
import { suspendGroup } from '../host/process/signal-process.js';
import { isForeground } from '../host/process/terminal.js';
import { consoleFrames } from '../supervisor/console-server.js';
import type { Writer } from '../supervisor/console.js';
import { keyHelp } from './console-keys.js';
import type { ConsoleScreen } from './console-screen.js';
import type { Context } from './context.js';
import { keyboard, type Keyboard } from './keyboard.js';
import type { Patience } from './supervisor-patience.js';

interface SeatNeeds {
  readonly context: Pick<Context, 'onSignals'>;
  readonly peer: Peer;
  readonly screen: ConsoleScreen;
  readonly patience: Patience;
  readonly leave: (outcome: 'left') => void;
  readonly isWatching: boolean;
}

const [interruptByte, suspendByte] = [0x03, 0x1a];
const watchWords = 'you only watch: what you type goes nowhere; ~. or Ctrl-C leaves';

/** Somebody at our terminal. */
export interface ConsoleSeat {
  readonly onWriter: (writer: Writer | null, isFirst: boolean) => void;
  /** The supervisor has taken what was typed. */
  readonly onDone: () => void;
  readonly leave: () => void;
}

/** Sits down at our terminal, as one who types at the console or only watches it. */
export function consoleSeat({ context, peer, screen, patience, leave, isWatching }: SeatNeeds): ConsoleSeat {
  let keys: Keyboard | undefined;
  /** Who else has the keyboard. */
  let other: string | undefined;
  let hasTold = false;
  let isAsking = false;

  function onTyped(bytes: Uint8Array): void {
    if (isWatching && bytes.includes(interruptByte)) leave('left');
    else if (isWatching && bytes.includes(suspendByte)) suspend();
    else if (isWatching || other !== undefined) {
      if (!hasTold) screen.tell(isWatching ? watchWords : `not typed: ${other ?? ''} has the keyboard; ~t takes it`);
      hasTold = true;
    } else {
      void peer.send(consoleFrames.input, bytes);
      // A supervisor that has taken it says so, and one that is stopped does not.
      if (!isAsking) void peer.send(consoleFrames.done);
      isAsking = true;
      patience.asked('typed');
    }
  }

  function sitDown(): void {
    if (keys !== undefined) return;
    keys = keyboard({
      onTyped,
      onAction: (action) => {
        if (action === 'leave') leave('left');
        else if (action === 'suspend') suspend();
        else if (action === 'help') screen.tell(isWatching ? watchWords : keyHelp);
        else if (isWatching) screen.tell(watchWords);
        else void peer.send(consoleFrames.take);
      },
    });
    screen.isRaw = true;
  }

  function getUp(): void {
    keys?.release();
    keys = undefined;
    screen.end();
  }

  /** The shell stops and continues us, and we sit down again. */
  function suspend(): void {
    getUp();
    suspendGroup();
    // In the background that stops us until a shell brings us back.
    sitDown();
  }

  const forget = context.onSignals(['SIGCONT'], () => {
    if (isForeground()) keys?.resume();
  });
  sitDown();
  return {
    onWriter(writer: Writer | null, isFirst: boolean): void {
      other = writer === null || writer.isMine ? undefined : writer.who;
      hasTold = false;
      if (isWatching) {
        if (isFirst) screen.tell(watchWords);
      } else if (other !== undefined) {
        screen.tell(`${other} has the keyboard: you only watch; ~t takes the keyboard, ~. leaves`);
      } else if (isFirst) screen.tell('you are at its console; ~. leaves, ~? lists the other keys');
      else screen.tell(writer === null ? 'nobody has the keyboard: type to take it' : 'you have the keyboard');
    },
    onDone(): void {
      isAsking = false;
      patience.answered();
    },
    leave(): void {
      forget();
      getUp();
    },
  };
}
