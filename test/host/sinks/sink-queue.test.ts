import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countOf, sinkQueue, type SinkQueue, type Unit } from '../../../src/host/sinks/sink-queue.js';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (part: Uint8Array | undefined): string => Buffer.from(part ?? []).toString();

/** Takes so many bytes out of the queue, or all. */
function take(queue: SinkQueue, most = Infinity): string {
  let taken = '';
  for (let front = queue.front(); front !== undefined && taken.length < most; front = queue.front()) {
    const part = front.subarray(0, most - taken.length);
    taken += textOf(part);
    queue.written(part.length);
  }
  return taken;
}

type Step = { readonly push: number } | { readonly take: number };

const steps = fc.array(
  fc.oneof(fc.record({ push: fc.integer({ min: 0, max: 6 }) }), fc.record({ take: fc.integer({ min: 1, max: 60 }) })),
  { maxLength: 60 },
);

test('lines come out whole and in order, and those that do not are counted', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 100 }), (all: readonly Step[], max) => {
      const queue = sinkQueue(max, 'line');
      let pushed = 0;
      let dropped = 0;
      let out = '';
      for (const step of all) {
        if ('take' in step) {
          out += take(queue, step.take);
          continue;
        }
        const lines = Array.from({ length: step.push }, () => `line ${pushed++}\n`);
        queue.push(bytes(lines.join('')));
        dropped += queue.trim();
      }
      out += take(queue);
      const lines = out.split('\n').slice(0, -1);
      expect(out === '' || out.endsWith('\n')).toBe(true);
      expect(lines.length + dropped).toBe(pushed);
      const numbers = lines.map((line) => Number(/^line (\d+)$/.exec(line)?.[1]));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(numbers.every(Number.isInteger)).toBe(true);
    }),
  );
});

test('what waits never grows beyond its bound, but by the rest of a line that was begun', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 100 }), (all: readonly Step[], max) => {
      const queue = sinkQueue(max, 'line');
      let waiting = 0;
      for (const step of all) {
        if ('take' in step) {
          waiting -= take(queue, step.take).length;
          continue;
        }
        const text = 'a line\n'.repeat(step.push);
        queue.push(bytes(text));
        waiting += text.length - 'a line\n'.length * queue.trim();
        expect(waiting).toBeLessThanOrEqual(Math.max(max, 'a line\n'.length - 1));
      }
      expect(take(queue)).toHaveLength(waiting);
    }),
  );
});

describe('all is dropped', () => {
  test.each<[unit: Unit, written: number, keepBegun: boolean, dropped: number, left: string]>([
    ['line', 0, true, 3, ''],
    ['line', 2, true, 2, 'e\n'],
    ['line', 2, false, 3, ''],
    ['line', 4, true, 2, ''],
    ['line', 6, true, 1, 'o\n'],
    ['byte', 2, true, 12, ''],
  ])('by %ss, %i bytes written, begun ones kept: %s', (unit, written, keepBegun, dropped, left) => {
    const queue = sinkQueue(1000, unit);
    queue.push(bytes('one\ntwo\n'));
    queue.push(bytes('three\n'));
    take(queue, written);
    expect(queue.clear(keepBegun)).toBe(dropped);
    expect(take(queue)).toBe(left);
    expect(queue.isEmpty()).toBe(true);
  });
});

test('a text without a line end counts as a line', () => {
  expect(['', 'a', 'a\n', 'a\nb', '\n\n'].map((text) => countOf(bytes(text), 'line'))).toEqual([0, 1, 1, 2, 2]);
  expect(countOf(bytes('a\nb'), 'byte')).toBe(3);
});
