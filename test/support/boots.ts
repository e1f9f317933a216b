import fc from 'fast-check';
import { hasUnseen } from '../../src/base/visible.js';
import { exitReasons } from '../../src/fields/exits.js';
import { awkwardText } from './arbitraries.js';
import { minimal, type SpecObject } from './specs.js';

/** Names that mean something to somebody who draws: to Mermaid, Graphviz, XML, a terminal. */
const telling = [
  ...['end', 'start', 'subgraph', 'style:#a;', 'stop', 'default', 't0', 'graph', '"', '\\n', '\\', '&amp;', '<b>'],
  ...[']]>', '%%{init: {}}%%', '`x`', '**x**', '|', '#35;', '{x}', 'fa:fa-user', '漢字かな', '👩🏽'],
  ...['a very long name of a target that goes on and on and on, and has no end until here, where it ends'],
];

const name = fc.oneof(
  fc.constantFrom(...telling),
  awkwardText(6).filter((text) => !hasUnseen(text)),
  fc.nat(99).map((number) => `target-${number}`),
);

const some = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

const policy = (names: readonly string[]) =>
  fc.record({
    reboot_on: some(fc.subarray([...exitReasons])),
    next_target: some(
      fc.oneof(
        fc.constantFrom(...names),
        fc.dictionary(fc.constantFrom(...exitReasons), fc.constantFrom(...names), { minKeys: 1 }),
      ),
    ),
    restart: fc.record({ max: fc.nat(3), window: fc.constantFrom('0s', '1min', '10min') }),
    on_give_up: some(fc.constantFrom('stop', ...names)),
  });

/** A spec with as many targets as a picture has to take, and any order of boots among them. */
export const bootSpec = (maxTargets = 24): fc.Arbitrary<SpecObject> =>
  fc
    .uniqueArray(
      // A target of the name "stop" cannot be given up to, and keys that begin with x- are no targets.
      name.filter((each) => each !== 'stop' && !each.startsWith('x-')),
      { maxLength: maxTargets },
    )
    .chain((names) => {
      const all = [...new Set(['default', ...names])];
      return fc.tuple(policy(all), fc.tuple(...names.map(() => policy(all)))).map(
        ([base, own]): SpecObject =>
          JSON.parse(
            JSON.stringify({
              ...minimal,
              ...base,
              targets: Object.fromEntries(names.map((each, index) => [each, own[index]])),
            }),
          ) as SpecObject,
      );
    });
