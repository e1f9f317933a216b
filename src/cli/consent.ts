import { createInterface } from 'node:readline/promises';
import type { HostFinding } from '../host/findings.js';
import { commandOf } from '../host/findings.js';
import type { Context } from './context.js';

/** Asks before the host is changed; the answer is No unless it is a clear yes. */
export function asker({ err }: Context, input: NodeJS.ReadableStream): (finding: HostFinding) => Promise<boolean> {
  return async ({ problem, fix }) => {
    if (fix === undefined) return false;
    err(`vmrun: ${problem.subject ?? 'host'}: ${problem.message}\n`);
    err(`vmrun: mend it with: ${commandOf(fix.action)} ? [y/N] `);
    const lines = createInterface({ input });
    try {
      const answer = await new Promise<string>((resolve) => {
        lines.once('line', resolve).once('close', () => {
          resolve('');
        });
      });
      return /^y(es)?$/i.test(answer.trim());
    } finally {
      lines.close();
    }
  };
}
