import { describe, expect, test } from '@jest/globals';
import type { ConsoleSubscription } from '../../src/supervisor/console-readers.js';
import { servedConsole, type Writer } from '../../src/supervisor/console.js';
import { until } from '../e2e/support/place.js';
import { steppedClock } from '../support/stepped-clock.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** What a reader gets until the end. */
async function all(subscription: ConsoleSubscription): Promise<readonly string[]> {
  const parts: string[] = [];
  for await (const part of subscription) parts.push(part.kind === 'output' ? text(part.bytes) : `lost ${part.count}`);
  return parts;
}

/** A console whose guest takes what is typed. */
function typedAt() {
  const console = servedConsole(undefined, steppedClock());
  let typed = '';
  console.connect((bytes) => {
    typed += text(bytes);
    return Promise.resolve(true);
  });
  return { console, typed: () => typed };
}

describe('the output of a served console', () => {
  test('reaches each reader whole, and begins with the last 64 KiB', async () => {
    const console = servedConsole();
    console.onOutput(Buffer.alloc(100_000, 'a'));
    const early = console.subscribe();
    const fresh = console.subscribe({ recent: false });
    console.onOutput(Buffer.from('login: '));
    console.end();
    expect(await all(early)).toEqual([`${'a'.repeat(65536)}login: `]);
    expect(await all(fresh)).toEqual(['login: ']);
    expect(text(console.recent())).toBe(`${'a'.repeat(65536 - 7)}login: `);
    expect(await all(console.subscribe())).toEqual([text(console.recent())]);
  });

  test('goes on for one reader where another one reads nothing, and that one is told what it lost', async () => {
    const console = servedConsole();
    const slow = console.subscribe({ bound: 10 });
    const quick = console.subscribe();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const part of quick) seen.push(part.kind === 'output' ? text(part.bytes) : part.kind);
    })();
    for (let number = 0; number < 1000; number += 1) {
      console.onOutput(Buffer.from(`${String(number).padStart(4, '0')}\n`));
      await Promise.resolve();
    }
    console.end();
    await reading;
    expect(seen.join('')).toHaveLength(5000);
    expect(await all(slow)).toEqual(['lost 4990', '0998\n0999\n']);
  });

  test('costs a reader that does not read no more than its bound, however small the pieces are', async () => {
    const console = servedConsole();
    const bound = 100_000;
    const slow = console.subscribe({ bound });
    const before = process.memoryUsage().heapUsed;
    for (let number = 0; number < 300_000; number += 1) console.onOutput(Buffer.from([number % 251]));
    const grown = process.memoryUsage().heapUsed - before;
    expect(grown).toBeLessThan(64 * 1024 * 1024);
    console.end();
    const [lost, rest, ...more] = await all(slow);
    expect([lost, rest?.length, more]).toEqual([`lost ${300_000 - bound}`, bound, []]);
    const bytes = Buffer.from(rest ?? '', 'latin1');
    expect(bytes.every((byte, index) => byte === (200_000 + index) % 251)).toBe(true);
  });

  test('is over for a reader that leaves, also one that waits', async () => {
    const console = servedConsole();
    const reader = console.subscribe();
    const next = reader.next();
    await reader.return?.();
    console.onOutput(Buffer.from('late'));
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await all(reader)).toEqual([]);
  });

  test.each([0, -1, 1.5, NaN])('%p is not a bound', (bound) => {
    expect(() => servedConsole().subscribe({ bound })).toThrow(RangeError);
  });

  test('goes to who listens as bytes of their own', () => {
    const console = servedConsole();
    const heard: Uint8Array[] = [];
    console.listen((bytes) => heard.push(bytes));
    const buffer = Buffer.from('one');
    console.onOutput(buffer);
    buffer.write('two');
    console.onOutput(buffer);
    expect(heard.map(text)).toEqual(['one', 'two']);
  });
});

