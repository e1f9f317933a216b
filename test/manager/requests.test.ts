import { expect, test } from '@jest/globals';
import { inPlace, until, type Place } from '../e2e/support/place.js';
import { startVmrun } from '../e2e/support/vmrun.js';
import { addSpec, asker, endNow, guestsOf, manage, type Guests, type Managing } from './support.js';

test('a VM is started, is told to run, and is stopped', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name);
    const managing = await manage(place, guests);
    const { manager, ended } = managing;
    expect(manager.vms().map(({ name, state, wanted }) => [name, state, wanted.state])).toEqual([
      [place.name, 'stopped', 'stopped'],
    ]);
    const start = manager.start(place.name, {}, asker);
    expect(start).toMatchObject({ kind: 'start', state: 'running', by: 'test', hadEffect: true });
    expect(await ended(start)).toMatchObject({ state: 'done', problems: [] });
    const running = manager.vm(place.name);
    expect(running).toMatchObject({
      state: 'running',
      target: 'default',
      boot: 1,
      wanted: { state: 'running', by: 'test' },
    });
    expect(manager.start(place.name, {}, asker)).toMatchObject({ state: 'done', hadEffect: false });
    const stop = manager.stop(place.name, {}, asker);
    expect(await ended(stop)).toMatchObject({ state: 'done', hadEffect: true });
    expect(manager.vm(place.name)).toMatchObject({ state: 'stopped', wanted: { state: 'stopped', by: 'test' } });
    expect(manager.stop(place.name, {}, asker)).toMatchObject({ state: 'done', hadEffect: false });
    await endNow(managing);
  });
});

test('a VM that has not changed is the same view, and each change makes another', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name);
    const managing = await manage(place, guests);
    const { manager, ended } = managing;
    const seen = [manager.vm(place.name)];
    const expectAnother = (): void => {
      const view = manager.vm(place.name);
      expect(seen).not.toContain(view);
      seen.push(view);
      expect(manager.vms()[0]).toBe(view);
    };
    expect(manager.vm(place.name)).toBe(seen[0]);
    await ended(manager.start(place.name, {}, asker));
    expectAnother();
    addSpec(place, place.name, { cpu: 2 });
    await manager.reload(asker);
    expectAnother();
    expect(seen.at(-1)?.spec.isChanged).toBe(true);
    addSpec(place, place.name, { cpu: 'many' });
    await manager.reload(asker);
    expectAnother();
    expect(seen.at(-1)?.spec.problems).toHaveLength(1);
    await manager.reload(asker);
    expect(manager.vm(place.name)).toBe(seen.at(-1));
    await ended(manager.stop(place.name, { now: true }, asker));
    expectAnother();
    await endNow(managing);
  });
});

const running = (use: (managing: Managing, place: Place, guests: Guests) => Promise<void>, onSigterm?: string) =>
  inPlace(async (place) => {
    const guests = guestsOf(place, onSigterm);
    addSpec(place, place.name);
    const managing = await manage(place, guests);
    try {
      await managing.ended(managing.manager.start(place.name, {}, asker));
      await use(managing, place, guests);
    } finally {
      await endNow(managing);
    }
  });

test('two that ask for one start have one operation, and there is one bhyve', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name);
    const managing = await manage(place, guests);
    const { manager, ended } = managing;
    const [first, second] = [manager.start(place.name, {}, asker), manager.start(place.name, {}, { by: 'another' })];
    expect(second.id).toBe(first.id);
    expect(await ended(first)).toMatchObject({ state: 'done' });
    const ups = (): readonly string[] => guests.log().filter((line) => line.startsWith('up'));
    // It runs before it has written that.
    await until(() => ups().length > 0);
    expect(ups()).toHaveLength(1);
    await endNow(managing);
  });
});

test('a stop takes the place of a start that goes on', async () => {
  await inPlace(async (place) => {
    const managing = await manage(place, (addSpec(place, place.name), guestsOf(place)));
    const { manager, ended } = managing;
    const start = manager.start(place.name, {}, asker);
    const stop = manager.stop(place.name, { now: true }, asker);
    expect(await ended(stop)).toMatchObject({ state: 'done', hadEffect: true });
    expect((await ended(start)).state).toMatch(/^(done|interrupted)$/);
    expect(manager.vm(place.name)).toMatchObject({ state: 'stopped', wanted: { state: 'stopped' } });
    await endNow(managing);
  });
});

