import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { Route } from '../../src/server/route.js';
import { operationBook } from '../../src/manager/operation-book.js';
import { ask, withServer } from '../support/served.js';
import { steppedClock } from '../support/stepped-clock.js';

/** What managers of VMs are blamed for most, and the tests that hold this one to better: files below test/, and titles in them. */
const complaints: Readonly<Record<string, readonly (readonly [file: string, title: string])[]>> = {
  'an operation answers 404 a moment too soon, or after it has ended': [
    ['manager/complaints.test.ts', 'an operation is known from the answer that names it until 24 hours after its end'],
    ['manager/killed.test.ts', 'what else was under way is interrupted, and known as such'],
    [
      'manager/killed.test.ts',
      'the start of a VM that waits for others is known after a kill, as one that was interrupted',
    ],
    ['api/native.test.ts', 'that takes a while is an operation, to be asked for and to be waited for'],
  ],
  'a start blocks until the client gives up': [
    ['api/native.test.ts', 'to start is answered while the guest is not up yet, and as often as somebody asks'],
    ['manager/requests.test.ts', 'a VM that does not end delays no other'],
  ],
  'a start of a running VM is an error': [
    ['manager/requests.test.ts', 'a VM is started, is told to run, and is stopped'],
    ['api/native.test.ts', 'that has nothing to do is done at once'],
  ],
  'a VM is stuck in "stopping"': [
    [
      'manager/requests.test.ts',
      'a start during a stop begins when the stop has ended; it can be taken back until then',
    ],
    ['api/native.test.ts', 'to stop now does not wait for the guest'],
    ['manager/autostart.test.ts', 'a guest that does not listen is ended within the budget; less time shortens it'],
    ['manager/killed.test.ts', 'a stop that was under way is seen through by the next manager, as the same operation'],
  ],
  'autostart is in the wrong order, or blocks the API': [
    ['manager/start-times.test.ts', '50 VMs start in the order and at the times that the plan of their folder says'],
    ['manager/autostart.test.ts', 'a VM is started when those that it waits for are ready, and not before'],
    [
      'manager/autostart.test.ts',
      'who waits for a VM that is stopped by hand before it was started is not kept waiting',
    ],
    ['manager/autostart.test.ts', 'a start that waits may be taken back, and one by hand waits for nobody'],
  ],
  'VMs are lost at an upgrade': [
    ['manager/killed.test.ts', 'a VM outlives a manager that is killed, and is taken over as it runs'],
    ['e2e/serve.test.ts', 'lets go of no guest when it hands over: the next manager goes on with them'],
    ['manager/state-folder.test.ts', 'of an older vmrun, which gave no ids, nothing is lost'],
    ['manager/state-folder.test.ts', 'a file of a newer version is refused, and not changed; so is nothing else'],
  ],
  'nobody knows what a changed file means for a VM that runs': [
    ['manager/specs.test.ts', 'a change takes effect at the next boot, and is told with what the guest will notice'],
    [
      'manager/specs.test.ts',
      'a file that is cut while it is written is a problem, and what was accepted holds at the next boot',
    ],
    ['manager/specs.test.ts', 'a VM whose file is gone runs on, boots again, and is forgotten when it ends'],
    [
      'manager/specs.test.ts',
      'a reload starts nothing: a new VM with autostart is named, and starts with the next manager',
    ],
  ],
  'HTTPS is forced behind a proxy': [
    ['manager/complaints.test.ts', 'behind a proxy nothing is led to HTTPS'],
    ['server/server.test.ts', 'is below the path that a proxy gives us'],
    ['server/server.test.ts', 'of a client behind a trusted proxy are its own'],
  ],
  'events are lost': [
    ['manager/events.test.ts', 'a reader that comes back gets all after the one that it had last'],
    ['manager/events.test.ts', 'a reader that is too slow loses the oldest beyond its bound, and is told how many'],
    ['api/native.test.ts', 'come as they happen, and again from where a client was'],
    ['server/server.test.ts', 'is written as it comes, with a comment every 15 s, and its end is told'],
  ],
  'it is "in use" though nobody is there': [
    [
      'manager/full-disk.test.ts',
      'a state folder in which nothing can be written (%s) is refused with its name and what to do, or begun all the same',
    ],
    ['manager/killed.test.ts', 'a second manager on a state folder is refused, and told who is there'],
    ['server/server.test.ts', 'that a killed manager has left is replaced, and goes with the server'],
    ['manager/in-the-way.test.ts', 'a start waits for a loader that is in the way, and goes on when that has ended'],
  ],
};

const textOf = (file: string): string => readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8');

describe.each(Object.entries(complaints))('that %s', (_complaint, tests) => {
  test.each(tests)('is kept from coming true by %s: %s', (file, title) => {
    expect(textOf(file).replaceAll("\\'", "'")).toMatch(
      new RegExp(`(test|asUser|strace)[^\\n]*\\(\\s*['"\`]${escaped(title)}['"\`]`),
    );
  });
});

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

const hourMs = 3_600_000;

test('an operation is known from the answer that names it until 24 hours after its end', () => {
  const clock = steppedClock();
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  const kept = new Map<string, object>();
  const records = {
    read: () => undefined,
    names: () => [],
    file: (name: string) => name,
    keep: (name: string, record: object) => void kept.set(name, record),
    keepSoon: (name: string, record: object) => void kept.set(name, record),
    drop: (name: string) => void kept.delete(name),
    end: () => undefined,
  };
  const told: (string | undefined)[] = [];
  const book = operationBook(records, {
    clock: { ...clock, now: () => new Date(nowMs) },
    // Who hears of one finds it.
    onChange: ({ id }) => told.push(book.get(id)?.id),
    onDamaged: () => undefined,
  });
  const pass = (ms: number): void => {
    nowMs += ms;
    clock.advance(ms);
    // What is old is forgotten when another one ends.
    book.begin({ kind: 'start', vm: 'other', by: 'test' }).done();
  };
  const ongoing = book.begin({ kind: 'stop', vm: 'web', by: 'test' });
  const { id } = ongoing;
  pass(1000 * hourMs);
  expect(book.get(id)).toMatchObject({ state: 'running' });
  ongoing.done();
  pass(24 * hourMs - 1);
  expect(book.get(id)).toMatchObject({ state: 'done' });
  expect(kept.has(`operations/${id}`)).toBe(true);
  pass(2 * 60_000);
  expect(book.get(id)).toBeUndefined();
  expect(kept.has(`operations/${id}`)).toBe(false);
  expect(told).not.toContain(undefined);
});

test('behind a proxy nothing is led to HTTPS', async () => {
  const things: Route = {
    ...{ method: 'GET', path: '/api/v1/things', id: 'getThings', summary: 'Things.', right: 'nobody' },
    answers: { 200: { words: 'all of them' } },
    handle: () => ({ document: [] }),
  };
  const routes = [things];
  for (const trustedProxies of [[], ['127.0.0.0/8']]) {
    await withServer({ routes, trustedProxies }, async ({ url, token }) => {
      for (const proto of [{}, { 'x-forwarded-proto': 'https' }, { 'x-forwarded-proto': 'http' }]) {
        const headers = { ...proto, authorization: `Bearer ${token}` };
        const replies = await Promise.all(['/', '/api/v1/things'].map((path) => ask(`${url}${path}`, { headers })));
        expect(replies.map(({ status }) => status)).toEqual([404, 200]);
        for (const { headers: answered } of replies) {
          expect(answered.location).toBeUndefined();
          expect(answered['strict-transport-security']).toBeUndefined();
        }
      }
    });
  }
});
