import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { AgentState } from '#cluster';
import { metricsRegistry } from '#platform';

const LATENCY_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const NAMES = {
  launches: 'pacer_agent_launches_total',
  latency: 'pacer_agent_launch_seconds',
  tasks: 'pacer_agent_tasks',
  registered: 'pacer_agent_registered',
  disk: 'pacer_agent_disk_writable',
} as const;

/** A registry takes each name once; the newest agent of a process has it. */
const registers = (name: string) => {
  metricsRegistry.removeSingleMetric(name);
  return [metricsRegistry];
};

/** The agent's figures on `/metrics`. */
@Injectable()
export class AgentMetrics {
  private readonly launches = new Counter({
    name: NAMES.launches,
    help: 'Launches by outcome',
    labelNames: ['outcome'],
    registers: registers(NAMES.launches),
  });
  private readonly latency = new Histogram({
    name: NAMES.latency,
    help: 'From the arrival of LAUNCH until the task runs',
    buckets: LATENCY_BUCKETS_SECONDS,
    registers: registers(NAMES.latency),
  });

  launched(latencyMs: number): void {
    this.launches.inc({ outcome: 'launched' });
    this.latency.observe(latencyMs / 1000);
  }

  launchFailed(): void {
    this.launches.inc({ outcome: 'failed' });
  }

  /** Reads what the disk says whenever the metrics are read. */
  watchDisk(problem: () => string | undefined): void {
    new Gauge({
      name: NAMES.disk,
      help: '0 while the work directory cannot be written and launches are refused',
      registers: registers(NAMES.disk),
      collect() {
        this.set(problem() === undefined ? 1 : 0);
      },
    });
  }

  /** Counts tasks and completed ones whenever the metrics are read. */
  watch(state: () => AgentState): void {
    new Gauge({
      name: NAMES.tasks,
      help: 'Tasks not yet acknowledged as ended, by state',
      labelNames: ['state'],
      registers: registers(NAMES.tasks),
      collect() {
        this.reset();
        for (const task of state().tasks.values()) {
          this.inc({ state: task.stream.latest?.state ?? 'TASK_STAGING' });
        }
      },
    });
    new Gauge({
      name: NAMES.registered,
      help: '1 while a master has admitted this agent',
      registers: registers(NAMES.registered),
      collect() {
        this.set(state().master.current === undefined ? 0 : 1);
      },
    });
  }
}
