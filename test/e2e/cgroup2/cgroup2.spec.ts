import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { runInVirtualMachine } from './virtual-machine.js';

const ROOT = resolve(import.meta.dirname, '../../..');
/** Where deploy/setup.sh unpacks it. */
const KERNEL_FOLDER = resolve(ROOT, 'node_modules/.cache/cgroup2');
/** What limits, ends and finds tasks again by their cgroups. */
const SPECS = ['libs/containerizer/src/process-', 'libs/containerizer/src/cgroup'];
/** An emulated processor is some ten times slower. */
const TEST_LIMIT_MS = 120_000;

/** Of Vitest's JSON report. */
interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

it('limits, out of memory and kills are the same on cgroup v2', async () => {
  const vitest = `${process.execPath} node_modules/vitest/vitest.mjs run --project unit --maxWorkers 2 --testTimeout ${TEST_LIMIT_MS} --hookTimeout ${TEST_LIMIT_MS}`;
  const run = await runInVirtualMachine(
    KERNEL_FOLDER,
    `cd '${ROOT}' && CI=true ${vitest} --reporter default --reporter json --outputFile.json "$PACER_VM_OUT/report.json" ${SPECS.join(' ')}`,
  );
  process.stdout.write(run.output);

  // The reporter wrote it.
  const { testResults } = JSON.parse(run.report ?? '{"testResults":[]}') as Report;
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed');
  process.stdout.write(
    `Linux ${run.kernel}, cgroup v2 (${run.controllers.join(', ')}): ${passed.length} of ${tests.length} passed\n`,
  );
  expect(run.controllers).toEqual(expect.arrayContaining(['cpu', 'memory', 'pids']));
  expect(tests.filter(({ status }) => status !== 'passed')).toEqual([]);
  expect(passed.map(({ title }) => title)).toContain(
    'reports a task that the kernel killed at its memory limit',
  );
  expect(run.exitCode).toBe(0);
});
