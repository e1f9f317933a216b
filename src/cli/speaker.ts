import { descriptorSink, describeLoss } from '../host/sinks/line-sink.js';
import { isSameFile, isTerminal } from '../host/process/terminal.js';
import type { Machine } from '../machine/machine.js';
import type { Context } from './context.js';
import { asLines, asText, endLines, own, prefixed, type OwnText } from './paint.js';
import { fitLines } from './wrap.js';

/** Speaks to people on stderr, on lines of its own also where a guest has its console there. */
interface Speaker {
  /** Lines of vmrun. */
  readonly lines: (lines: readonly string[]) => void;
  /** Whole lines of bhyve, a loader or a hook, each with who says it. */
  readonly passOn: (who: string, text: string) => void;
  /** Whole lines for programs and logs. */
  readonly plain: (text: string) => void;
  /** From now on the guest, or its loader, may write to its console. */
  readonly guestBegins: () => void;
  /** It no longer does. */
  readonly guestEnds: () => void;
  /** What it has written, where that goes through vmrun. */
  readonly guestWrote: (bytes: Uint8Array) => void;
}

const newlineByte = 0x0a;

/**
 * From here on stderr is one sink, so that no two lines meet. On a terminal that the guest has made raw each needs a
 * carriage return. What a guest writes to a console on stdio is seen only with `--console-log`: otherwise its line may
 * be unfinished whenever it runs, and an empty line is better than words behind its prompt.
 */
export function speaker(
  { err, divertErr, columns }: Pick<Context, 'err' | 'divertErr' | 'columns'>,
  { name, usesStdio }: Pick<Machine, 'name' | 'usesStdio'>,
  seesConsole: boolean,
  sharesConsole = usesStdio && isSameFile(1, 2),
  isRaw = (): boolean => usesStdio && isTerminal(0),
): Speaker {
  const lineEnd = (): string => (isRaw() ? '\r\n' : '\n');
  const sink = descriptorSink(2, { notice: (lines, why) => `vmrun: ${describeLoss(lines, why)}${lineEnd()}` });
  divertErr({
    ...sink,
    write: (text) => {
      sink.write(typeof text === 'string' && isRaw() ? text.replaceAll('\n', '\r\n') : text);
    },
  });
  let isGuestAt = false;
  let isMidLine = false;
  let hasPassedOn = false;
  const write = (text: OwnText, isPassedOn: boolean): void => {
    if (text === '') return;
    // Words of bhyve that follow others most likely belong together.
    const begin = sharesConsole && isMidLine && !(isPassedOn && hasPassedOn) ? '\n' : '';
    err(own(begin + text));
    isMidLine = isGuestAt && !seesConsole;
    hasPassedOn = isPassedOn;
  };
  return {
    lines: (lines) => {
      const width = columns?.(2);
      write(fitLines(asLines(lines.map((line) => `vmrun: ${name}: ${line}`)), width), false);
    },
    passOn: (who, text) => {
      if (text !== '') write(prefixed(`${name}: ${who}: `, text), true);
    },
    plain: (text) => {
      if (text !== '') write(asText(endLines(text)), false);
    },
    guestBegins: () => {
      isGuestAt = true;
      isMidLine ||= !seesConsole;
    },
    guestEnds: () => {
      isGuestAt = false;
    },
    guestWrote: (bytes) => {
      if (bytes.length > 0) isMidLine = bytes.at(-1) !== newlineByte;
    },
  };
}
