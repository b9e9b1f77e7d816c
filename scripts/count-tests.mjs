// Prints how many tests of the last run passed and failed, alone on a line that any reader can find.
//
//   node scripts/count-tests.mjs results.json      (from vitest's json reporter)

import { readFileSync } from 'node:fs';

function count(file) {
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, numTotalTests } = JSON.parse(
      readFileSync(file, 'utf8'),
    );
    // A file that does not even load has no tests to count, and is a failure all the same.
    const failed = numFailedTests === 0 ? numFailedTestSuites : numFailedTests;
    return numTotalTests === 0 ? [0, Math.max(1, failed)] : [numPassedTests, failed];
  } catch {
    return [0, 1]; // the run ended before it had results
  }
}

const [passed, failed] = count(process.argv[2]);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
