import { describe, expect, test } from '@jest/globals';
import { planDocument, type BootDocument } from '../../src/report/plan-document.js';
import { planReport } from '../../src/report/plan-report.js';
import { minimal, specOf, type SpecObject } from '../support/specs.js';

async function bootsOf(fields: SpecObject): Promise<readonly BootDocument[]> {
  const spec = await specOf({ ...minimal, ...fields });
  const request = { programs: { bhyve: ['bhyve'], loaders: {} }, hostBhyve: {}, runBase: '/var/run/vmrun' };
  return planDocument(planReport({ spec, warnings: [], locked: undefined }, ['default'], request)).boots;
}

const rescue = { targets: { rescue: {} }, on_give_up: 'rescue' };
const again = (target: string): BootDocument => ({ target, next: { reboot: target } });

describe('the boots of a plan are those that a run can come to, by the rule that a run obeys: a spec', () => {
  test.each<[what: string, fields: SpecObject, boots: readonly BootDocument[]]>([
    ['without a policy', {}, [again('default')]],
    [
      'that gives up to another target',
      { ...rescue, restart: { max: 1 } },
      [
        { ...again('default'), limit: { max: 1, windowMs: 60_000, target: 'rescue' } },
        { ...again('rescue'), limit: { max: 1, windowMs: 60_000 } },
      ],
    ],
    [
      'with a budget of none',
      { ...rescue, restart: { max: 0 } },
      [
        { ...again('default'), limit: { max: 0, windowMs: 60_000, target: 'rescue' } },
        { ...again('rescue'), limit: { max: 0, windowMs: 60_000 } },
      ],
    ],
    [
      'that gives up to itself ends',
      { restart: { max: 2 }, on_give_up: 'default' },
      [{ ...again('default'), limit: { max: 2, windowMs: 60_000 } }],
    ],
    ['with a window of no time never gives up', { ...rescue, restart: { max: 2, window: 0 } }, [again('default')]],
    [
      'that never reboots has nothing to give up',
      { ...rescue, restart: { max: 2 }, reboot_on: [] },
      [{ target: 'default', next: {} }],
    ],
    [
      'with a budget of none does not come to its next target',
      { targets: { b: {} }, next_target: 'b', restart: { max: 0 } },
      [{ target: 'default', next: { reboot: 'b' }, limit: { max: 0, windowMs: 60_000 } }],
    ],
  ])('%s', async (_what, fields, expected) => {
    expect(await bootsOf(fields)).toEqual(expected);
  });
});
