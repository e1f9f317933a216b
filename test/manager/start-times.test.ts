import { expect, test } from '@jest/globals';
import { startOrder as planned } from '../../src/machine/start-order.js';
import { autostarter } from '../../src/manager/autostart.js';
import type { HeldStart } from '../../src/manager/coming-start.js';
import type { ManagedVm } from '../../src/manager/managed-vm.js';
import { readyWatch } from '../../src/manager/ready.js';
import type { SpecShelf } from '../../src/manager/spec-shelf.js';
import { startOrder } from '../../src/manager/start-order.js';
import type { Life } from '../../src/manager/vm-life.js';
import type { Wanted } from '../../src/manager/vm-view.js';
import type { Spec } from '../../src/spec/parse-spec.js';
import { systemHost } from '../../src/host/host.js';
import { minimal, specOf } from '../support/specs.js';
import { steppedClock } from '../support/stepped-clock.js';

type Folder = Readonly<Record<string, object | boolean>>;

/** What a manager makes of a folder whose VMs boot in no time, by a clock that only moves when nothing else is to do. */
async function startAll(
  folder: Folder,
): Promise<{ readonly times: ReadonlyMap<string, number>; readonly specs: readonly Spec[] }> {
  const specs = new Map<string, Spec>();
  for (const [name, autostart] of Object.entries(folder)) {
    specs.set(name, await specOf({ ...minimal, name, autostart }, { name: `${name}.json` }));
  }
  const clock = steppedClock();
  const times = new Map<string, number>();
  const over = new AbortController();
  const found = startOrder(specs, [...specs.keys()]);
  const host = {
    ...systemHost(),
    clock,
    run: (argv: readonly string[]) => Promise.resolve({ argv, exitCode: 0, stdout: '', stderr: '' }),
  };
  const ready = readyWatch({
    host,
    onReady: (name, isReady) => {
      if (isReady) starter.ready(name);
    },
  });
  const vmOf = (name: string, spec: Spec): ManagedVm => {
    let wanted: Wanted = { state: 'stopped', since: '', by: 'nobody' };
    let isOver: () => void = () => undefined;
    const hold = (): HeldStart => ({
      over: new Promise<void>((resolve) => (isOver = resolve)),
      isWaiting: () => !times.has(name),
      waitFor: () => undefined,
      giveUp: () => undefined,
      release: () => {
        times.set(name, clock.monotonicMs());
        const life = { booted: () => ({ spec, identity: undefined }) } as unknown as Life;
        ready.watch(name, life, { kind: 'boot' } as Parameters<typeof ready.watch>[2]);
        isOver();
      },
    });
    const vm: Partial<ManagedVm> = {
      name,
      others: { see: () => undefined } as unknown as ManagedVm['others'],
      status: () => ({ wanted }) as ReturnType<ManagedVm['status']>,
      want: (state, by) => (wanted = { ...wanted, state, by }),
      hold,
      isActive: () => times.has(name),
    };
    return vm as ManagedVm;
  };
  const starter = autostarter({
    around: {
      ...{ clock, hostBoot: 'this', over: over.signal },
      records: { read: () => undefined } as unknown as Parameters<typeof autostarter>[0]['around']['records'],
    },
    shelf: { get: (name) => ({ accepted: { spec: specs.get(name) } }) as unknown as ReturnType<SpecShelf['get']> },
    vms: new Map([...specs].map(([name, spec]) => [name, vmOf(name, spec)])),
    order: () => found,
  });
  starter.begin([], new Set());
  for (;;) {
    // All that follows without a pause is done by then.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const [next] = clock.asleep();
    if (times.size === specs.size || next === undefined) break;
    clock.advance(next);
  }
  over.abort();
  ready.end();
  return { times, specs: [...specs.values()] };
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

test('50 VMs start in the order and at the times that the plan of their folder says', async () => {
  const folder: Folder = {
    ...Object.fromEntries(numbers(20).map((at) => [`alone-${at}`, true])),
    ...Object.fromEntries(
      numbers(15).map((at) => [`chain-${at}`, at === 0 ? true : { after: [`chain-${at - 1}`], delay: at }]),
    ),
    top: { delay: '10s' },
    ...Object.fromEntries(['left', 'right'].map((side, at) => [side, { after: ['top'], delay: 3 * at }])),
    bottom: { after: ['left', 'right', 'alone-3'], ready: { command: ['true'] } },
    ...Object.fromEntries(
      numbers(11).map((at) => [`late-${at}`, { after: ['bottom', `chain-${at}`], delay: `${at}min` }]),
    ),
  };
  expect(Object.keys(folder)).toHaveLength(50);
  const { times, specs } = await startAll(folder);
  const steps = planned(specs).waves.flat();
  expect(steps).toHaveLength(50);
  expect(Object.fromEntries(times)).toEqual(
    Object.fromEntries(steps.map(({ name, earliestMs }) => [name, earliestMs])),
  );
  for (const { name, waitsFor } of steps) {
    for (const other of waitsFor) expect(times.get(other)).toBeLessThanOrEqual(times.get(name) ?? NaN);
  }
  // A few by hand: a chain of seconds and delays, and the foot of the diamond.
  expect([
    times.get('alone-19'),
    times.get('chain-3'),
    times.get('right'),
    times.get('bottom'),
    times.get('late-2'),
  ]).toEqual([...[0, 3000 + 1000 + 2000 + 3000, 10_000 + 1000 + 3000, 15_000, 15_000 + 120_000]]);
});
