import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { systemClock, type Clock } from '../../src/host/clock.js';
import { systemHost } from '../../src/host/host.js';
import { inPlace, until, type Place } from '../e2e/support/place.js';
import { addSpec, asker, endNow, guestsOf, manage, removeSpec, type Guests, type Managing } from './support.js';

/** The order in which VMs were told to boot, and to be ready. */
const order = ({ seen }: Managing): readonly string[] =>
  seen.flatMap((event) => {
    if (event.kind === 'run' && event.event.kind === 'boot') return [`${event.vm} boots`];
    return event.kind === 'ready' ? [`${event.vm} ${event.isReady ? 'is ready' : 'is not ready'}`] : [];
  });

const inFolder = (
  specs: Readonly<Record<string, object>>,
  use: (managing: Managing, place: Place) => Promise<void>,
): Promise<void> =>
  inPlace(async (place) => {
    const guests = guestsOf(place);
    // Names of the place's own: what is left of a test is found by them.
    for (const [name, fields] of Object.entries(specs)) addSpec(place, name, fields);
    const managing = await manage(place, guests);
    try {
      await use(managing, place);
    } finally {
      await endNow(managing);
    }
  });

const signOf = (place: Place, name: string) => ({ command: ['/bin/sh', '-c', `test -e '${place.path(name)}'`] });

test('a VM is started by itself, and one that nobody wants is not', async () => {
  await inFolder({ a: { autostart: true }, b: {} }, async ({ manager, boots }) => {
    await boots('a');
    expect(manager.vm('a')).toMatchObject({ wanted: { state: 'running', by: 'autostart' } });
    expect(manager.vm('b')).toMatchObject({ state: 'stopped', wanted: { state: 'stopped' } });
  });
});

test('a VM is started when those that it waits for are ready, and not before', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'db', { autostart: { ready: signOf(place, 'sign') } });
    addSpec(place, 'cache', { autostart: true });
    addSpec(place, 'web', { autostart: { after: ['db', 'cache'] } });
    const managing = await manage(place, guests);
    const { manager, until, boots } = managing;
    await until('cache is ready', () => order(managing).includes('cache is ready'));
    expect(manager.vm('web')).toMatchObject({ state: 'queued', waitsFor: ['db'] });
    expect(manager.vm('db')?.isReady).toBeUndefined();
    place.write('sign', '');
    await boots('web');
    expect(order(managing).indexOf('web boots')).toBeGreaterThan(order(managing).indexOf('db is ready'));
    expect(manager.vm('db')).toMatchObject({ isReady: true });
    await endNow(managing);
  });
});

test('a VM is ready when something takes connections', async () => {
  const server: Server = createServer((socket) => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    await inFolder(
      { db: { autostart: { ready: { tcp: `127.0.0.1:${port}` } } }, web: { autostart: { after: ['db'] } } },
      async ({ boots }) => {
        await boots('web');
      },
    );
  } finally {
    server.close();
  }
});

test.each([
  ['is not started, and says why', 'skip', 'failed'],
  ['is started all the same where it says so', 'start', 'running'],
] as const)('a VM whose predecessor is not ready in time %s', async (_what, onFailure, state) => {
  await inFolder(
    {
      db: { autostart: { ready: { command: ['false'], timeout: '200ms' } } },
      web: { autostart: { after: ['db'], on_failure: onFailure } },
    },
    async (managing) => {
      const view = await managing.state('web', state);
      expect(view.wanted).toMatchObject({ state: 'running', by: 'autostart' });
      if (state === 'failed') {
        expect(view.problems).toMatchObject([{ code: 'not-ready' }]);
        expect(view.problems?.[0]?.message).toContain('db is not ready after 200');
        // By hand it is started nevertheless.
        await managing.ended(managing.manager.start('web', {}, asker));
      }
      expect(await managing.state('db', 'running')).toMatchObject({ state: 'running' });
    },
  );
});

test('one that waits for what is not there, or in a loop, is not started; the others are', async () => {
  await inFolder(
    {
      lost: { autostart: { after: ['nobody'] } },
      a: { autostart: { after: ['b'] } },
      b: { autostart: { after: ['a'] } },
      other: { autostart: true },
    },
    async ({ manager, boots }) => {
      await boots('other');
      const codesOf = (name: string) => manager.vm(name)?.spec.problems.map(({ code }) => code);
      expect(codesOf('lost')).toEqual(['unknown-vm']);
      expect([codesOf('a'), codesOf('b')]).toEqual([['autostart-loop'], ['autostart-loop']]);
      for (const name of ['lost', 'a', 'b']) expect(manager.vm(name)).toMatchObject({ state: 'failed' });
      expect(manager.vm('lost')?.spec.problems[0]?.place?.pointer).toBe('/autostart/after/0');
      // Who listens to events, and who reloads, is told the very same.
      const told = new Map<string, unknown>();
      for await (const event of manager.events.subscribe({ fromFirst: true })) {
        if (event.kind === 'spec') told.set(event.vm, event.problems);
        if (told.size === 4) break;
      }
      const problems = ['a', 'b', 'lost'].map((name) => manager.vm(name)?.spec.problems);
      expect(['a', 'b', 'lost'].map((name) => told.get(name))).toEqual(problems);
      expect((await manager.reload(asker)).problems).toEqual(expect.arrayContaining(problems.flat()));
    },
  );
});

