/** Keeps the last bytes of a stream, at most so many. */
export function recentBytes(most: number) {
  let ring: Buffer | undefined;
  let length = 0;
  let next = 0;
  return {
    push(bytes: Uint8Array): void {
      ring ??= Buffer.allocUnsafe(most);
      const last = bytes.subarray(-most);
      const first = Math.min(last.length, most - next);
      ring.set(last.subarray(0, first), next);
      ring.set(last.subarray(first), 0);
      next = (next + last.length) % most;
      length = Math.min(most, length + last.length);
    },
    /** A copy, in order. */
    bytes: (): Uint8Array => {
      if (ring === undefined) return new Uint8Array();
      const begin = (next - length + most) % most;
      const first = ring.subarray(begin, Math.min(most, begin + length));
      return Uint8Array.from(Buffer.concat([first, ring.subarray(0, length - first.length)]));
    },
  };
}
