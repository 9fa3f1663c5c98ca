import type { MasterFramework, MasterState } from '#cluster';
import { frameworkId, taskId } from '#core';
import { legacyTask, type TaskView } from './legacy-views.js';

/** What /tasks can be asked for. */
export interface TaskQuery {
  readonly limit: number;
  readonly offset: number;
  /** By the time of the first status; the newest first unless `asc`. */
  readonly order: 'asc' | 'des';
  readonly taskId?: string;
  readonly frameworkId?: string;
}

interface Found {
  readonly task: TaskView;
  readonly framework: MasterFramework;
  readonly firstSeen: number;
}

/**
 * One page of all tasks, active and completed. O(frameworks) when asked for one task, else O(n log n) in the tasks looked
 * at; only the page is written.
 */
export function legacyTaskPage(state: MasterState, query: TaskQuery): readonly object[] {
  const found = findTasks(state, query);
  const sign = query.order === 'asc' ? 1 : -1;
  found.sort((left, right) => sign * (left.firstSeen - right.firstSeen));
  return found
    .slice(query.offset, query.offset + query.limit)
    .map(({ task, framework }) => legacyTask(task, framework));
}

function findTasks(state: MasterState, query: TaskQuery): Found[] {
  const found: Found[] = [];
  const add = (task: TaskView | undefined, framework: MasterFramework): void => {
    if (task === undefined) return;
    found.push({ task, framework, firstSeen: task.statuses[0]?.timestamp ?? 0 });
  };
  for (const framework of frameworksOf(state, query)) {
    if (query.taskId !== undefined) {
      const id = taskId(query.taskId);
      add(framework.tasks.get(id), framework);
      add(framework.completedTasks.get(id), framework);
      continue;
    }
    for (const task of framework.tasks.values()) add(task, framework);
    for (const task of framework.completedTasks.values()) add(task, framework);
  }
  return found;
}

function frameworksOf(state: MasterState, query: TaskQuery): Iterable<MasterFramework> {
  if (query.frameworkId === undefined) return state.frameworks.values();
  const framework = state.frameworks.get(frameworkId(query.frameworkId));
  return framework === undefined ? [] : [framework];
}
