// Writes the real counts of a test run as JSON into the file that TEST_COUNTS names, for scripts that add them up.
import { writeFileSync } from 'node:fs';

export default class CountReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    const file = process.env.TEST_COUNTS;
    if (file === undefined) return;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    writeFileSync(file, JSON.stringify({ passed: numPassedTests, failed, skipped: numPendingTests }));
  }
}