describe('the keyboard of a served console', () => {
  test('belongs to one, who is told to the others, until it is taken or given up', async () => {
    const { console, typed } = typedAt();
    const told: Record<string, (string | undefined)[]> = { a: [], b: [] };
    const tell = (who: string) => (writer: Writer | undefined) =>
      void told[who]?.push(writer && `${writer.who}${writer.isMine ? ' (me)' : ''}`);
    const a = console.attach({ who: 'a', onWriter: tell('a') });
    const b = console.attach({ who: 'b', onWriter: tell('b') });
    expect([await a.write('1'), await b.write('2')]).toEqual([true, false]);
    b.take();
    expect([await a.write('3'), await b.write('4')]).toEqual([false, true]);
    b.leave();
    expect([await b.write('5'), await a.write('6')]).toEqual([false, true]);
    expect(typed()).toBe('146');
    expect(told).toEqual({ a: ['a (me)', 'b', undefined, 'a (me)'], b: ['a', 'b (me)'] });
  });

  test('is not for one who only watches', async () => {
    const { console, typed } = typedAt();
    const watcher = console.attach({ who: 'w', wants: 'watch' });
    watcher.take();
    expect(await watcher.write('x')).toBe(false);
    expect(typed()).toBe('');
  });

  test('is taken at once by who wants it so', async () => {
    const { console } = typedAt();
    const first = console.attach({ who: 'first' });
    const second = console.attach({ who: 'second', wants: 'take' });
    expect([await first.write('1'), await second.write('2')]).toEqual([false, true]);
  });

  test('is told once a second where two take it from each other, and the last of them always', async () => {
    const clock = steppedClock();
    const told: string[] = [];
    const console = servedConsole(({ who, what }) => told.push(`${who} ${what}`), clock);
    const [a, b] = [console.attach({ who: 'a' }), console.attach({ who: 'b' })];
    const struggle = (): void => {
      for (let times = 0; times < 1000; times += 1) for (const seat of [a, b]) seat.take();
    };
    struggle();
    expect(told).toEqual(['a came', 'a keyboard', 'b came']);
    await clock.pass(1000);
    await Promise.resolve();
    expect(told.splice(0)).toEqual(['a came', 'a keyboard', 'b came', 'b keyboard']);
    struggle();
    b.leave();
    a.take();
    expect(told.splice(0)).toEqual(['b keyboard', 'b left']);
    expect(clock.asleep()).toEqual([1000]);
    console.end();
    expect(clock.asleep()).toEqual([]);
    await Promise.resolve();
    expect(told).toEqual([]);
  });

  test('leads nowhere without a guest', async () => {
    const console = servedConsole();
    expect(await console.write('x')).toBe(false);
    expect(await console.attach({ who: 'a' }).write('x')).toBe(false);
  });
});

describe('who comes and leaves', () => {
  /** A console that is told of what it tells, and somebody who comes and leaves without end. */
  function restless() {
    const clock = steppedClock();
    const told: string[] = [];
    const console = servedConsole(
      ({ who, what, untold }) => told.push(`${who} ${what}${untold === undefined ? '' : ` +${untold}`}`),
      clock,
    );
    const come = (times: number): void => {
      for (let time = 0; time < times; time += 1) console.attach({ who: 'a', wants: 'take' }).leave();
    };
    return { clock, told, console, come };
  }
  const comings = (told: readonly string[]): readonly string[] => told.filter((line) => !line.endsWith('keyboard'));

  test('is told one by one as long as it is few, and then once a second, with how many were not', async () => {
    const { clock, told, console, come } = restless();
    come(20);
    expect(comings(told)).toHaveLength(40);
    told.length = 0;
    come(1000);
    expect(told).toEqual([]);
    await clock.pass(1000);
    await until(() => told.length > 0);
    expect(told).toEqual(['a left +1999']);
    come(1000);
    await clock.pass(1000);
    await until(() => comings(told).length > 1);
    expect(comings(told)).toEqual(['a left +1999', 'a left +1999']);
    // The keyboard is no way around it.
    expect(told.length).toBeLessThanOrEqual(3);
    clock.advance(60_000);
    told.length = 0;
    console.attach({ who: 'b', wants: 'watch' }).leave();
    expect(told).toEqual(['b came', 'b left']);
    console.end();
  });

  test('is told to the last, with how many were not, when nobody can come any more', () => {
    const { told, console, come } = restless();
    come(1000);
    console.connect(undefined);
    console.end();
    expect(told.at(-1)).toBe('a left +1959');
  });
});
