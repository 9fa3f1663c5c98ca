import { type AgentExecutor, type AgentTask, frameworkIdOf } from '#cluster';
import type { MeasuredTask, NetworkUsage, TaskUsage } from '#containerizer';
import { fromMilli, type RunKey, scalarMilli } from '#core';
import { fromWireResources, type TaskInfo } from '#mesos-v1';
import type { SandboxSizes } from './sandbox-sizes.js';

/** One task or custom executor of `/monitor/statistics`, with Mesos' names. */
export interface TaskSample {
  readonly executor_id: string;
  readonly executor_name: string;
  readonly framework_id: string;
  readonly source: string;
  readonly statistics: TaskFigures;
}

export type TaskFigures = Readonly<Record<string, number>> & { readonly timestamp: number };

export interface StatisticsPorts {
  readonly tasks: () => Iterable<AgentTask>;
  readonly executors?: () => Iterable<AgentExecutor>;
  readonly sandboxOf: (run: RunKey) => string;
  readonly measure: (tasks: readonly MeasuredTask[]) => Promise<ReadonlyMap<RunKey, TaskUsage>>;
  readonly sizes: SandboxSizes;
  readonly now: () => { readonly epochMs: number; readonly monoMs: number };
}

/** Old enough for another pass, milliseconds. */
const FRESH_MS = 1_000;
const MIB = 1024 * 1024;

/** Usage of all running tasks and custom executors, by one pass that all who ask within a second share. */
export class TaskStatistics {
  private last: { readonly monoMs: number; readonly samples: readonly TaskSample[] } | undefined;
  private underWay: Promise<readonly TaskSample[]> | undefined;

  constructor(private readonly ports: StatisticsPorts) {}

  async read(): Promise<readonly TaskSample[]> {
    if (this.last !== undefined && this.ports.now().monoMs - this.last.monoMs < FRESH_MS) {
      return this.last.samples;
    }
    this.underWay ??= this.pass().finally(() => {
      this.underWay = undefined;
    });
    return await this.underWay;
  }

  private async pass(): Promise<readonly TaskSample[]> {
    const { tasks, executors, measure, sizes, sandboxOf, now } = this.ports;
    const running: readonly Running[] = [
      ...[...tasks()].flatMap(toRunningTask),
      ...[...(executors?.() ?? [])].flatMap(toRunningExecutor),
    ];
    const places = new Map(running.map(({ run }) => [run, sandboxOf(run)]));
    const disk = sizes.read(places);
    const usage = await measure(
      running.map(({ run, launched: { pid, containerId } }) => ({
        ...{ run, pid },
        ...(containerId === undefined ? {} : { containerId }),
      })),
    );
    const { epochMs, monoMs } = now();
    const samples = running.flatMap((task) => {
      const used = usage.get(task.run);
      return used === undefined
        ? []
        : [toSample(task, used, { epochMs, disk: disk.get(task.run) })];
    });
    this.last = { monoMs, samples };
    return samples;
  }
}

/** What runs by itself: a task, or an executor with all its tasks. */
interface Running extends Pick<TaskInfo, 'name' | 'limits' | 'resources'> {
  readonly run: RunKey;
  readonly id: string;
  /** Of a member of a group. */
  readonly executorId?: string;
  readonly frameworkId: string;
  readonly launched: NonNullable<AgentTask['launched']>;
}

function toRunningTask(task: AgentTask): readonly Running[] {
  const { run, id, launched, phase, definition, group } = task;
  const isRunning = phase.kind === 'running' || phase.kind === 'killing';
  if (!isRunning || launched === undefined || launched.pid <= 0) return [];
  const { name, limits, resources } = definition;
  const limited = limits === undefined ? {} : { limits };
  const executor = group === undefined ? {} : { executorId: group.executorId };
  const named = { run, id, frameworkId: frameworkIdOf(task), name, ...executor };
  return [{ ...named, launched, resources, ...limited }];
}

function toRunningExecutor(executor: AgentExecutor): readonly Running[] {
  const { run, id, launched, framework, info } = executor;
  if (launched === undefined || launched.pid <= 0) return [];
  const frameworkId = framework.id?.value ?? '';
  return [{ run, id, launched, frameworkId, name: info.name ?? '', resources: info.resources }];
}

function toSample(
  task: Running,
  usage: TaskUsage,
  seen: { readonly epochMs: number; readonly disk: number | undefined },
): TaskSample {
  const amount = fromWireResources(task.resources);
  const limit = (name: string): number => {
    const given = Number(task.limits?.[name]?.value ?? Number.NaN);
    return Number.isFinite(given) ? given : fromMilli(scalarMilli(amount, name));
  };
  const diskLimit = fromMilli(scalarMilli(amount, 'disk')) * MIB;
  return {
    executor_id: task.executorId ?? task.id,
    executor_name: task.name,
    framework_id: task.frameworkId,
    source: task.id,
    statistics: {
      timestamp: seen.epochMs / 1000,
      cpus_limit: limit('cpus'),
      ...figures({
        cpus_user_time_secs: usage.cpuUserSeconds,
        cpus_system_time_secs: usage.cpuSystemSeconds,
        cpus_nr_periods: usage.cpuPeriods,
        cpus_nr_throttled: usage.cpuThrottledPeriods,
        cpus_throttled_time_secs: usage.cpuThrottledSeconds,
        mem_rss_bytes: usage.memRssBytes,
        mem_anon_bytes: usage.memRssBytes,
        mem_cache_bytes: usage.memCacheBytes,
        mem_file_bytes: usage.memCacheBytes,
        mem_mapped_file_bytes: usage.memMappedFileBytes,
        mem_total_bytes: usage.memTotalBytes,
        disk_used_bytes: seen.disk,
        disk_limit_bytes: diskLimit > 0 ? diskLimit : undefined,
      }),
      mem_limit_bytes: usage.memLimitBytes ?? limit('mem') * MIB,
      ...(usage.network === undefined ? {} : toNetworkFigures(usage.network)),
    },
  };
}

const toNetworkFigures = (network: NetworkUsage): Readonly<Record<string, number>> => ({
  net_rx_bytes: network.rxBytes,
  net_rx_packets: network.rxPackets,
  net_rx_errors: network.rxErrors,
  net_rx_dropped: network.rxDropped,
  net_tx_bytes: network.txBytes,
  net_tx_packets: network.txPackets,
  net_tx_errors: network.txErrors,
  net_tx_dropped: network.txDropped,
});

const figures = (
  named: Readonly<Record<string, number | undefined>>,
): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
