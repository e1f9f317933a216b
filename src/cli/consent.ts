import type { HostFinding } from '../host/look/findings.js';
import { commandOf } from '../host/look/findings.js';
import type { Context } from './context.js';
import { asLines, asQuestion } from './paint.js';

/** Whether a fix may be applied; No at once when the signal is aborted, since a stop was asked for. */
export type Ask = (finding: HostFinding, signal: AbortSignal) => Promise<boolean>;

/** Asks before the host is changed; the answer is No unless it is a clear yes. */
export function asker({ err }: Pick<Context, 'err'>, input: NodeJS.ReadableStream): Ask {
  return async ({ problem, fix }, signal) => {
    if (fix === undefined || signal.aborted) return false;
    err(asLines([`vmrun: ${problem.subject ?? 'host'}: ${problem.message}`]));
    err(asQuestion(`vmrun: mend it with: ${commandOf(fix.action)} ? [y/N] `));
    return /^y(es)?$/i.test(await answer(input, signal, err));
  };
}

/** What is typed, without the blanks around it; nothing at the end of the input, or when a stop was asked for. */
async function answer(input: NodeJS.ReadableStream, signal: AbortSignal, err: Context['err']): Promise<string> {
  // Few runs ask, and it would make each supervisor larger.
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input });
  const giveUp = (): void => {
    // Nobody has ended the line of the question.
    err(asLines(['']));
    lines.close();
  };
  signal.addEventListener('abort', giveUp);
  try {
    const line = await new Promise<string>((resolve) => {
      lines.once('line', resolve).once('close', () => {
        resolve('');
      });
      if (signal.aborted) giveUp();
    });
    return line.trim();
  } finally {
    signal.removeEventListener('abort', giveUp);
    lines.close();
  }
}
