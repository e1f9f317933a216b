import { descriptorSink, describeLoss } from '../host/line-sink.js';
import { isSameFile, isTerminal } from '../host/terminal.js';
import type { Machine } from '../machine/machine.js';
import type { Context } from './context.js';
import { endLines } from './log.js';
import { fitLines } from './wrap.js';

/** Speaks to people on stderr, on lines of its own also where a guest has its console there. */
export interface Speaker {
  /** Lines of vmrun. */
  readonly lines: (lines: readonly string[]) => void;
  /** Whole lines of bhyve or a hook, as they are. */
  readonly passOn: (text: string) => void;
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
): Speaker {
  const lineEnd = usesStdio && isTerminal(0) ? '\r\n' : '\n';
  divertErr(descriptorSink(2, { notice: (lines, why) => `vmrun: ${describeLoss(lines, why)}${lineEnd}` }));
  let isGuestAt = false;
  let isMidLine = false;
  let hasPassedOn = false;
  const write = (text: string, isPassedOn: boolean): void => {
    if (text === '') return;
    // Words of bhyve that follow others most likely belong together.
    const begin = sharesConsole && isMidLine && !(isPassedOn && hasPassedOn) ? lineEnd : '';
    err(begin + text);
    isMidLine = isGuestAt && !seesConsole;
    hasPassedOn = isPassedOn;
  };
  const whole = (text: string): string =>
    lineEnd === '\n' ? endLines(text) : endLines(text).replaceAll('\n', lineEnd);
  const ended = (lines: readonly string[]): string => lines.map((line) => line + lineEnd).join('');
  return {
    lines: (lines) => {
      const width = columns?.(2);
      write(ended(lines.flatMap((line) => fitLines(`vmrun: ${name}: ${line}`, width).split('\n'))), false);
    },
    passOn: (text) => {
      if (text !== '') write(whole(text), true);
    },
    plain: (text) => {
      if (text !== '') write(whole(text), false);
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
