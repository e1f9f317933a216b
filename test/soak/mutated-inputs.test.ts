import { expect, test } from '@jest/globals';
import { readMutated } from '../support/mutated/reader.js';
import { readers, sharesOf } from '../support/mutated/readers.js';

/** How many texts all readers together get; `npm run fuzz` gives them many more, in less time each. */
const inputs = 12_000;

test.each(Object.entries(readers))('%s never ends in an error of ours, nor in endless problems', async (what, make) => {
  const reader = await make();
  const total = (await sharesOf(inputs)).get(what) ?? 0;
  expect(await readMutated(reader, total, 1)).toBeGreaterThan(0);
});
