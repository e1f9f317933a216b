/**
 * A test that takes longer waits for what will not come, however busy the machine is: the slowest takes a few seconds
 * where nothing else runs. What it has started is ended then, so that it fails, and Jest ends it a little later.
 */
export const patienceMs = process.env.SOAK === undefined ? 100_000 : 200_000;
