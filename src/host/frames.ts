import type { Socket } from 'node:net';

/** One thing that is said over a socket: what it is, in a letter, and its content. */
export interface Frame {
  readonly kind: string;
  readonly content: Buffer;
}

const headBytes = 5;

/** The letter, four bytes of length, and the content. */
export function frameBytes(kind: string, content: string | Uint8Array = ''): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const head = Buffer.alloc(headBytes, kind, 'latin1');
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/**
 * What the other side says, until it is gone or talks of something larger. No more is read than is asked for.
 * @param most bytes that a content may have
 */
export async function* framesOf(socket: Socket, most: number): AsyncGenerator<Frame, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= headBytes) {
        const length = rest.readUInt32BE(1);
        if (length > most) return;
        if (rest.length < headBytes + length) break;
        yield { kind: rest.toString('latin1', 0, 1), content: rest.subarray(headBytes, headBytes + length) };
        rest = rest.subarray(headBytes + length);
      }
    }
  } catch {
    // It is gone.
  }
}
