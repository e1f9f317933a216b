import type { Readable } from 'node:stream';
import type { HostFinding } from '../host/look/findings.js';
import { commandOf } from '../host/look/findings.js';
import type { Context } from './context.js';
import { asLines, asQuestion } from './paint.js';
import { askForLine } from './typed-line.js';

/** Whether a fix may be applied; No at once when the signal is aborted, since a stop was asked for. */
export type Ask = (finding: HostFinding, signal: AbortSignal) => Promise<boolean>;

/** Asks before the host is changed; the answer is No unless it is a clear yes. */
export function asker({ err }: Pick<Context, 'err'>, input: Readable): Ask {
  return async ({ problem, fix }, signal) => {
    if (fix === undefined || signal.aborted) return false;
    const ask = (): void => {
      err(asLines([`vmrun: ${problem.subject ?? 'host'}: ${problem.message}`]));
      err(asQuestion(`vmrun: fix it with: ${commandOf(fix.action)} ? [y/N] `));
    };
    // Nobody has ended the line of a question that a stop has answered.
    const endLine = (): void => {
      err(asLines(['']));
    };
    signal.addEventListener('abort', endLine, { once: true });
    try {
      const answer = await askForLine(input, ask, signal);
      return answer !== undefined && /^y(es)?$/i.test(answer.trim());
    } finally {
      signal.removeEventListener('abort', endLine);
    }
  };
}
