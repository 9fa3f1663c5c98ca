import type { AppId } from '#core';
import { CheckMonitor } from './check-monitor.js';
import type { CommittedState } from './committed-state.js';
import type { EngineMemory } from './engine-memory.js';
import type { EngineOptions, EnginePorts } from './engine-ports.js';
import { HealthMonitor, type HealthNews } from './health-monitor.js';
import { ProbePool } from './probe-pool.js';
import { ReadinessMonitor } from './readiness-monitor.js';

/** What looks at running instances from here, over one pool of probes. */
export function createMonitors(about: {
  readonly ports: EnginePorts;
  readonly options: EngineOptions;
  readonly state: CommittedState;
  readonly memory: EngineMemory;
  readonly onNews: (news: HealthNews) => void;
  readonly evaluateSoon: (apps: Iterable<AppId>) => void;
}): {
  readonly health: HealthMonitor;
  readonly readiness: ReadinessMonitor;
  readonly checks: CheckMonitor;
} {
  const { ports, options, state, memory, onNews, evaluateSoon } = about;
  const { clock, runCommand } = ports;
  const pool = new ProbePool(ports.prober, options.maxConcurrentProbes);
  const probing = {
    ...{ clock, pool, runCommand },
    instanceOf: (id: Parameters<CommittedState['instance']>[0]) => state.instance(id),
  };
  return {
    health: new HealthMonitor({
      ...probing,
      onNews,
      onResults: (apps) => {
        for (const app of apps) memory.touch(app);
      },
    }),
    readiness: new ReadinessMonitor({
      clock,
      pool,
      onChange: ({ appId }) => {
        memory.touch(appId);
        evaluateSoon([appId]);
      },
    }),
    checks: new CheckMonitor({
      ...probing,
      onResult: (instance, result) => memory.putCheckResult(instance, result),
    }),
  };
}
