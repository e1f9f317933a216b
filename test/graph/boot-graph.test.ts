import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { bootGraph, destinationOf, exitSentence, exitWords, type BootGraph } from '../../src/graph/boot-graph.js';
import { policyOf } from '../../src/fields/policy.js';
import { exitReasons, type ExitReason } from '../../src/fields/exits.js';
import { decide, noPast, type Past } from '../../src/supervisor/policy.js';
import type { RunEnd } from '../../src/explain/run-end.js';
import { bootSpec } from '../support/boots.js';
import { exampleSpec } from '../support/examples.js';
import { minimal, specOf, type SpecObject } from '../support/specs.js';
import { runs } from '../support/runs.js';

/** `default: reboot > default`, with `-` for the end of the run and `?` before what no run comes to. */
const edges = ({ targets }: BootGraph): readonly string[] =>
  targets.flatMap(({ name, isReached, exits }) =>
    exits.map((exit) => `${isReached ? '' : '? '}${name}: ${exitWords(exit)} > ${destinationOf(exit) ?? '-'}`),
  );

describe('the boot sequence of an example', () => {
  test.each<[example: string, start: string, edges: readonly string[]]>([
    ['minimal.json', 'default', ['default: reboot > default', 'default: any other reason > -']],
    [
      'windows.json',
      'default',
      [
        'default: reboot > default',
        'default: any other reason > -',
        '? install: reboot > default',
        '? install: any other reason > -',
      ],
    ],
    [
      'windows.json',
      'install',
      [
        'default: reboot > default',
        'default: any other reason > -',
        'install: reboot > default',
        'install: any other reason > -',
      ],
    ],
    [
      'rescue.json',
      'default',
      [
        'default: reboot > default',
        'default: triple_fault, error > rescue',
        'default: any other reason > -',
        'default: after 5 reboots in 10 min > -',
        '? media: reboot > media',
        '? media: triple_fault, error > rescue',
        '? media: any other reason > -',
        '? media: after 5 reboots in 10 min > -',
        '? install: reboot, triple_fault, error > default',
        '? install: any other reason > -',
        '? install: after 5 reboots in 10 min > -',
        'rescue: reboot > default',
        'rescue: any other reason > -',
        'rescue: after 5 reboots in 10 min > -',
      ],
    ],
    [
      'crash-loop.json',
      'default',
      [
        'default: reboot, triple_fault, error, signal > default',
        'default: power_off, halt, suspend > -',
        'default: after 5 reboots in 10 min > rescue',
        'rescue: reboot > default',
        'rescue: any other reason > -',
        'rescue: after 5 reboots in 10 min > -',
      ],
    ],
  ])('%s, started with %s', async (example, start, expected) => {
    expect(edges(bootGraph(await exampleSpec(example), start))).toEqual(expected);
  });
});

describe('a policy', () => {
  const rescue = { targets: { rescue: { on_give_up: 'stop', restart: {} } } };

  test.each<[what: string, fields: SpecObject, edges: readonly string[]]>([
    ['that boots after nothing', { reboot_on: [] }, ['default: any reason > -']],
    ['that boots after everything', { reboot_on: exitReasons }, ['default: any reason > default']],
    [
      'that boots after nearly everything',
      { reboot_on: exitReasons.filter((reason) => reason !== 'power_off') },
      ['default: any reason but power_off > default', 'default: power_off > -'],
    ],
    [
      'by exit statuses',
      { reboot_on: [0, 3] },
      ['default: reboot, triple_fault > default', 'default: any other reason > -'],
    ],
    [
      'without a single reboot to spend never boots again',
      { restart: { max: 0 } },
      ['default: any other reason > -', 'default: instead of any reboot > -'],
    ],
    [
      'that gives up to another target',
      { ...rescue, restart: { max: 1 }, on_give_up: 'rescue' },
      [
        'default: reboot > default',
        'default: any other reason > -',
        'default: after 1 reboot in 60 s > rescue',
        'rescue: reboot > rescue',
        'rescue: any other reason > -',
      ],
    ],
    [
      'that gives up to itself ends',
      { restart: { max: 2 }, on_give_up: 'default' },
      ['default: reboot > default', 'default: any other reason > -', 'default: after 2 reboots in 60 s > -'],
    ],
    [
      'with a window of no time never gives up',
      { restart: { max: 2, window: 0 } },
      ['default: reboot > default', 'default: any other reason > -'],
    ],
    ['that never reboots has nothing to give up', { restart: { max: 2 }, reboot_on: [] }, ['default: any reason > -']],
    [
      'of monitor mode',
      { release: 16, monitor: true },
      ['default: reboot, by bhyve itself > default', 'default: any other reason > -'],
    ],
    ['of a guest that others have loaded', { loader: 'none' }, ['default: any reason > -']],
  ])('%s', async (_what, fields, expected) => {
    expect(edges(bootGraph(await specOf({ ...minimal, ...fields })))).toEqual(expected);
  });
});

