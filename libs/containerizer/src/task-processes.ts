/** Signals everything that belongs to one task: by its cgroup where it has one, else by session and environment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunKey } from '#core';
import type { Hierarchy } from './cgroup-hierarchies.js';
import {
  markOf,
  type ProcessIdentity,
  type ProcessSnapshot,
  signalProcess,
} from './process-table.js';
import { cgroupName, listCgroupProcesses, stopForks } from './task-cgroup.js';

/** Where a task's processes are to be found. The supervisor itself never counts as one of them. */
export interface TaskTraces {
  readonly run: RunKey;
  readonly scope: string;
  readonly hierarchies: readonly Hierarchy[];
  readonly scan: () => Promise<ProcessSnapshot>;
  /** Unknown before the supervisor has reported. */
  readonly supervisor?: ProcessIdentity;
}

const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 100;
/** A process in uninterruptible sleep outlives SIGKILL; nobody waits for it longer than this. */
const EMPTY_DEADLINE_MS = 10_000;

export async function listTaskProcesses(traces: TaskTraces): Promise<readonly number[]> {
  const { hierarchies, run, supervisor } = traces;
  if (hierarchies.length > 0) return await listCgroupProcesses(hierarchies, cgroupName(run));
  const snapshot = await traces.scan();
  const pids = new Set<number>();
  if (supervisor !== undefined) {
    for (const pid of listSession(snapshot, supervisor)) pids.add(pid);
  }
  for (const { pid } of snapshot.byMark.get(markOf(run, traces.scope)) ?? []) pids.add(pid);
  if (supervisor !== undefined) pids.delete(supervisor.pid);
  return [...pids];
}

/** The kernel gives a session's number to nobody else while it has members, but it may afterwards. */
function listSession(snapshot: ProcessSnapshot, leader: ProcessIdentity): number[] {
  const holder = snapshot.byPid.get(leader.pid);
  if (holder !== undefined && holder.startTicks !== leader.startTicks) return [];
  const members = snapshot.bySession.get(leader.pid) ?? [];
  return members.filter(({ startTicks }) => startTicks >= leader.startTicks).map(({ pid }) => pid);
}

export async function signalTask(
  traces: TaskTraces,
  signal: NodeJS.Signals,
  except?: number,
): Promise<number> {
  const pids = await listTaskProcesses(traces);
  return pids.filter((pid) => pid !== except && signalProcess(pid, signal)).length;
}

/** SIGKILLs until nothing of the task is left; false if something still is after ten seconds. */
export async function emptyTask(traces: TaskTraces): Promise<boolean> {
  const deadlineMs = performance.now() + EMPTY_DEADLINE_MS;
  let pids = await listTaskProcesses(traces);
  if (pids.length === 0) return true;
  await stopForks(traces.hierarchies, cgroupName(traces.run));
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    for (const pid of pids) signalProcess(pid, 'SIGKILL');
    await sleep(pauseMs);
    pids = await listTaskProcesses(traces);
    if (pids.length === 0) return true;
    if (performance.now() >= deadlineMs) return false;
  }
}
