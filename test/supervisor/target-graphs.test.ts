import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { defaultTarget } from '../../src/spec/targets.js';
import { exitReasons, type ExitReason } from '../../src/fields/exits.js';
import { stopWord } from '../../src/fields/reboot.js';
import { decide, noPast } from '../../src/supervisor/policy.js';
import type { RunEnd } from '../../src/explain/run-end.js';
import { machineOf, minimal, specOf } from '../support/specs.js';
import { runs } from '../support/runs.js';

// Runs over random graphs of targets, held against a model: what a target comes to is put together here once more, in
// the plainest way, and loaded as a spec that has no targets.

interface Device {
  readonly id?: string;
  readonly device?: string;
  readonly path?: string;
  readonly remove?: true;
}

/** What the base and a target may both say. */
interface Layer {
  readonly cpu?: number;
  readonly mem?: string;
  readonly com1?: string;
  readonly loader?: object;
  readonly bootrom?: string;
  readonly restart?: { readonly max: number; readonly window: string };
  readonly reboot_on?: readonly ExitReason[];
  readonly next_target?: string | Readonly<Partial<Record<ExitReason, string>>>;
  readonly on_give_up?: string;
  readonly emulations?: readonly Device[];
}

interface Target extends Layer {
  readonly inherits?: string;
}

interface Graph {
  readonly base: Layer;
  readonly targets: ReadonlyMap<string, Target>;
}

const merge = (below: Layer, { inherits: _inherits, emulations = [], ...fields }: Target): Layer => {
  const devices = [...(below.emulations ?? [])];
  for (const device of emulations) {
    const at = device.id === undefined ? -1 : devices.findIndex(({ id }) => id === device.id);
    if (device.remove === true) devices.splice(at, 1);
    else if (at === -1) devices.push(device);
    else devices[at] = device;
  }
  const { loader: _loader, bootrom: _bootrom, ...others } = below;
  // A layer that says how the guest starts takes away what was said before.
  const kept = fields.loader === undefined && fields.bootrom === undefined ? below : others;
  return { ...kept, ...fields, emulations: devices };
};

function effective({ base, targets }: Graph, name: string): Layer {
  const target = targets.get(name);
  if (target === undefined) return base;
  return merge(target.inherits === undefined ? base : effective({ base, targets }, target.inherits), target);
}

const some = <Fields extends object>(fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> }) =>
  fc.record(fields, { requiredKeys: [] });

const names = ['a', 'b', 'c', 'd', defaultTarget] as const;
const anyName = fc.constantFrom<string>(...names);
const anyReason = fc.constantFrom(...exitReasons);
const path = fc.integer({ min: 0, max: 999 }).map((number) => `disk${number}.img`);
const disk = path.map((file): Device => ({ device: 'virtio-blk', path: file }));

const layer = some({
  cpu: fc.integer({ min: 1, max: 16 }),
  mem: fc.integer({ min: 1, max: 64 }).map((gib) => `${gib}G`),
  com1: fc.constantFrom('stdio', '/dev/nmdm0A', '/dev/nmdm1A'),
  restart: fc.record({ max: fc.nat(3), window: fc.constantFrom('1min', '1h') }),
  reboot_on: fc.oneof(fc.constant(exitReasons), fc.constant(exitReasons), fc.subarray([...exitReasons])),
  next_target: fc.oneof(anyName, fc.dictionary(anyReason, anyName, { minKeys: 1 })),
  on_give_up: fc.oneof(anyName, fc.constant(stopWord)),
});

/** A guest starts one way, in each layer. */
const start = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  path.map((bootrom) => ({ bootrom })),
  path.map((file) => ({ loader: { kind: 'bhyveload', disk: file } })),
);

const ids = ['system', 'data', 'extra'] as const;

/** No id twice; a removal is kept only where there is something to remove. */
const deviceLists = fc
  .tuple(
    fc.subarray([...ids]),
    fc.array(fc.tuple(disk, fc.boolean()), { minLength: ids.length, maxLength: ids.length }),
    fc.array(disk, { maxLength: 2 }),
  )
  .map(([named, drawn, more]): readonly Device[] => [
    ...named.map((id, index): Device => {
      const [device = {}, isRemoval = false] = drawn[index] ?? [];
      return isRemoval ? { id, remove: true } : { id, ...device };
    }),
    ...more,
  ]);

