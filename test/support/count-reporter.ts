import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** Writes `N passed, N failed, N skipped` to a file at the end of a run; `.ci/run` prints it last. */
export class CountReporter implements Reporter {
  constructor(private readonly file: string) {}

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number =>
      tests.filter((test) => test.result().state === state).length;
    // A file that could not be loaded has no failed test, and neither has an error outside of all tests: each is one.
    const broken = modules.filter(
      (module) =>
        module.state() === 'failed' &&
        [...module.children.allTests()].every((test) => test.result().state !== 'failed'),
    );
    const failed = count('failed') + broken.length + errors.length;
    const passed = count('passed');
    const skipped = tests.length - passed - count('failed');
    writeFileSync(this.file, `${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}