/** `first` is not ready before somebody says so; `middle` waits for it, and `last` for `middle`. */
const inRow = (
  use: (managing: Managing, place: Place, guests: Guests) => Promise<void>,
  { timeout = '1h', ...middle }: { readonly timeout?: string; readonly reboot_on?: readonly string[] } = {},
) =>
  inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'first', { autostart: { ready: signOf(place, 'sign') } });
    addSpec(place, 'middle', { ...middle, autostart: { after: ['first'], ready: { command: ['false'], timeout } } });
    addSpec(place, 'last', { autostart: { after: ['middle'] } });
    addSpec(place, 'all-the-same', { autostart: { after: ['middle'], on_failure: 'start' } });
    addSpec(place, 'other', { autostart: true });
    const managing = await manage(place, guests);
    try {
      await managing.boots('other');
      await managing.boots('first');
      for (const name of ['middle', 'last', 'all-the-same']) await managing.state(name, 'queued');
      await use(managing, place, guests);
      await managing.boots('all-the-same');
      // What it waited for was not waited for any more.
      if (!managing.seen.some((event) => event.kind === 'ready' && event.vm === 'first'))
        expect(managing.manager.vm('first')?.isReady).toBeUndefined();
    } finally {
      await endNow(managing);
    }
  });

/** Why the last of the row is not started. */
const whyNot = async ({ state }: Managing): Promise<string | undefined> =>
  (await state('last', 'failed')).problems?.[0]?.message.replace(/^.*: /, '');

test('who waits for a VM that is stopped by hand before it was started is not kept waiting', async () => {
  await inRow(async (managing) => {
    managing.manager.stop('middle', {}, asker);
    expect(await whyNot(managing)).toBe('middle was stopped before it was started');
  });
});

test('who waits for a VM whose start is taken back is not kept waiting', async () => {
  await inRow(async (managing) => {
    managing.manager.operations.cancel(managing.manager.vm('middle')?.operation ?? '');
    expect(await whyNot(managing)).toBe('middle was stopped before it was started');
  });
});

test('a VM whose file is removed while it waits is not started, and who waits for it is not kept waiting', async () => {
  await inRow(async (managing, place, guests) => {
    const { manager } = managing;
    const start = manager.vm('middle')?.operation ?? '';
    removeSpec(place, 'middle.json');
    expect(await manager.reload(asker)).toMatchObject({ removed: ['middle'] });
    expect(manager.vm('middle')).toBeUndefined();
    expect(manager.operations.get(start)).toMatchObject({ state: 'interrupted', problems: [{ code: 'no-spec' }] });
    expect(await whyNot(managing)).toBe('middle was removed');
    place.write('sign', '');
    await managing.until('first is ready', () => manager.vm('first')?.isReady);
    expect(guests.log().some((line) => line.startsWith('up middle'))).toBe(false);
  });
});

test('a VM that is started by hand before its turn has its time to get ready from then on', async () => {
  await inRow(
    async (managing) => {
      await managing.ended(managing.manager.start('middle', {}, asker));
      expect(await whyNot(managing)).toBe('middle is not ready after 1 s');
    },
    { timeout: '1s' },
  );
});

test.each([
  ['crashes', (_managing: Managing, guests: Guests) => guests.end('middle', 4)],
  ['powers off', (_managing: Managing, guests: Guests) => guests.end('middle', 1)],
  [
    'is stopped by hand',
    async (managing: Managing) => {
      await managing.ended(managing.manager.stop('middle', { now: true }, asker));
    },
  ],
])('who waits for a VM that %s before it is ready is not started, and not kept waiting', async (_what, end) => {
  await inRow(
    async (managing, place, guests) => {
      place.write('sign', '');
      await managing.boots('middle');
      await end(managing, guests);
      expect(await whyNot(managing)).toBe('middle has ended');
    },
    { reboot_on: ['reboot'] },
  );
});

test('a VM that crashes again and again is not ready in time, however often it boots', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'db', {
      autostart: { ready: { command: ['false'], timeout: '1s' } },
      reboot_on: ['reboot', 'error'],
    });
    addSpec(place, 'web', { autostart: { after: ['db'] } });
    const managing = await manage(place, guests);
    await guests.end('db', 4);
    await managing.boots('db', 2);
    expect((await managing.state('web', 'failed')).problems?.[0]?.message).toContain('db is not ready after 1 s');
    await endNow(managing);
  });
});

test('who waits for a VM that nobody starts is told so at once, and is started all the same where it says so', async () => {
  await inFolder(
    {
      db: {},
      web: { autostart: { after: ['db'] } },
      mail: { autostart: { after: ['db'], on_failure: 'start' } },
    },
    async ({ boots, manager, state }) => {
      await boots('mail');
      const view = await state('web', 'failed');
      expect(view.problems?.map(({ message }) => message)).toEqual([
        'web waits for others, and was not started: db is stopped, and nobody wants it to run',
      ]);
      expect(view.spec.problems).toMatchObject([{ code: 'autostart-held', severity: 'warning' }]);
      expect(manager.vm('db')).toMatchObject({ state: 'stopped' });
    },
  );
});

