/**
 * What tasks use, whoever launched them: figures of their own cgroups where they have them, else the sum over their session;
 * those of the network for tasks that have one of their own.
 */
import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunKey } from '#core';
import { type CgroupMount, parseCgroupMounts } from './cgroup-hierarchies.js';
import { readSessionUsage, type SessionUsage } from './session-usage.js';
import { cgroupName } from './task-cgroup.js';

/** A task as its launcher gave it. */
export interface MeasuredTask {
  readonly run: RunKey;
  readonly pid: number;
  readonly containerId?: string;
}

/** Absent: not known here. Times are counted since the start of the task. */
export interface TaskUsage {
  readonly cpuUserSeconds?: number;
  readonly cpuSystemSeconds?: number;
  readonly cpuPeriods?: number;
  readonly cpuThrottledPeriods?: number;
  readonly cpuThrottledSeconds?: number;
  readonly memRssBytes?: number;
  readonly memCacheBytes?: number;
  readonly memMappedFileBytes?: number;
  readonly memTotalBytes?: number;
  readonly memLimitBytes?: number;
  readonly network?: NetworkUsage;
}

/** All interfaces but loopback together. */
export interface NetworkUsage {
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** What does not change while a task runs. */
interface Places {
  readonly pid: number;
  readonly cpu?: string;
  readonly cpuacct?: string;
  readonly memory?: string;
  readonly isUnified: boolean;
  readonly hasOwnNetwork: boolean;
}

const TASKS_AT_ONCE = 16;
const TICKS_PER_SECOND = 100;
/** cgroups v1 writes the largest multiple of a page for no limit. */
const NO_LIMIT_BYTES = 2 ** 62;

/** Makes a reader; it remembers where the figures of the tasks it saw last are. One call is one pass over all of them. */
export function createUsageReader(): (
  tasks: readonly MeasuredTask[],
) => Promise<ReadonlyMap<RunKey, TaskUsage>> {
  let known = new Map<RunKey, Places>();
  let mounts: Promise<readonly CgroupMount[]> | undefined;
  let hostNetwork: Promise<string> | undefined;
  return async (tasks) => {
    mounts ??= readMounts();
    hostNetwork ??= readlink('/proc/self/ns/net').catch(() => '');
    const host = { mounts: await mounts, network: await hostNetwork };
    const before = known;
    const places = new Map<RunKey, Places>();
    await inBatches(tasks, async (task) => {
      const same = before.get(task.run);
      const found = same?.pid === task.pid ? same : await findPlaces(task, host);
      if (found !== undefined) places.set(task.run, found);
    });
    known = places;
    const needsSessions = [...places.values()].some(
      ({ cpuacct, memory }) => cpuacct === undefined || memory === undefined,
    );
    const sessions = needsSessions ? await readSessionUsage() : undefined;
    const usage = new Map<RunKey, TaskUsage>();
    await inBatches(tasks, async ({ run, pid, containerId }) => {
      const place = places.get(run);
      if (place === undefined) return;
      // A container's processes may be of many sessions.
      const session =
        containerId === undefined
          ? sessions?.bySession.get(sessions.sessionOf.get(pid) ?? 0)
          : undefined;
      usage.set(run, await measure(place, session));
    });
    return usage;
  };
}

async function readMounts(): Promise<readonly CgroupMount[]> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const own = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  return parseCgroupMounts(mountinfo, own);
}

/** Undefined when the pid is of no process of this host's that is the task's. */
async function findPlaces(
  { run, pid, containerId }: MeasuredTask,
  host: { readonly mounts: readonly CgroupMount[]; readonly network: string },
): Promise<Places | undefined> {
  const text = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const mark = containerId ?? cgroupName(run);
  // An engine elsewhere: its pid means somebody else here.
  if (containerId !== undefined && !text.includes(containerId)) return undefined;
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, names, path] = /^\d+:([^:]*):(.+)$/.exec(line) ?? [];
    if (names === undefined || path === undefined || !path.includes(mark)) continue;
    const mount = host.mounts.find(({ version, controllers }) =>
      names === '' ? version === 2 : names.split(',').every((name) => controllers.includes(name)),
    );
    if (mount === undefined) continue;
    const directory = join(mount.mountPoint, path);
    for (const name of names.split(',')) paths.set(name, directory);
  }
  const network = await readlink(`/proc/${pid}/ns/net`).catch(() => host.network);
  return { pid, hasOwnNetwork: network !== host.network, ...toDirectories(paths) };
}

/** A controller is in a hierarchy of its own (v1), or in the unified one. */
function toDirectories(paths: ReadonlyMap<string, string>): Omit<Places, 'pid' | 'hasOwnNetwork'> {
  const unified = paths.get('');
  const isUnified = unified !== undefined && !paths.has('memory') && !paths.has('cpu');
  const of = (name: string): string | undefined => (isUnified ? unified : paths.get(name));
  const [cpu, cpuacct, memory] = [of('cpu'), of('cpuacct'), of('memory')];
  return {
    isUnified,
    ...(cpu === undefined ? {} : { cpu }),
    ...(cpuacct === undefined ? {} : { cpuacct }),
    ...(memory === undefined ? {} : { memory }),
  };
}

