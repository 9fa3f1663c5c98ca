import type { Task } from '../api/api-types.js';

export type TaskHealth = 'Healthy' | 'Unhealthy' | 'Unknown';

/** `TASK_RUNNING` -> `Running`, `TASK_GONE_BY_OPERATOR` -> `Gone by operator`. */
export function taskStateWords(state: string): string {
  const words = state
    .replace(/^TASK_/, '')
    .replaceAll('_', ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * As the server counts it: unhealthy if one check has a failure that counts, unknown until every check has an answer.
 * Failures within the grace period do not count.
 */
export function taskHealth(task: Task): TaskHealth {
  const results = task.healthCheckResults ?? [];
  if (results.some((r) => !r.alive && r.consecutiveFailures > 0)) {
    return 'Unhealthy';
  }
  return results.length > 0 && results.every((r) => r.alive) ? 'Healthy' : 'Unknown';
}

/** What the last failing checks said, without repeats. */
export function healthCauses(task: Task): string[] {
  const causes = (task.healthCheckResults ?? [])
    .filter((r) => !r.alive)
    .map((r) => r.lastFailureCause ?? '')
    .filter((cause) => cause !== '');
  return [...new Set(causes)];
}

/** `host:31001`, one for each port; the bare host without ports; nothing before it has a place. */
export function taskEndpoints(task: Task): string[] {
  const host = task.host ?? '';
  if (host === '') {
    return [];
  }
  const name = host.includes(':') ? `[${host}]` : host;
  const ports = (task.ports ?? []).filter((port) => port > 0);
  return ports.length === 0 ? [host] : ports.map((port) => `${name}:${port}`);
}

/** Draining time left in ms, never negative; nothing if the task does not drain. */
export function drainLeftMs(task: Task, nowMs: number): number | undefined {
  if (!task.draining) {
    return undefined;
  }
  const deadline = Date.parse(task.draining.deadline);
  return Number.isNaN(deadline) ? 0 : Math.max(0, deadline - nowMs);
}

/** Newest first; ties by id, so that rows do not jump. */
export function sortTasks(tasks: readonly Task[]): Task[] {
  const since = (task: Task) => task.startedAt ?? task.stagedAt ?? '9999';
  return [...tasks].sort((a, b) => {
    const [x, y] = [since(a), since(b)];
    return x === y ? (a.id < b.id ? -1 : 1) : x < y ? 1 : -1;
  });
}
