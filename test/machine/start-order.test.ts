import { describe, expect, test } from '@jest/globals';
import type { Problem } from '../../src/base/problem.js';
import { startOrder, type StartOrder } from '../../src/machine/start-order.js';
import { specOf } from '../support/specs.js';

type Autostarts = Readonly<Record<string, unknown>>;

/** VMs with what their specs say of autostart, each in the file of its name. */
const orderOf = async (autostarts: Autostarts, broken?: readonly string[]): Promise<StartOrder> => {
  const specs = await Promise.all(
    Object.entries(autostarts).map(([name, autostart]) =>
      specOf({ name, cpu: 1, mem: '1G', autostart }, { name: `${name}.json` }),
    ),
  );
  return startOrder(specs, { broken: new Set(broken) });
};

const waves = ({ waves }: StartOrder) => waves.map((wave) => wave.map(({ name }) => name));

const told = (problems: readonly Problem[]) =>
  problems.map(
    ({ severity, code, place, message }) =>
      `${severity} ${code} ${place?.file ?? ''}:${place?.line ?? 0} ${place?.pointer ?? ''} ${message}`,
  );

describe('the order in which VMs start', () => {
  test('has those that wait for nobody first, then each after all that it waits for', async () => {
    const order = await orderOf({
      web: { after: ['db', 'cache'] },
      cache: { after: ['db'] },
      db: true,
      mail: {},
      test: false,
    });
    expect(waves(order)).toEqual([['db', 'mail'], ['cache'], ['web']]);
    expect(order.manual).toEqual([{ name: 'test', source: 'test.json' }]);
    expect([order.held, order.problems]).toEqual([[], []]);
  });

  test('is the same however the files are listed', async () => {
    const said: Autostarts = { c: { after: ['b', 'x'] }, a: true, b: { after: ['c'] }, d: { after: ['a'] } };
    const backwards = Object.fromEntries(Object.entries(said).reverse());
    expect(await orderOf(backwards)).toEqual(await orderOf(said));
  });

  test('says when each starts, at the earliest and at the latest', async () => {
    const order = await orderOf({
      db: { delay: '5s', ready: { tcp: '10.0.0.5:5432', timeout: '1min' } },
      cache: true,
      web: { after: ['db', 'cache'], delay: '2s' },
    });
    const times = order.waves.flat().map(({ name, earliestMs, latestMs }) => [name, earliestMs, latestMs]);
    expect(times).toEqual([
      ['cache', 0, 0],
      ['db', 5000, 5000],
      // The cache is ready when its bhyve has lived for a second, and has two minutes for it.
      ['web', 7000, 122_000],
    ]);
  });

  test('knows a name that no VM has, with its place, and the one that it most likely means', async () => {
    const order = await orderOf({ postgres: true, web: { after: ['postgers'] }, app: { after: ['web'] } });
    expect(waves(order)).toEqual([['postgres']]);
    expect(told(order.problems)).toEqual([
      'error unknown-vm web.json:7 /autostart/after/0 there is no VM "postgers" to wait for',
      'warning autostart-held app.json:7 /autostart/after/0 "app" is not started by itself: it waits for "web", which is not started',
    ]);
    expect(order.problems[0]?.fix).toBe('did you mean "postgres"?');
    expect(order.held.map(({ name, why }) => [name, why.code])).toEqual([
      ['app', 'autostart-held'],
      ['web', 'unknown-vm'],
    ]);
  });

  test('tells of a loop in each file of it, and starts none of it, nor those that wait for one of them', async () => {
    const order = await orderOf({
      a: { after: ['ok', 'b'] },
      b: { after: ['c'] },
      c: { after: ['a'] },
      ok: true,
      late: { after: ['c'] },
    });
    expect(waves(order)).toEqual([['ok']]);
    expect(told(order.problems)).toEqual([
      'error autostart-loop a.json:8 /autostart/after/1 "a" waits for "b" waits for "c" waits for "a": a loop',
      'error autostart-loop b.json:7 /autostart/after/0 "b" waits for "c" waits for "a" waits for "b": a loop',
      'error autostart-loop c.json:7 /autostart/after/0 "c" waits for "a" waits for "b" waits for "c": a loop',
      'warning autostart-held late.json:7 /autostart/after/0 "late" is not started by itself: it waits for "c", which is not started',
    ]);
  });

  test.each([
    ['one that somebody has to start', { test: false, web: { after: ['test'] } }, [], 'is not started by itself'],
    ['one whose spec has problems', { web: { after: ['test'] } }, ['test'], 'has a spec with problems'],
  ])('warns of a VM that waits for %s, unless it starts all the same', async (_what, said, broken, why) => {
    const order = await orderOf(said, broken);
    expect(waves(order)).toEqual([]);
    expect(told(order.problems)).toEqual([
      `warning autostart-held web.json:7 /autostart/after/0 "web" is not started by itself: it waits for "test", which ${why}`,
    ]);
    const loose = await orderOf({ ...said, web: { after: ['test'], on_failure: 'start' } }, broken);
    expect(loose.waves.flat().map(({ name, waitsFor }) => [name, waitsFor])).toEqual([['web', []]]);
    expect(loose.problems).toEqual([]);
  });

  test('starts neither of two VMs of one name, and says so in both files', async () => {
    const [one, other, third] = await Promise.all(
      ['one.json', 'other.yaml', 'third.json'].map((name) =>
        specOf({ name: name === 'third.json' ? 'third' : 'vm', cpu: 1, mem: '1G', autostart: true }, { name }),
      ),
    );
    if (one === undefined || other === undefined || third === undefined) throw new Error('three specs');
    const order = startOrder([other, third, one]);
    expect(waves(order)).toEqual([['third']]);
    expect(told(order.problems)).toEqual([
      'error name-taken one.json:2 /name the VM "vm" is also in other.yaml',
      'error name-taken other.yaml:2 /name the VM "vm" is also in one.json',
    ]);
  });

  test('takes a chain of a thousand, and a loop of as many', async () => {
    const chain = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`vm${at}`, at === 0 ? true : { after: [`vm${at - 1}`] }]),
    );
    expect(waves(await orderOf(chain))).toHaveLength(1000);
    const order = await orderOf({ ...chain, vm0: { after: ['vm999'] } });
    expect([waves(order), order.held.length]).toEqual([[], 1000]);
    expect(order.problems[0]?.message.length).toBeLessThan(300);
  });
});