test('a start during a stop begins when the stop has ended; it can be taken back until then', async () => {
  await running(async ({ manager, ended, state }, place) => {
    const stop = manager.stop(place.name, { timeoutMs: 60_000 }, asker);
    const start = manager.start(place.name, {}, asker);
    expect(start.state).toBe('running');
    expect(manager.operations.cancel(start.id)).toBeUndefined();
    expect(manager.operations.get(start.id)).toMatchObject({ state: 'interrupted', problems: [{ code: 'cancelled' }] });
    const again = manager.start(place.name, {}, asker);
    expect(manager.vm(place.name)?.wanted.state).toBe('running');
    // The guest is deaf: now wins over the stop that waits for it.
    const now = manager.stop(place.name, { now: true }, asker);
    expect(manager.operations.get(again.id)).toMatchObject({ state: 'interrupted', problems: [{ code: 'replaced' }] });
    expect(await ended(now)).toMatchObject({ state: 'done' });
    expect(await ended(stop)).toMatchObject({ state: 'done' });
    await state(place.name, 'stopped');
  }, ':');
});

test('a restart is one operation, and another bhyve', async () => {
  await running(async ({ manager, ended, boots }, place, guests) => {
    const restart = manager.restart(place.name, {}, asker);
    expect(await ended(restart)).toMatchObject({ kind: 'restart', state: 'done' });
    await boots(place.name, 2);
    expect(manager.vm(place.name)).toMatchObject({ state: 'running', wanted: { state: 'running' } });
    await until(() => guests.log().filter((line) => line.startsWith('up')).length === 2);
    expect(guests.log().filter((line) => line === `bye ${place.name} 1`)).toHaveLength(1);
  });
});

const targets = { install: {} };
const unknownTarget = {
  code: 'unknown-target',
  message: 'there is no target "typo"',
  fix: 'the targets are "default" and "install"',
};

test('a start with a target that its spec does not have is refused, and nothing else is wanted than before', async () => {
  await inPlace(async (place) => {
    addSpec(place, place.name, { targets });
    const guests = guestsOf(place);
    const managing = await manage(place, guests);
    const { manager, ended } = managing;
    const before = manager.vm(place.name);
    const start = manager.start(place.name, { target: 'typo' }, asker);
    expect(start).toMatchObject({ kind: 'start', state: 'failed', problems: [unknownTarget] });
    expect(manager.vm(place.name)).toBe(before);
    await ended(manager.start(place.name, { target: 'install' }, asker));
    expect(manager.vm(place.name)).toMatchObject({
      target: 'install',
      wanted: { state: 'running', target: 'install' },
    });
    await endNow(managing);
    // The next manager has nothing that it cannot do.
    const next = await manage(place, guests);
    await next.boots(place.name);
    expect(next.manager.vm(place.name)).toMatchObject({ state: 'running', target: 'install' });
    await endNow(next);
  });
});

test.each<[what: string, target: string | undefined, change: (place: Place) => unknown, codes: readonly string[]]>([
  ['names a target that there is not', 'typo', () => undefined, ['unknown-target']],
  [
    'is of a VM that has two files by now',
    undefined,
    (place) => addSpec(place, place.name, {}, 'twin.json'),
    ['name-taken', 'name-taken'],
  ],
  [
    'names a target that is gone from the file',
    'install',
    (place) => addSpec(place, place.name, { targets: {} }),
    ['unknown-target'],
  ],
])('a restart that %s stops nothing', async (_what, target, change, codes) => {
  await inPlace(async (place) => {
    addSpec(place, place.name, { targets });
    const guests = guestsOf(place);
    const managing = await manage(place, guests);
    const { manager, ended } = managing;
    await ended(manager.start(place.name, {}, asker));
    change(place);
    await manager.reload(asker);
    const before = manager.vm(place.name);
    const restart = manager.restart(place.name, { ...(target === undefined ? {} : { target }), now: true }, asker);
    expect(restart.state).toBe('failed');
    expect(restart.problems.map(({ code }) => code)).toEqual(codes);
    expect(manager.vm(place.name)).toBe(before);
    expect(before).toMatchObject({ state: 'running', target: 'default', boot: 1 });
    expect(guests.log().filter((line) => line.startsWith('bye'))).toEqual([]);
    await endNow(managing);
  });
});

test('a VM whose spec has errors, and never was without, is not wanted by a start or a restart', async () => {
  await inPlace(async (place) => {
    addSpec(place, place.name, { cpu: 'many' });
    const managing = await manage(place, guestsOf(place));
    const { manager } = managing;
    const before = manager.vm(place.name);
    for (const act of ['start', 'restart'] as const) {
      const refused = manager[act](place.name, {}, asker);
      expect(refused).toMatchObject({ kind: act, state: 'failed', problems: before?.spec.problems });
      expect(refused.problems).not.toEqual([]);
    }
    expect(manager.vm(place.name)).toBe(before);
    addSpec(place, place.name);
    await manager.readSpecOf(place.name);
    expect(await managing.ended(manager.start(place.name, {}, asker))).toMatchObject({ state: 'done' });
    await endNow(managing);
  });
});