test('who waits for a VM without autostart that somebody has started waits until it is ready', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'db');
    const first = await manage(place, guests);
    await first.ended(first.manager.start('db', {}, asker));
    await endNow(first);
    addSpec(place, 'web', { autostart: { after: ['db'] } });
    const managing = await manage(place, guests);
    await managing.boots('web');
    expect(order(managing).slice(0, 3)).toEqual(['db boots', 'db is ready', 'web boots']);
    await endNow(managing);
  });
});

test('a start that waits may be taken back, and one by hand waits for nobody', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'db', { autostart: { ready: signOf(place, 'sign') } });
    addSpec(place, 'web', { autostart: { after: ['db'] } });
    addSpec(place, 'mail', { autostart: { after: ['db'] } });
    const managing = await manage(place, guests);
    const { manager, ended, state } = managing;
    const { operation = '' } = await state('web', 'queued');
    expect(manager.operations.cancel(operation)).toBeUndefined();
    expect(manager.vm('web')).toMatchObject({ state: 'stopped', wanted: { state: 'stopped' } });
    expect(await ended(manager.start('mail', {}, asker))).toMatchObject({ state: 'done' });
    await endNow(managing);
  });
});

test('what somebody has stopped stays stopped until the host boots anew, though it starts by itself', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'a', { autostart: true });
    const first = await manage(place, guests);
    await first.boots('a');
    await first.ended(first.manager.stop('a', { now: true }, asker));
    await endNow(first);
    const second = await manage(place, guests);
    expect(second.manager.vm('a')).toMatchObject({ state: 'stopped', wanted: { state: 'stopped', by: 'test' } });
    await endNow(second);
    const record = place.path('state', 'vms', 'a.json');
    place.write(
      'state/vms/a.json',
      readFileSync(record, 'utf8').replace(/"hostBoot":"[^"]*"/, '"hostBoot":"before"'),
      0o600,
    );
    const third = await manage(place, guests);
    await third.boots('a');
    expect(third.manager.vm('a')?.wanted).toMatchObject({ by: 'autostart' });
    await endNow(third);
  });
});

test('at the end a VM is stopped when those that wait for it have ended, and what is wanted stays', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'db', { autostart: { ready: { command: ['true'] } } });
    addSpec(place, 'web', { autostart: { after: ['db'], ready: { command: ['true'] } } });
    addSpec(place, 'front', { autostart: { after: ['web'] } });
    const managing = await manage(place, guests);
    await managing.boots('front');
    await until(() => guests.log().length === 3);
    await managing.manager.end({ kind: 'stop', budgetMs: 60_000 });
    expect(guests.log().slice(3)).toEqual(['bye front 1', 'bye web 1', 'bye db 1']);
    expect(place.runDirectories()).toEqual([]);
    const next = await manage(place, guests);
    await next.boots('front');
    await endNow(next);
  });
});

test('a guest that does not listen is ended within the budget; less time shortens it', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place, ':');
    addSpec(place, 'a', { autostart: true });
    const managing = await manage(place, guests);
    await managing.boots('a');
    const end = managing.manager.end({ kind: 'stop', budgetMs: 3_600_000 });
    await managing.until('it is asked', () =>
      managing.seen.some((event) => event.kind === 'run' && event.event.kind === 'stopping'),
    );
    await managing.manager.end({ kind: 'stop', budgetMs: 0 });
    await end;
    expect(place.runDirectories()).toEqual([]);
  });
});

test('a VM is ready when its guest has written a text to its console, in however many pieces', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    const file = place.script(
      'guest',
      'printf "log"',
      'sleep 0.05 3>&- 4>&-',
      'printf "in: "',
      `exec '${guests.file}'`,
    );
    addSpec(place, 'db', { com1: 'console', autostart: { ready: { console: 'login:' } } });
    addSpec(place, 'web', { autostart: { after: ['db'] } });
    const managing = await manage(place, { ...guests, file });
    await managing.boots('web');
    expect(managing.manager.vm('db')).toMatchObject({ isReady: true });
    await endNow(managing);
  });
});

test('a VM is started so long after those that it waits for as its spec says', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    const slept: number[] = [];
    const clock: Clock = {
      ...systemClock,
      sleep: (ms, signal) => {
        slept.push(ms);
        return systemClock.sleep(ms === 77_000 ? 0 : ms, signal);
      },
    };
    addSpec(place, 'db', { autostart: { ready: { command: ['true'] } } });
    addSpec(place, 'web', { autostart: { after: ['db'], delay: '77s' } });
    const managing = await manage(place, guests, { host: { ...systemHost(), clock } });
    await managing.boots('web');
    expect(slept.filter((ms) => ms === 77_000)).toHaveLength(1);
    await endNow(managing);
  });
});
