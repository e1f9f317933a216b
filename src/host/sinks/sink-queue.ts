const lineEnd = 0x0a;

/** What may be cut off at the end of a full queue: whole lines, or any byte. */
export type Unit = 'line' | 'byte';

/** Bytes that wait to be written, oldest first. What does not fit is dropped whole and counted. */
export interface SinkQueue {
  readonly isEmpty: () => boolean;
  readonly push: (bytes: Uint8Array) => void;
  /** What is to be written next. */
  readonly front: () => Uint8Array | undefined;
  /** So many bytes of the front were written. @returns whether that was all of it */
  readonly written: (count: number) => boolean;
  /** Drops what is too much; of a line that was begun the rest is kept. @returns how many were dropped */
  readonly trim: () => number;
  /** Drops all; with `keepBegun` all but the rest of a line that was begun. @returns how many were dropped */
  readonly clear: (keepBegun: boolean) => number;
}

export function sinkQueue(maxBytes: number, unit: Unit): SinkQueue {
  const waiting: Uint8Array[] = [];
  let queuedBytes = 0;
  /** The byte before the front was written, and ends no line. */
  let isBegun = false;

  /** Where the rest of a line ends that was begun before. */
  const restOf = (bytes: Uint8Array): number => {
    const end = bytes.indexOf(lineEnd);
    return end === -1 ? bytes.length : end + 1;
  };
  const mustStay = (index: number, bytes: Uint8Array): number =>
    index === 0 && isBegun && unit === 'line' ? restOf(bytes) : 0;
  const cutAt = (bytes: Uint8Array, room: number): number => {
    if (room <= 0 || unit === 'byte') return Math.max(room, 0);
    return bytes.lastIndexOf(lineEnd, room - 1) + 1;
  };

  return {
    isEmpty: () => waiting.length === 0,
    push(bytes) {
      if (bytes.length === 0) return;
      waiting.push(bytes);
      queuedBytes += bytes.length;
    },
    front: () => waiting[0],
    written(count) {
      const [bytes] = waiting;
      if (bytes === undefined || count <= 0) return true;
      queuedBytes -= count;
      isBegun = bytes[count - 1] !== lineEnd;
      if (count < bytes.length) {
        waiting[0] = bytes.subarray(count);
        return false;
      }
      waiting.shift();
      return true;
    },
    trim() {
      const index = waiting.length - 1;
      const bytes = waiting[index];
      if (queuedBytes <= maxBytes || bytes === undefined) return 0;
      const room = bytes.length - (queuedBytes - maxBytes);
      const kept = Math.max(cutAt(bytes, room), mustStay(index, bytes));
      // A copy: a view would keep all of the bytes in memory.
      if (kept === 0) waiting.pop();
      else waiting[index] = bytes.slice(0, kept);
      queuedBytes -= bytes.length - kept;
      return countOf(bytes.subarray(kept), unit);
    },
    clear(keepBegun) {
      const [first] = waiting;
      const kept = first === undefined || !keepBegun ? 0 : mustStay(0, first);
      const rest = first?.subarray(0, kept) ?? new Uint8Array();
      const dropped = waiting.reduce(
        (sum, bytes, index) => sum + countOf(index === 0 ? bytes.subarray(kept) : bytes, unit),
        0,
      );
      waiting.length = 0;
      queuedBytes = rest.length;
      if (rest.length > 0) waiting.push(rest);
      else isBegun = false;
      return dropped;
    },
  };
}

/** How many lines, one without its end counted too; or bytes. */
export function countOf(bytes: Uint8Array, unit: Unit): number {
  if (unit === 'byte') return bytes.length;
  let lines = 0;
  for (let at = bytes.indexOf(lineEnd); at !== -1; at = bytes.indexOf(lineEnd, at + 1)) lines += 1;
  return lines + (bytes.length > 0 && bytes[bytes.length - 1] !== lineEnd ? 1 : 0);
}
