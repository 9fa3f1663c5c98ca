// Prints the last line of .ci/run from vitest's JSON report: `node .ci/summarise.mjs <report> <exit code of the run>`.
import { readFileSync } from 'node:fs';

const [path = '', code = '1'] = process.argv.slice(2);

const { passed, failed, skipped } = count(read(path));
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 && passed > 0 ? Number(code) : Number(code) || 1);

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // The run ended before there was a report: its exit code says so.
    return { testResults: [] };
  }
}

/** A file that could not be loaded has no tests, and counts as one that failed. */
function count({ testResults }) {
  const tests = testResults.flatMap((file) => file.assertionResults);
  const broken = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(isFailed),
  );
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: tests.filter(isFailed).length + broken.length,
    skipped: tests.filter(({ status }) => status !== 'passed' && status !== 'failed').length,
  };
}

function isFailed({ status }) {
  return status === 'failed';
}
