const isSoak = process.env.SOAK !== undefined;

/**
 * A test that takes longer waits for what will not come, however busy the machine is: the slowest takes a few seconds
 * where nothing else runs. What it has started is ended then, so that it fails, and Jest ends it a little later.
 */
export const patienceMs = isSoak ? 200_000 : 100_000;

/** When all that a test has started is ended. A soak test takes minutes, and each of its waits has the patience above. */
export const hangMs = isSoak ? 1_200_000 : patienceMs;
