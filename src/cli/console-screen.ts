import { isSameFile } from '../host/process/terminal.js';
import { roomIn } from '../host/sinks/room.js';
import type { Context } from './context.js';
import { asLines, own } from './paint.js';

/** Where the guest writes, and we do. */
export interface ConsoleScreen {
  /** The guest's terminal is ours: a line end wants a carriage return. */
  isRaw: boolean;
  /** @returns false where nobody reads it any more */
  readonly show: (bytes: Uint8Array) => Promise<boolean>;
  readonly tell: (text: string) => void;
  readonly end: () => void;
}

const newlineByte = 0x0a;

export function consoleScreen({ err }: Pick<Context, 'err'>, name: string, isQuiet: boolean): ConsoleScreen {
  const { stdout } = process;
  const sharesLine = isSameFile(1, 2);
  let isMidLine = false;
  const room = roomIn(stdout);
  const screen: ConsoleScreen = {
    isRaw: false,
    show(bytes) {
      isMidLine = bytes.at(-1) !== newlineByte;
      return stdout.write(bytes) ? Promise.resolve(true) : room();
    },
    tell(text) {
      if (isQuiet) return;
      const begin = isMidLine && sharesLine ? '\n' : '';
      const lines = own(begin + asLines([`vmrun: ${name}: ${text}`]));
      err(screen.isRaw ? own(lines.replaceAll('\n', '\r\n')) : lines);
      isMidLine = false;
    },
    end() {
      if (isMidLine && sharesLine) err(own(screen.isRaw ? '\r\n' : '\n'));
      screen.isRaw = false;
    },
  };
  return screen;
}
