import { Counter, Gauge } from 'prom-client';
import { metricsRegistry } from '#platform';
import type { TaskSample } from './task-statistics.js';

/** Tasks with series of their own. The rest is counted only: series are what a Prometheus pays for. */
const MAX_TASKS = 1_000;
const LABELS = ['framework_id', 'task_id'] as const;

interface TaskMetric {
  readonly name: string;
  readonly help: string;
  /** Of Mesos' statistics. */
  readonly field: string;
  readonly kind: 'counter' | 'gauge';
}

const METRICS: readonly TaskMetric[] = [
  counter(
    'cpu_user_seconds_total',
    'Processor time spent by the task itself',
    'cpus_user_time_secs',
  ),
  counter(
    'cpu_system_seconds_total',
    'Processor time spent in the kernel',
    'cpus_system_time_secs',
  ),
  counter('cpu_periods_total', 'Periods of its cpu quota', 'cpus_nr_periods'),
  counter('cpu_throttled_periods_total', 'Periods in which it was throttled', 'cpus_nr_throttled'),
  counter('cpu_throttled_seconds_total', 'How long it was throttled', 'cpus_throttled_time_secs'),
  gauge('cpus_limit', 'Cpus it was given', 'cpus_limit'),
  gauge('memory_rss_bytes', 'Memory of its own', 'mem_rss_bytes'),
  gauge('memory_limit_bytes', 'Memory at which it is killed', 'mem_limit_bytes'),
  gauge('disk_used_bytes', 'Disk its sandbox takes', 'disk_used_bytes'),
  gauge('disk_limit_bytes', 'Disk it asked for', 'disk_limit_bytes'),
  counter('network_receive_bytes_total', 'Received in its own network', 'net_rx_bytes'),
  counter('network_transmit_bytes_total', 'Sent in its own network', 'net_tx_bytes'),
];

/** Series of each task on `/metrics`; they share the pass of `/monitor/statistics`. */
export function registerTaskMetrics(read: () => Promise<readonly TaskSample[]>): void {
  for (const { kind, name, help, field } of METRICS) {
    metricsRegistry.removeSingleMetric(name);
    const options = { name, help, labelNames: LABELS, registers: [metricsRegistry] };
    if (kind === 'gauge') {
      const metric: Gauge = new Gauge({
        ...options,
        collect: async () => fill(metric, field, await read()),
      });
    } else {
      const metric: Counter = new Counter({
        ...options,
        collect: async () => fill(metric, field, await read()),
      });
    }
  }
  const name = 'pacer_agent_tasks_without_series';
  metricsRegistry.removeSingleMetric(name);
  new Gauge({
    name,
    help: `Running tasks beyond the ${MAX_TASKS} that have series of their own`,
    registers: [metricsRegistry],
    async collect() {
      this.set(Math.max(0, (await read()).length - MAX_TASKS));
    },
  });
}

function fill(metric: Counter | Gauge, field: string, samples: readonly TaskSample[]): void {
  metric.reset();
  for (const { framework_id, source, statistics } of samples.slice(0, MAX_TASKS)) {
    const value = statistics[field];
    if (value !== undefined) metric.inc({ framework_id, task_id: source }, value);
  }
}

function counter(name: string, help: string, field: string): TaskMetric {
  return { name: `pacer_agent_task_${name}`, help, field, kind: 'counter' };
}

function gauge(name: string, help: string, field: string): TaskMetric {
  return { name: `pacer_agent_task_${name}`, help, field, kind: 'gauge' };
}