async function measure(place: Places, session: SessionUsage | undefined): Promise<TaskUsage> {
  const [cpu, time, memory, network] = await Promise.all([
    readFields(place.cpu, 'cpu.stat'),
    place.isUnified ? undefined : readFields(place.cpuacct, 'cpuacct.stat'),
    readMemory(place),
    place.hasOwnNetwork ? readNetwork(place.pid) : undefined,
  ]);
  return {
    ...(session === undefined
      ? {}
      : {
          cpuUserSeconds: session.userSeconds,
          cpuSystemSeconds: session.systemSeconds,
          memRssBytes: session.rssBytes,
        }),
    ...defined({
      cpuUserSeconds:
        scaled(time?.get('user'), TICKS_PER_SECOND) ?? scaled(cpu?.get('user_usec'), 1e6),
      cpuSystemSeconds:
        scaled(time?.get('system'), TICKS_PER_SECOND) ?? scaled(cpu?.get('system_usec'), 1e6),
      cpuPeriods: cpu?.get('nr_periods'),
      cpuThrottledPeriods: cpu?.get('nr_throttled'),
      cpuThrottledSeconds:
        scaled(cpu?.get('throttled_time'), 1e9) ?? scaled(cpu?.get('throttled_usec'), 1e6),
    }),
    ...memory,
    ...(network === undefined ? {} : { network }),
  };
}

async function readMemory({ memory, isUnified }: Places): Promise<TaskUsage> {
  if (memory === undefined) return {};
  const file = isUnified
    ? { limit: 'memory.max', total: 'memory.current' }
    : { limit: 'memory.limit_in_bytes', total: 'memory.usage_in_bytes' };
  const [stat, limit, total] = await Promise.all([
    readFields(memory, 'memory.stat'),
    readNumber(memory, file.limit),
    readNumber(memory, file.total),
  ]);
  return defined({
    memRssBytes: stat?.get('total_rss') ?? stat?.get('anon'),
    memCacheBytes: stat?.get('total_cache') ?? stat?.get('file'),
    memMappedFileBytes: stat?.get('total_mapped_file') ?? stat?.get('file_mapped'),
    memTotalBytes: total,
    memLimitBytes: limit !== undefined && limit < NO_LIMIT_BYTES ? limit : undefined,
  });
}

/** Lines `name number`. */
async function readFields(
  directory: string | undefined,
  file: string,
): Promise<ReadonlyMap<string, number> | undefined> {
  if (directory === undefined) return undefined;
  const text = await readFile(join(directory, file), 'utf8').catch(() => undefined);
  return (
    (text &&
      new Map(
        text.split('\n').map((line): [string, number] => {
          const [name = '', value = ''] = line.split(' ');
          return [name, Number(value)];
        }),
      )) ||
    undefined
  );
}

async function readNumber(directory: string, file: string): Promise<number | undefined> {
  const text = await readFile(join(directory, file), 'utf8').catch(() => '');
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? undefined : value;
}

/** `/proc/PID/net/dev` is that of the process's network. */
async function readNetwork(pid: number): Promise<NetworkUsage | undefined> {
  const text = await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseNetworkUsage(text);
}

/** After the interface: 8 fields received (bytes, packets, errors, dropped, ...), then 8 sent. */
export function parseNetworkUsage(text: string): NetworkUsage {
  const sums = Array<number>(16).fill(0);
  for (const line of text.split('\n')) {
    const [, name, counts] = /^\s*([^:|]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || counts === undefined || name === 'lo') continue;
    counts.split(/\s+/).forEach((count, at) => {
      if (at < sums.length) sums[at] = (sums[at] ?? 0) + Number(count);
    });
  }
  const at = (index: number): number => sums[index] ?? 0;
  return {
    ...{ rxBytes: at(0), rxPackets: at(1), rxErrors: at(2), rxDropped: at(3) },
    ...{ txBytes: at(8), txPackets: at(9), txErrors: at(10), txDropped: at(11) },
  };
}

const scaled = (value: number | undefined, divisor: number): number | undefined =>
  value === undefined ? undefined : value / divisor;

const defined = (usage: { readonly [Name in keyof TaskUsage]: TaskUsage[Name] | undefined }) =>
  Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== undefined)) as TaskUsage;

async function inBatches<Item>(
  items: readonly Item[],
  visit: (item: Item) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < items.length; start += TASKS_AT_ONCE) {
    await Promise.all(items.slice(start, start + TASKS_AT_ONCE).map(visit));
  }
}
