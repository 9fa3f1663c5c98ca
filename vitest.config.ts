import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { CountReporter } from './test/support/count-reporter.js';
import { RunFiles } from './test/support/run-files.js';

const countsFile = process.env['PACER_TEST_COUNTS'];

export default defineConfig({
  resolve: { conditions: ['development'] },
  ssr: { resolve: { conditions: ['development'] } },
  test: {
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: [
      'default',
      new RunFiles(`${import.meta.dirname}/node_modules/.cache/test-runs`),
      ...(countsFile === undefined ? [] : [new CountReporter(countsFile)]),
    ],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'libs/**/src/**/*.spec.ts',
            'apps/**/src/**/*.spec.ts',
            'test/tidy.spec.ts',
            'test/support/**/*.spec.ts',
          ],
          // How long a test takes says how busy the machine is.
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      { extends: true, test: { name: 'simulation', include: ['test/simulation/**/*.spec.ts'] } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.spec.ts'],
          exclude: ['test/e2e/cgroup2/**'],
          // They mostly wait; each file claims ports of its own (support/cluster.ts).
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        // `npm run test:cgroup2`: boots a kernel, which takes minutes.
        test: {
          name: 'cgroup2',
          include: ['test/e2e/cgroup2/**/*.spec.ts'],
          testTimeout: 40 * 60_000,
        },
      },
    ],
  },
});
