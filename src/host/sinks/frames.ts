import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** One thing that is said over a socket: what it is, in a letter, and its content. */
export interface Frame {
  readonly kind: string;
  readonly content: Buffer;
}

const headBytes = 5;

/** A chunk can hold thousands of frames, and whoever else is there waits for their end. */
const mostInOneTurn = 256;

/** The letter, four bytes of length, and the content. */
export function frameBytes(kind: string, content: string | Uint8Array = ''): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const head = Buffer.alloc(headBytes, kind, 'latin1');
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/**
 * What the other side says, until it is gone or talks of something larger. No more is read than is asked for, and after
 * some frames everybody else has a turn.
 * @param most bytes that a content may have
 */
export async function* framesOf(socket: Socket, most: number): AsyncGenerator<Frame, undefined> {
  /** Of the frame whose content comes next; undefined: its head does. */
  let kind: string | undefined;
  let wanted = headBytes;
  let parts: Buffer[] = [];
  let heard = 0;
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      let rest = chunk;
      while (rest.length >= wanted) {
        const last = rest.subarray(0, wanted);
        const bytes = parts.length === 0 ? last : Buffer.concat([...parts, last]);
        rest = rest.subarray(wanted);
        parts = [];
        if (kind === undefined) {
          kind = bytes.toString('latin1', 0, 1);
          wanted = bytes.readUInt32BE(1);
          if (wanted > most) return;
        } else {
          yield { kind, content: bytes };
          [kind, wanted] = [undefined, headBytes];
          heard += 1;
          if (heard % mostInOneTurn === 0) await nextTurn();
        }
      }
      if (rest.length > 0) parts.push(rest);
      wanted -= rest.length;
    }
  } catch {
    // It is gone.
  }
}
