import { describe, expect, test } from '@jest/globals';
import { longestChains } from '../../src/manager/stop-times.js';
import { startOrder } from '../../src/manager/start-order.js';
import type { Spec } from '../../src/spec/parse-spec.js';
import { minimal, specOf, told } from '../support/specs.js';

/** @param after what each VM waits for, by name */
async function orderOf(after: Readonly<Record<string, readonly string[]>>) {
  const specs = new Map<string, Spec>();
  for (const [name, names] of Object.entries(after)) {
    specs.set(name, await specOf({ ...minimal, name, autostart: { after: names } }, { name: `${name}.json` }));
  }
  const { waits, problems } = startOrder(specs, [...specs.keys(), 'broken']);
  return {
    waits: Object.fromEntries(waits),
    problems: [...problems].flatMap(([name, all]) => all.map((each) => `${name} ${told(each)}`)),
  };
}

describe('the order of starts', () => {
  test('is what the specs say', async () => {
    expect(await orderOf({ db: [], web: ['db', 'broken'], mail: ['web'] })).toMatchObject({
      waits: { db: [], web: ['db', 'broken'], mail: ['web'] },
    });
  });

  test('has no place for what waits for a name that is not there, or for itself: that is told of each', async () => {
    const { waits, problems } = await orderOf({ db: [], web: ['bd'], a: ['b'], b: ['a'], other: ['a'] });
    expect(waits).toEqual({ db: [], other: ['a'] });
    expect(problems.map((each) => each.replace(/^(\w+) \d+:\d+ (\S+) ([\w-]+): .*/, '$1 $2 $3'))).toEqual([
      'web /autostart/after/0 unknown-vm',
      'a /autostart/after/0 autostart-loop',
      'b /autostart/after/0 autostart-loop',
      'other /autostart/after/0 autostart-held',
    ]);
  });
});

test('the time of a stop is divided along the longest chain that begins with a VM', () => {
  const waits = new Map([
    ['web', ['db', 'cache']],
    ['db', ['net']],
  ]);
  const needs = new Map([
    ['web', 10],
    ['db', 30],
    ['cache', 5],
    ['net', 7],
  ]);
  expect(Object.fromEntries(longestChains(waits, needs))).toEqual({ web: 47, db: 37, cache: 5, net: 7 });
});
