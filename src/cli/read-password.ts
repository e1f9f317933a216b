import { createInterface } from 'node:readline';
import { ProblemsError } from '../base/problem.js';
import { isTerminal } from '../host/process/terminal.js';
import type { Context } from './context.js';
import { asLines, asQuestion } from './paint.js';

/**
 * A new password: typed twice at a terminal, where it is not seen, else the first line of standard input.
 * @throws ProblemsError `usage` where there is none, or the two differ
 */
export async function readPassword(context: Context, name: string): Promise<string> {
  const [password, again] = isTerminal(0) ? await typedTwice(context, name) : await firstLine();
  if (password === undefined || password === '')
    throw noPassword('there is no password on standard input', 'write it there, on a line');
  if (again !== undefined && again !== password) throw noPassword('the two passwords differ', 'type the same twice');
  return password;
}

const noPassword = (message: string, fix: string): ProblemsError =>
  new ProblemsError('usage', 'the password', [{ code: 'password', severity: 'error', message, fix }]);

async function firstLine(): Promise<readonly [string | undefined]> {
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return [line];
    return [undefined];
  } finally {
    lines.close();
  }
}

async function typedTwice({ err }: Context, name: string): Promise<readonly [string, string]> {
  process.stdin.setRawMode(true);
  try {
    err(asQuestion(`vmrun: new password of ${name}: `));
    const first = await typed();
    err(asLines(['']));
    err(asQuestion('vmrun: once more: '));
    const second = await typed();
    err(asLines(['']));
    return [first, second];
  } finally {
    process.stdin.setRawMode(false);
    process.stdin.pause();
  }
}

/** What is typed until Enter; Ctrl-C and Ctrl-D give nothing, and so no password. */
function typed(): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const done = (value: string): void => {
      process.stdin.off('data', take);
      resolve(value);
    };
    const take = (bytes: Buffer): void => {
      for (const character of bytes.toString('utf8')) {
        if (character === '\r' || character === '\n') {
          done(text);
          return;
        }
        if (character === '\u0003' || character === '\u0004') {
          done('');
          return;
        }
        if (character === '\u007f' || character === '\b') text = Array.from(text).slice(0, -1).join('');
        else text += character;
      }
    };
    process.stdin.on('data', take);
    process.stdin.resume();
  });
}
