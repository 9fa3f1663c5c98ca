import type { SchedulerCallWithoutFrameworkId } from '#framework';
import type { EngineHarness } from './engine-harness.test-support.js';

/** All calls of the engine from its next connection on, as they are sent. */
export function recordCalls(harness: EngineHarness): readonly SchedulerCallWithoutFrameworkId[] {
  const calls: SchedulerCallWithoutFrameworkId[] = [];
  const connect = harness.cluster.connect.bind(harness.cluster);
  harness.cluster.connect = (...given) => {
    const driver = connect(...given);
    return {
      ...driver,
      call: async (call) => {
        calls.push(call);
        await driver.call(call);
      },
    };
  };
  return calls;
}