const drawnTarget = fc.record({ fields: layer, start, devices: deviceLists, parent: fc.nat(names.length) });

const anyGraph: fc.Arbitrary<Graph> = fc
  .record({
    base: layer,
    start,
    devices: deviceLists,
    drawn: fc.array(drawnTarget, { minLength: names.length - 1, maxLength: names.length }),
  })
  .map(({ base, start: baseStart, devices, drawn }) => {
    const added = (list: readonly Device[]): readonly Device[] => list.filter(({ remove }) => remove !== true);
    const targets = new Map<string, Target>();
    // With a max, so that every on_give_up can apply.
    const restart = { max: 2, window: '1min' };
    const graph: Graph = { base: { restart, ...base, ...baseStart, emulations: added(devices) }, targets };
    drawn.forEach(({ fields, start: ownStart, devices: list, parent }, index) => {
      // What is inherited is one of the targets before, so there is no loop; or nothing.
      const inherits = names[parent < index ? parent : -1];
      const below = inherits === undefined ? graph.base : effective(graph, inherits);
      const isThere = ({ id }: Device): boolean => (below.emulations ?? []).some((device) => device.id === id);
      targets.set(names[index] ?? defaultTarget, {
        ...fields,
        ...ownStart,
        ...(inherits === undefined ? {} : { inherits }),
        emulations: list.filter((device) => device.remove !== true || isThere(device)),
      });
    });
    return graph;
  });

const endFor: Readonly<Record<ExitReason, RunEnd>> = {
  reboot: { kind: 'rebooted' },
  power_off: { kind: 'powered-off' },
  halt: { kind: 'halted' },
  triple_fault: { kind: 'triple-fault' },
  error: { kind: 'failed', status: 4 },
  suspend: { kind: 'suspended' },
  signal: { kind: 'killed', signal: 'SIGSEGV' },
};

const anyLives = fc.array(fc.record({ reason: anyReason, aliveMs: fc.constantFrom(1, 1, 20_000) }), {
  minLength: 5,
  maxLength: 25,
  size: 'max',
});

test('the boots of a run follow the graph of its targets, and each is the machine of its target, whatever was before it', async () => {
  let [boots, giveUps] = [0, 0];
  await fc.assert(
    fc.asyncProperty(anyGraph, anyLives, anyName, async (graph, lives, first) => {
      const spec = await specOf({ ...minimal, ...graph.base, targets: Object.fromEntries(graph.targets) });
      const alone = new Map<string, readonly string[]>();
      const argvAlone = async (name: string): Promise<readonly string[]> => {
        const { next_target: _next, on_give_up: _giveUp, ...fields } = effective(graph, name);
        const argv = alone.get(name) ?? machineOf(await specOf({ ...minimal, ...fields })).argv;
        alone.set(name, argv);
        return argv;
      };
      let [target, past, nowMs] = [first, noPast, 1];
      for (const { reason, aliveMs } of lives) {
        const { argv, policy } = machineOf(spec, target);
        expect(argv).toEqual(await argvAlone(target));
        boots += 1;
        nowMs += aliveMs;
        const decision = decide({ end: endFor[reason], target, aliveMs, nowMs }, past, policy, {});
        const { next_target: next, on_give_up: rescue, reboot_on: rebootOn = ['reboot'] } = effective(graph, target);
        const { step } = decision;
        expect(step.do === 'stop' && step.because === 'guest').toBe(!rebootOn.includes(reason));
        if (step.do === 'stop') break;
        if (step.gaveUp === true) giveUps += 1;
        const after = typeof next === 'object' ? next[reason] : next;
        expect(step.target).toBe(step.gaveUp === true ? rescue : (after ?? target));
        ({ target } = step);
        ({ past } = decision);
        nowMs += step.delayMs;
      }
    }),
    { numRuns: runs(1000) },
  );
  // The graphs are such that runs are long enough to tell.
  expect(boots).toBeGreaterThan(runs(3000));
  expect(giveUps).toBeGreaterThan(runs(100));
}, 60_000);
