import fc from 'fast-check';
import { startGraph, type StartGraph } from '../../src/graph/start-graph.js';
import { startOrder } from '../../src/machine/start-order.js';
import { specOf, type SpecObject } from './specs.js';

/** Names as awkward as a VM may have them, and plain ones. */
const names = fc.uniqueArray(
  fc.oneof(
    fc.stringMatching(/^[a-z]{1,8}$/),
    fc.constantFrom('"quoted"', '<b>', '#1;', 'a&amp;b', '漢字', 'x'.repeat(90), 'end', '$(id)', '`id`', 'ä|b', '\\n'),
  ),
  { minLength: 1, maxLength: 9 },
);

/** The specs of a folder: anybody waits for anybody, also for one that is not there. */
export const folderSpecs: fc.Arbitrary<readonly SpecObject[]> = names.chain((all) =>
  fc.tuple(
    ...all.map((name) =>
      fc
        .record({
          isLoose: fc.boolean(),
          after: fc.uniqueArray(fc.constantFrom(...all, 'nobody'), { maxLength: 3 }),
          kind: fc.constantFrom('after', 'after', true, false),
        })
        .map(({ isLoose, after, kind }): SpecObject => ({
          ...{ name, cpu: 1, mem: '1G' },
          autostart:
            kind === 'after'
              ? { after: after.filter((other) => other !== name), on_failure: isLoose ? 'start' : 'skip' }
              : kind,
        })),
    ),
  ),
);

export async function graphOf(objects: readonly SpecObject[]): Promise<StartGraph> {
  const specs = await Promise.all(objects.map((object) => specOf(object, { name: `${String(object.name)}.json` })));
  return startGraph('/vms', specs, startOrder(specs));
}
