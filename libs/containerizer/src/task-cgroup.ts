/** A task's own cgroups: made before its start, joined by its first process, emptied and removed after its end. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskLimits } from '#core';
import { type Hierarchy, makeDirectory } from './cgroup-hierarchies.js';
import { type ResourceBounds, toBounds } from './resource-bounds.js';

const MIB = 1024 * 1024;
/** Directory names end at 255 bytes; a shortened id keeps this much of itself before its hash. */
const MAX_NAME_CHARACTERS = 240;
const KEPT_CHARACTERS = 200;
const MIN_CPU_SHARES = 2;
/** CFS period in microseconds; 100 ms is the kernel's default. */
const CPU_PERIOD_US = 100_000;
const MIN_CPU_QUOTA_US = 1_000;
/** Only advice to the kernel, and some kernels (real-time ones) do not take it. */
const SOFT_LIMIT_FILE = 'memory.soft_limit_in_bytes';

export interface CgroupLimits extends ResourceBounds {
  readonly maxProcesses: number;
}

/** A file to write and its text, in the order they must be written. */
export type CgroupSetting = readonly [file: string, value: string];

/** Makes a task id (or an agent's scope) safe as a directory name; ids that had to change get a hash, so two never share a name. */
export function cgroupName(task: string): string {
  const safe = task.replace(/[^A-Za-z0-9._-]/g, '_');
  const isPlain = /^[^.]/.test(safe) && safe.length <= MAX_NAME_CHARACTERS;
  if (safe === task && isPlain) return safe;
  const hash = createHash('sha256').update(task).digest('hex').slice(0, 16);
  return `t${safe.slice(0, KEPT_CHARACTERS)}-${hash}`;
}

export function cgroupDirectories(hierarchies: readonly Hierarchy[], name: string): string[] {
  return hierarchies.map(({ directory }) => join(directory, name));
}

/** The limits as files to write, then `cgroup.procs` of every hierarchy: writing `0` moves the writer itself. */
export function cgroupSettings(
  hierarchies: readonly Hierarchy[],
  name: string,
  limits: CgroupLimits,
): readonly CgroupSetting[] {
  const settings = hierarchies.flatMap((hierarchy) => limitSettings(hierarchy, name, limits));
  return [...settings, ...joinSettings(hierarchies, name)];
}

/** Other limits for a task that runs. One that is over by now needs none. */
export async function changeLimits(
  task: { readonly run: string; readonly hierarchies: readonly Hierarchy[] } | undefined,
  limits: TaskLimits,
  { capCpu = false }: { readonly capCpu?: boolean },
): Promise<void> {
  for (const hierarchy of task?.hierarchies ?? []) {
    const wanted = { ...toBounds(limits, { capCpu }), maxProcesses: 0 };
    for (const [file, value] of limitSettings(hierarchy, cgroupName(task?.run ?? ''), wanted)) {
      await writeFile(file, value, { flag: 'r+' }).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw error;
      });
    }
  }
}

export function joinSettings(hierarchies: readonly Hierarchy[], name: string): CgroupSetting[] {
  return hierarchies.map(({ directory }) => [join(directory, name, 'cgroup.procs'), '0']);
}

/** Whether this kernel has the file; the cgroup is there. */
export const isSettable = ([file]: CgroupSetting): boolean =>
  !file.endsWith(SOFT_LIMIT_FILE) || existsSync(file);

/** Synchronously, which takes 30 microseconds each; through the thread pool it would be more. */
export function makeCgroups(hierarchies: readonly Hierarchy[], name: string): void {
  for (const directory of cgroupDirectories(hierarchies, name)) makeDirectory(directory);
}

/** Removes the cgroups; resolves to false while a process is still inside. A missing one counts as removed. */
export async function removeCgroups(
  hierarchies: readonly Hierarchy[],
  name: string,
): Promise<boolean> {
  const removed = await Promise.all(
    cgroupDirectories(hierarchies, name).map(async (path) => {
      try {
        await removeNested(path);
        return true;
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return true;
        if (hasCode(error, 'EBUSY')) return false;
        throw error;
      }
    }),
  );
  return removed.every((done) => done);
}

/**
 * Removes the agent's own folders as far as nothing is in them: a task's cgroup, running or not yet released, keeps its
 * parent. An identity that never comes back would else leave them for ever. A next agent makes them again.
 */
