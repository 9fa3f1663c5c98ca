import { readdir, readFile } from 'node:fs/promises';
import type { AgentTask } from '#cluster';
import { fromMilli, scalarMilli } from '#core';
import { fromWireResources } from '#mesos-v1';

interface Usage {
  userTicks: number;
  systemTicks: number;
  rssPages: number;
}

/** Linux on every platform Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const MIB = 1024 * 1024;
/** Fields of /proc/<pid>/stat, counted after the command name. */
const SESSION = 3;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;
const RSS_PAGES = 21;

/** Usage of each running task, summed over its session. One pass over /proc. */
export async function measureTasks(tasks: readonly AgentTask[]): Promise<readonly unknown[]> {
  const stats = await readAllStats();
  const bySession = new Map<number, Usage>();
  for (const fields of stats.values()) {
    const session = Number(fields[SESSION]);
    const usage = bySession.get(session) ?? { userTicks: 0, systemTicks: 0, rssPages: 0 };
    usage.userTicks += Number(fields[USER_TICKS]);
    usage.systemTicks += Number(fields[SYSTEM_TICKS]);
    usage.rssPages += Number(fields[RSS_PAGES]);
    bySession.set(session, usage);
  }
  return tasks.flatMap((task) => {
    const session = Number(stats.get(task.launched?.pid ?? 0)?.[SESSION] ?? Number.NaN);
    const usage = bySession.get(session);
    if (usage === undefined) return [];
    const amount = fromWireResources(task.definition.resources);
    return [
      {
        executor_id: task.id,
        framework_id: task.framework.id?.value ?? '',
        source: task.id,
        statistics: {
          timestamp: Date.now() / 1000,
          cpus_limit: fromMilli(scalarMilli(amount, 'cpus')),
          cpus_user_time_secs: usage.userTicks / TICKS_PER_SECOND,
          cpus_system_time_secs: usage.systemTicks / TICKS_PER_SECOND,
          mem_limit_bytes: fromMilli(scalarMilli(amount, 'mem')) * MIB,
          mem_rss_bytes: usage.rssPages * PAGE_BYTES,
        },
      },
    ];
  });
}

async function readAllStats(): Promise<ReadonlyMap<number, readonly string[]>> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = new Map<number, readonly string[]>();
  for (const name of names) {
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    stats.set(Number(name), text.slice(text.lastIndexOf(')') + 2).split(' '));
  }
  return stats;
}