test('a sentence has every reason, the label of what ends the run may not', async () => {
  const graph = bootGraph(await exampleSpec('rescue.json'));
  const [target] = graph.targets;
  expect(target?.exits.map((exit) => exitSentence('default', exit))).toEqual([
    'default, on reboot: default boots again',
    'default, on triple_fault or error: rescue boots',
    'default, on power_off, halt, suspend or signal: the run ends',
    'default, after 5 reboots in 10 min: the run ends',
  ]);
});

const ends: Readonly<Record<ExitReason, RunEnd>> = {
  reboot: { kind: 'rebooted' },
  power_off: { kind: 'powered-off' },
  halt: { kind: 'halted' },
  triple_fault: { kind: 'triple-fault' },
  error: { kind: 'failed', status: 4 },
  suspend: { kind: 'suspended' },
  signal: { kind: 'killed', signal: 'SIGSEGV' },
};

/** As many reboots as any policy here allows, all of them just now. */
const spent: Past = { ...noPast, counted: [0, 0, 0, 0] };

test('the edges are what the supervisor does, for every reason, with and without a budget', async () => {
  await fc.assert(
    fc.asyncProperty(bootSpec(8), async (object) => {
      const spec = await specOf(object);
      for (const { name, exits } of bootGraph(spec).targets) {
        const policy = policyOf(spec.effective(name).vm);
        const done = (past: Past): readonly string[] =>
          exitReasons.map((reason) => {
            const ended = { end: ends[reason], target: name, aliveMs: 0, nowMs: 0 };
            const { step } = decide(ended, past, policy, {});
            return step.do === 'boot' ? step.target : `- ${step.because}`;
          });
        const drawn = (isSpent: boolean): readonly string[] =>
          exitReasons.map((reason) => {
            const usual = exits.find((exit) => exit.kind !== 'give-up' && exit.reasons.includes(reason));
            const givesUp = exits.find((exit) => exit.kind === 'give-up' && exit.reasons.includes(reason));
            const exit = isSpent || usual === undefined ? (givesUp ?? usual) : usual;
            const because = exit?.kind === 'give-up' ? 'restart-limit' : 'guest';
            return exit === undefined ? 'nothing' : (destinationOf(exit) ?? `- ${because}`);
          });
        expect([name, drawn(false)]).toEqual([name, done(noPast)]);
        expect([name, drawn(true)]).toEqual([name, done(spent)]);
      }
    }),
    { numRuns: runs(60) },
  );
});

test('every target is in the graph, and what is reached is closed under its edges', async () => {
  await fc.assert(
    fc.asyncProperty(bootSpec(12), fc.nat(99), async (object, number) => {
      const spec = await specOf(object);
      const start = spec.targets[number % spec.targets.length] ?? '';
      const { targets } = bootGraph(spec, start);
      expect(targets.map(({ name }) => name)).toEqual(spec.targets);
      const reached = new Set(targets.filter(({ isReached }) => isReached).map(({ name }) => name));
      expect(reached.has(start)).toBe(true);
      const led = targets
        .filter(({ name }) => reached.has(name))
        .flatMap(({ exits }) => exits.flatMap((exit) => destinationOf(exit) ?? []));
      expect(led.filter((to) => !reached.has(to))).toEqual([]);
      // And nobody is in it whom no edge leads to.
      expect([...reached].filter((name) => name !== start && !led.includes(name))).toEqual([]);
    }),
    { numRuns: runs(60) },
  );
});
