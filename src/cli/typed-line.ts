import type { Readable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { dropTyped } from './keyboard.js';

/**
 * Asks a person, and reads the line that is the answer. What was typed before the question was there is no answer to it,
 * and is thrown away.
 * @param ask prints the question
 * @param signal gives up on an answer
 * @returns undefined at the end of the input, or when the signal is aborted
 */
export async function askForLine(input: Readable, ask: () => void, signal?: AbortSignal): Promise<string | undefined> {
  if (input instanceof ReadStream) dropTyped();
  // What the question before has read, and not taken. To read where nothing is would wait for more.
  while (input.readableLength > 0) input.read();
  ask();
  // Few runs ask, and it would make each supervisor larger.
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input });
  const giveUp = (): void => {
    lines.close();
  };
  signal?.addEventListener('abort', giveUp);
  try {
    return await new Promise<string | undefined>((resolve) => {
      lines.once('line', resolve).once('close', () => {
        resolve(undefined);
      });
      if (signal?.aborted === true) giveUp();
    });
  } finally {
    signal?.removeEventListener('abort', giveUp);
    lines.close();
  }
}
