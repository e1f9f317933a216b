import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deviceModels } from '../../src/devices/registry.js';
import type { Release } from '../../src/devices/device.js';
import { plan } from '../../src/machine/plan.js';
import { fieldsOf, validSpec, validTargets } from '../support/arbitraries.js';
import { expectedConfig, refusal, simulateMachine, sorted } from '../support/simulated.js';
import { machineOf, specOf } from '../support/specs.js';
import { runs } from '../support/runs.js';

const release = fc.constantFrom<Release[]>(14, 15, 16);

describe('any valid spec', () => {
  test('the arbitrary has fields for every model', () => {
    const models = deviceModels.map(({ model }) => model).filter((model) => model !== 'raw');
    expect(Object.keys(fieldsOf).sort()).toEqual([...models].sort());
  });

  test('bhyve reads from the command, and from the private file, what the machine says, and starts', async () => {
    await fc.assert(
      fc.asyncProperty(validSpec, release, fc.constantFrom(...validTargets), async (object, forRelease, target) => {
        const machine = machineOf(await specOf(object), target, { release: forRelease });
        const { config, warnings, start } = simulateMachine(machine);
        expect(sorted(config)).toEqual(sorted(expectedConfig(machine)));
        expect(warnings).toEqual([]);
        expect(refusal(start)).toBe('');
        expect(machine.argv.at(-1)).toBe(object.name);
      }),
      { numRuns: runs(300) },
    );
  });

  test('every target can be planned, and gives the same machine each time', async () => {
    await fc.assert(
      fc.asyncProperty(validSpec, async (object) => {
        const spec = await specOf(object);
        expect(new Set(spec.targets)).toEqual(new Set(validTargets));
        for (const target of spec.targets) expect(plan(spec, target)).toEqual(plan(spec, target));
      }),
      { numRuns: runs(50) },
    );
  });
});