export async function removeEmptyFolders(hierarchies: readonly Hierarchy[]): Promise<void> {
  await Promise.allSettled(hierarchies.map(async ({ directory }) => await rmdir(directory)));
}

/** The pids inside the task's cgroups, nested ones (made by the task itself) included. */
export async function listCgroupProcesses(
  hierarchies: readonly Hierarchy[],
  name: string,
): Promise<readonly number[]> {
  const first = hierarchies[0];
  return first === undefined ? [] : await listProcessesBelow(join(first.directory, name));
}

/** Stops new processes from being made in it, so that a loop of SIGKILLs ends; v2 also kills at once. Best effort. */
export async function stopForks(hierarchies: readonly Hierarchy[], name: string): Promise<void> {
  const write = async (hierarchy: Hierarchy | undefined, file: string, value: string) => {
    if (hierarchy === undefined) return;
    await writeFile(join(hierarchy.directory, name, file), value).catch(() => undefined);
  };
  const [first] = hierarchies;
  await write(
    hierarchies.find(({ controllers }) => controllers.includes('pids')),
    'pids.max',
    '0',
  );
  await write(first?.version === 2 ? first : undefined, 'cgroup.kill', '1');
}

/** How many processes the kernel killed at the task's memory limit; 0 where it does not say. */
export async function countOomKills(
  hierarchies: readonly Hierarchy[],
  name: string,
): Promise<number> {
  const memory = hierarchies.find(({ controllers }) => controllers.includes('memory'));
  if (memory === undefined) return 0;
  const file = memory.version === 1 ? 'memory.oom_control' : 'memory.events';
  const text = await readFile(join(memory.directory, name, file), 'utf8').catch(() => '');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Names of all task cgroups under the agent's folder, in any hierarchy. */
export async function listCgroupNames(hierarchies: readonly Hierarchy[]): Promise<Set<string>> {
  const names = new Set<string>();
  for (const { directory } of hierarchies) {
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isDirectory()) names.add(entry.name);
  }
  return names;
}

function limitSettings(hierarchy: Hierarchy, name: string, limits: CgroupLimits): CgroupSetting[] {
  const { version, directory, controllers } = hierarchy;
  const settings: CgroupSetting[] = [];
  const set = (file: string, value: number | string) =>
    settings.push([join(directory, name, file), String(value)]);
  if (controllers.includes('memory')) setMemory(version, limits, set);
  if (controllers.includes('cpu')) setCpu(version, limits, set);
  if (controllers.includes('pids') && limits.maxProcesses > 0) {
    set('pids.max', limits.maxProcesses);
  }
  return settings;
}

type SetFile = (file: string, value: number | string) => void;

function setMemory(version: 1 | 2, limits: CgroupLimits, set: SetFile): void {
  const { memMib, reservedMemMib } = limits;
  if (memMib > 0) {
    set(version === 1 ? 'memory.limit_in_bytes' : 'memory.max', memMib * MIB);
  }
  if (reservedMemMib !== undefined) {
    set(version === 1 ? SOFT_LIMIT_FILE : 'memory.low', reservedMemMib * MIB);
  }
}

function setCpu(version: 1 | 2, { cpuMillis, cpuCapMillis }: CgroupLimits, set: SetFile): void {
  const shares = Math.max(MIN_CPU_SHARES, Math.floor((cpuMillis * 1024) / 1000));
  // The kernel's documented mapping of shares 2..262144 to weight 1..10000.
  const weight = Math.min(10_000, 1 + Math.floor(((shares - 2) * 9999) / 262_142));
  if (version === 1) set('cpu.shares', shares);
  else set('cpu.weight', weight);
  if (cpuCapMillis === undefined) return;
  const quotaUs = Math.floor(Math.max(MIN_CPU_QUOTA_US, (cpuCapMillis * CPU_PERIOD_US) / 1000));
  if (version === 1) set('cpu.cfs_quota_us', quotaUs);
  else set('cpu.max', `${quotaUs} ${CPU_PERIOD_US}`);
}

async function listProcessesBelow(directory: string): Promise<number[]> {
  const text = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
  const pids = text.split('\n').filter((line) => line !== '');
  const nested = await nestedCgroups(directory);
  const below = await Promise.all(nested.map(listProcessesBelow));
  return [...pids.map(Number), ...below.flat()];
}

async function removeNested(directory: string): Promise<void> {
  for (const nested of await nestedCgroups(directory)) await removeNested(nested);
  await rmdir(directory);
}

async function nestedCgroups(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
}

function hasCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
