import { describe, expect, test } from '@jest/globals';
import type { Frame } from '../../src/host/sinks/frames.js';
import type { Peer } from '../../src/host/sinks/peer-socket.js';
import {
  consoleFrames,
  consoleServer,
  helloMs,
  mostClients,
  mostOthers,
  type ConsoleHello,
} from '../../src/supervisor/console-server.js';
import { servedConsole } from '../../src/supervisor/console.js';
import { steppedClock } from '../support/stepped-clock.js';

/**
 * A client, for which there is room only when the test says so.
 * @param wants null: it says no hello
 * @param ready when it begins to speak
 */
function client(
  wants: ConsoleHello['wants'] | null = 'watch',
  more: readonly Frame[] = [],
  ready: Promise<void> = Promise.resolve(),
) {
  const sent: string[] = [];
  let makeRoom: () => void = () => undefined;
  let leave: () => void = () => undefined;
  let hasEnded = false;
  let isDropped = false;
  const gone = new Promise<void>((resolve) => (leave = resolve));
  async function* frames(): AsyncGenerator<Frame, undefined> {
    await ready;
    if (wants !== null)
      yield { kind: consoleFrames.hello, content: Buffer.from(JSON.stringify({ who: 'client', wants })) };
    yield* more;
    await gone;
  }
  const peer: Peer = {
    frames: frames(),
    send(kind, content = '') {
      sent.push(`${kind} ${Buffer.from(content).toString()}`);
      return new Promise((resolve) => {
        makeRoom = () => {
          resolve(true);
        };
        void gone.then(() => {
          resolve(false);
        });
      });
    },
    end: () => (hasEnded = true),
    drop: () => {
      isDropped = true;
      leave();
    },
    gone,
  };
  return {
    ...{ peer, sent, leave },
    hasEnded: () => hasEnded,
    isDropped: () => isDropped,
    makeRoom: () => {
      makeRoom();
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the server of a console', () => {
  test('keeps for a client that reads nothing only who has the keyboard last', async () => {
    const console = servedConsole(undefined, steppedClock());
    const serve = consoleServer(console, steppedClock()).onClient;
    const slow = client();
    serve(slow.peer);
    await settled();
    expect(slow.sent.splice(0)).toEqual(['w null']);
    const seats = ['a', 'b'].map((who) => console.attach({ who, wants: 'write' }));
    for (let times = 0; times < 100; times += 1) {
      for (const seat of seats) seat.take();
      await settled();
    }
    expect(slow.sent).toEqual([]);
    slow.makeRoom();
    await settled();
    expect(slow.sent).toEqual(['w {"who":"b","isMine":false}']);
    slow.makeRoom();
    await settled();
    seats[0]?.take();
    expect(slow.sent.slice(1)).toEqual(['w {"who":"a","isMine":false}']);
    slow.leave();
    console.end();
  });

  test('refuses one more than there may be, until one of them has gone', async () => {
    const came: string[] = [];
    const console = servedConsole(({ what }) => came.push(what));
    const serve = consoleServer(console, steppedClock()).onClient;
    const clients = Array.from({ length: mostClients }, () => client());
    for (const { peer } of clients) serve(peer);
    const refused = client();
    serve(refused.peer);
    await settled();
    expect(came).toHaveLength(mostClients);
    expect(refused.sent).toEqual([`r ${mostClients}`]);
    expect(refused.hasEnded()).toBe(true);
    refused.leave();
    clients[0]?.leave();
    await settled();
    const next = client();
    serve(next.peer);
    await settled();
    expect(next.sent).toEqual(['w null']);
    for (const { leave } of [...clients, next]) leave();
    console.end();
  });

  test('has all its places for those who say hello, however many others come again and again', async () => {
    const clock = steppedClock();
    const console = servedConsole(undefined, clock);
    const serve = consoleServer(console, clock).onClient;
    const silent = Array.from({ length: 3 * mostOthers }, () => client(null));
    const clients = Array.from({ length: mostClients }, () => client());
    for (const [number, { peer }] of silent.entries()) {
      serve(peer);
      const next = number % 3 === 0 ? clients[number / 3] : undefined;
      if (next !== undefined) serve(next.peer);
      await settled();
    }
    expect(clients.map(({ sent }) => sent)).toEqual(clients.map(() => ['w null']));
    // The oldest have gone, and were told why.
    const dropped = silent.filter(({ isDropped }) => isDropped());
    expect(dropped).toEqual(silent.slice(0, -mostOthers));
    for (const { sent } of dropped) expect(sent).toEqual(['s ']);
    const refused = client();
    serve(refused.peer);
    await settled();
    expect(refused.sent).toEqual([`r ${mostClients}`]);
    for (const { leave } of [...silent, ...clients, refused]) leave();
    await settled();
    expect(clock.asleep()).toEqual([]);
    console.end();
  });

  test('has room for others, whoever was refused and does not go', async () => {
    const clock = steppedClock();
    const console = servedConsole(undefined, clock);
    const serve = consoleServer(console, clock).onClient;
    const clients = Array.from({ length: mostClients }, () => client());
    const refused = Array.from({ length: mostOthers + 1 }, () => client());
    for (const { peer } of [...clients, ...refused]) {
      serve(peer);
      await settled();
    }
    for (const { sent } of refused) expect(sent).toEqual([`r ${mostClients}`]);
    expect(refused.map(({ isDropped }) => isDropped())).toEqual(refused.map((_each, number) => number === 0));
    for (const { leave } of [...clients, ...refused]) leave();
    console.end();
  });

  test('tells a client nothing before its hello, and takes nothing from it', async () => {
    const clock = steppedClock();
    const typed: string[] = [];
    const console = servedConsole(undefined, clock);
    console.connect((bytes) => {
      typed.push(Buffer.from(bytes).toString());
      return Promise.resolve(true);
    });
    const input = { kind: consoleFrames.input, content: Buffer.from('x') };
    const done = { kind: consoleFrames.done, content: Buffer.from('') };
    const silent = client(null, [input, done]);
    let speak: () => void = () => undefined;
    const late = client('write', [input], new Promise<void>((resolve) => (speak = resolve)));
    const serve = consoleServer(console, clock).onClient;
    for (const { peer } of [silent, late]) serve(peer);
    console.onOutput(Buffer.from('login: '));
    await settled();
    expect([silent.sent, late.sent, typed]).toEqual([[], [], []]);
    speak();
    await settled();
    expect(late.sent).toEqual(['w {"who":"client","isMine":true}', 'o login: ']);
    expect(typed).toEqual(['x']);
    expect(silent.sent).toEqual([]);
    for (const { leave } of [silent, late]) leave();
    console.end();
  });

  test('sends a client away that does not say hello, and has its place for another', async () => {
    const clock = steppedClock();
    const console = servedConsole(undefined, clock);
    const serve = consoleServer(console, clock).onClient;
    const silent = Array.from({ length: mostClients }, () => client(null));
    const typing = client(null, [{ kind: consoleFrames.input, content: Buffer.from('x') }]);
    for (const { peer } of [...silent.slice(1), typing]) serve(peer);
    await settled();
    await clock.pass(helloMs);
    await settled();
    for (const { hasEnded, sent } of [...silent.slice(1), typing]) {
      expect(hasEnded()).toBe(true);
      expect(sent.at(-1)).toBe('s ');
    }
    for (const { leave } of [...silent, typing]) leave();
    await settled();
    const next = client();
    serve(next.peer);
    await settled();
    expect(clock.asleep()).toEqual([]);
    expect(next.sent).toEqual(['w null']);
    next.leave();
    console.end();
  });

  test('ends a client that says what is not understood, and hears nothing more of it', async () => {
    const left: string[] = [];
    const console = servedConsole(({ what }) => left.push(what), steppedClock());
    const serve = consoleServer(console, steppedClock()).onClient;
    const foreign = client('write', [
      { kind: 'z', content: Buffer.from('') },
      { kind: consoleFrames.done, content: Buffer.from('') },
    ]);
    serve(foreign.peer);
    await settled();
    expect(foreign.hasEnded()).toBe(true);
    expect(left).toEqual(['came', 'keyboard', 'left']);
    expect(foreign.sent.filter((frame) => frame.startsWith('d'))).toEqual([]);
    foreign.leave();
    console.end();
  });

  test('does not wait for a client that reads nothing when the run is over', async () => {
    const clock = steppedClock();
    const console = servedConsole(undefined, clock);
    const server = consoleServer(console, clock);
    const slow = client();
    server.onClient(slow.peer);
    await settled();
    console.onOutput(Buffer.from('last words'));
    await settled();
    server.close();
    console.end();
    await clock.pass(2000);
    await settled();
    expect(slow.hasEnded()).toBe(true);
    expect(slow.sent).toEqual(['w null', 'o last words']);
    slow.leave();
  });

  test('sends who has not said hello away when the run is over, and waits for nobody else', async () => {
    const clock = steppedClock();
    const console = servedConsole(undefined, clock);
    const server = consoleServer(console, clock);
    const silent = client(null);
    server.onClient(silent.peer);
    await settled();
    server.close();
    expect(silent.sent).toEqual(['e ']);
    expect(silent.hasEnded()).toBe(true);
    silent.leave();
    await settled();
    expect(clock.asleep()).toEqual([]);
    console.end();
  });

  test('has nothing to wait for when the last client goes', async () => {
    const clock = steppedClock();
    const console = servedConsole(undefined, clock);
    const server = consoleServer(console, clock);
    const last = client();
    server.onClient(last.peer);
    await settled();
    server.close();
    console.end();
    expect(clock.asleep()).toEqual([2000]);
    last.leave();
    await settled();
    expect(clock.asleep()).toEqual([]);
  });
});
