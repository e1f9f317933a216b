// Writes the real counts of a test run as JSON into the file that TEST_COUNTS names, for scripts that add them up. Where
// the run is told to end, the suites that have not finished are named: one of them hangs.
import { writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';

export default class CountReporter {
  #running = new Set();

  constructor() {
    process.once('SIGTERM', () => {
      const names = [...this.#running].map((file) => path.relative('', file));
      writeSync(2, `\nended by SIGTERM; these suites had not finished:\n  ${names.join('\n  ') || 'none'}\n`);
      process.exit(143);
    });
  }

  onTestFileStart({ path: file }) {
    this.#running.add(file);
  }

  onTestFileResult({ path: file }) {
    this.#running.delete(file);
  }

  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    const file = process.env.TEST_COUNTS;
    if (file === undefined) return;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    writeFileSync(file, JSON.stringify({ passed: numPassedTests, failed, skipped: numPendingTests }));
  }
}
