// What has made one test hang would do so to others of its file. They fail at once, not each after its own time.
import { afterEach, beforeEach } from '@jest/globals';
import { patienceMs } from './patience.js';

let startedMs = 0;
let hasHung = false;

beforeEach(() => {
  if (hasHung) throw new Error('not run, since a test before it has hung');
  startedMs = performance.now();
});
afterEach(() => {
  hasHung ||= performance.now() - startedMs >= patienceMs;
});
