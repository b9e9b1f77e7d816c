// Prints how many tests of a run passed and failed, alone on a line that any reader can find.
//
//   node scripts/count-tests.mjs results.json      (from vitest's json reporter)

import { readFileSync } from 'node:fs';

function count(file) {
  try {
    const { numPassedTests, numFailedTests, success, testResults } = JSON.parse(readFileSync(file, 'utf8'));
    // A file that does not load, or whose hooks fail, has no failed test to count, and is a failure all the same.
    const brokenFiles = testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && assertionResults.every((result) => result.status !== 'failed'),
    );
    return [numPassedTests, Math.max(numFailedTests + brokenFiles.length, success ? 0 : 1)];
  } catch {
    return [0, 1]; // the run ended before it had results
  }
}

const [passed, failed] = count(process.argv[2]);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