test('a target that goes between the request and the boot is told by the operation and by the VM', async () => {
  await inPlace(async (place) => {
    addSpec(place, place.name, { targets });
    const guests = guestsOf(place, ':');
    const managing = await manage(place, guests);
    const { manager, ended, state } = managing;
    await ended(manager.start(place.name, {}, asker));
    const restart = manager.restart(place.name, { target: 'install', timeoutMs: 60_000 }, asker);
    expect(restart.state).toBe('running');
    addSpec(place, place.name);
    await guests.end(place.name, 1);
    const problem = { code: 'unknown-target', fix: 'the only target is "default"' };
    expect(await ended(restart)).toMatchObject({ state: 'failed', problems: [problem] });
    expect(await state(place.name, 'failed')).toMatchObject({ problems: [problem], wanted: { target: 'install' } });
    expect(await ended(manager.start(place.name, {}, asker))).toMatchObject({ state: 'done' });
    expect(manager.vm(place.name)).toMatchObject({ state: 'running', target: 'default' });
    await endNow(managing);
  });
});

test.each([
  ['powered off', 1, 'guest', 'stopped'],
  ['halted', 2, 'guest', 'stopped'],
  ['crashed, with a policy that lets no boot follow', 4, 'policy', 'failed'],
] as const)('a guest that %s is wanted stopped, also by the next manager', async (_what, status, by, state) => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name, { reboot_on: ['reboot'] });
    const managing = await manage(place, guests);
    await managing.ended(managing.manager.start(place.name, {}, asker));
    await guests.end(place.name, status);
    const view = await managing.state(place.name, state);
    expect(view.wanted).toMatchObject({ state: 'stopped', by });
    expect(view.last?.boot).toBe(1);
    if (state === 'failed') expect(view.why?.cause).toBeTruthy();
    await endNow(managing);
    const next = await manage(place, guests);
    expect(next.manager.vm(place.name)).toMatchObject({ state: 'stopped', wanted: { state: 'stopped', by } });
    await endNow(next);
  });
});

test('a VM that cannot be started fails, stays wanted, and is started once it can', async () => {
  await inPlace(async (place) => {
    addSpec(place, place.name);
    const guests = guestsOf(place);
    const managing = await manage(place, guests, { bhyve: [place.path('no-such-program')] });
    const { manager, ended } = managing;
    const start = await ended(manager.start(place.name, {}, asker));
    expect(start).toMatchObject({ state: 'failed', problems: [{ severity: 'error' }] });
    expect(manager.vm(place.name)).toMatchObject({ state: 'failed', wanted: { state: 'running' } });
    expect(manager.vm(place.name)?.problems).toEqual(start.problems);
    await endNow(managing);
    const next = await manage(place, guests);
    await next.boots(place.name);
    await endNow(next);
  });
});

test('a guest is paused and goes on; what cannot be done says why', async () => {
  await running(async ({ manager, ended, state }, place) => {
    expect(await ended(manager.act(place.name, 'pause', asker))).toMatchObject({ kind: 'pause', state: 'done' });
    await state(place.name, 'paused');
    expect(await ended(manager.act(place.name, 'resume', asker))).toMatchObject({ state: 'done' });
    await ended(manager.stop(place.name, { now: true }, asker));
    expect(await ended(manager.act(place.name, 'pause', asker))).toMatchObject({
      state: 'failed',
      problems: [{ code: 'not-running' }],
    });
  });
});

test('a VM that does not end delays no other', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place, ':');
    for (const name of ['a', 'b']) addSpec(place, `${place.name}-${name}`);
    const managing = await manage(place, guests);
    const { manager, ended } = managing;
    const [a, b] = [`${place.name}-a`, `${place.name}-b`];
    await ended(manager.start(a, {}, asker));
    const slow = manager.stop(a, { timeoutMs: 100_000 }, asker);
    expect(await ended(manager.start(b, {}, asker))).toMatchObject({ state: 'done' });
    expect(await ended(manager.stop(b, { now: true }, asker))).toMatchObject({ state: 'done' });
    expect(manager.operations.get(slow.id)).toMatchObject({ state: 'running' });
    expect(manager.vm(a)).toMatchObject({ state: 'stopping' });
    await endNow(managing);
  });
});

test('a VM that another vmrun runs is shown as such, and is started and stopped there', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name);
    const other = startVmrun(place, [
      ...[
        '-c',
        `specs/${place.name}.json`,
        '--run-dir',
        place.runBase,
        '--bhyve',
        guests.file,
        '--no-requirement-check',
      ],
    ]);
    await other.said('words of');
    const managing = await manage(place, guests);
    const { manager, ended, state } = managing;
    expect(manager.vm(place.name)).toMatchObject({ state: 'running', supervisor: other.child.pid });
    expect(manager.start(place.name, {}, asker)).toMatchObject({ state: 'done', hadEffect: false });
    expect(await ended(manager.act(place.name, 'pause', asker))).toMatchObject({ problems: [{ code: 'in-use' }] });
    expect(await ended(manager.stop(place.name, {}, asker))).toMatchObject({ state: 'done' });
    await state(place.name, 'stopped');
    await other.ended;
    await endNow(managing);
  });
});
