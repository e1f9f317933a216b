import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expectedConfig, refusal, simulateMachine, sorted } from '../support/simulated.js';
import { planOf } from '../support/specs.js';
import { wholeMachine } from '../support/whole-machines.js';

/** bhyve says so of every -M in some builds of 16. */
const isStray = (line: string): boolean => line.endsWith('fetch value of node monitor');

test('bhyve of any release and architecture reads the command of any spec as the machine says, and starts', async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(wholeMachine, async (spec) => {
      runs += 1;
      const machine = await planOf(spec);
      const { config, warnings, start } = simulateMachine(machine);
      expect(sorted(config)).toEqual(sorted(expectedConfig(machine)));
      expect(warnings.filter((line) => !isStray(line))).toEqual([]);
      expect(refusal(start)).toBe('');
      expect(machine.argv.at(-1)).toBe(spec.name);
    }),
    { numRuns: 10_000 },
  );
  expect(runs).toBe(10_000);
}, 300_000);
