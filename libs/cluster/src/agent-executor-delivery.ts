import type { LaunchId } from '#mesos-v1';
import type { AgentExecutor } from './agent-executor.js';
import type { AgentTask } from './agent-task.js';
import { type AgentTurn, feedTask } from './agent-turn.js';

/** How tasks get to an executor that has a stream: once, and those of a group together. */

/** `known`: ids of tasks the executor says it has. O(tasks of the executor). */
export function deliverTasks(
  turn: AgentTurn,
  executor: AgentExecutor,
  { known }: { readonly known: ReadonlySet<string> },
): void {
  const groups = new Map<string, AgentTask[]>();
  for (const run of [...executor.tasks]) {
    const task = turn.state.tasks.get(run);
    if (task === undefined || task.phase.kind !== 'delegated') continue;
    const isKnown = known.has(task.id);
    if (!task.isGrouped || isKnown) {
      feedTask(turn, run, { kind: 'deliver', ...(isKnown ? { isKnown: true as const } : {}) });
      continue;
    }
    const name = nameOf(task.launchId);
    groups.set(name, [...(groups.get(name) ?? []), task]);
  }
  for (const group of groups.values()) deliverGroup(turn, executor, group);
}

/** A task that comes when its executor has a stream already. */
export function deliverNow(turn: AgentTurn, executor: AgentExecutor, tasks: readonly AgentTask[]) {
  if (executor.connection === undefined || executor.ending !== undefined) return;
  const [first] = tasks;
  if (first?.isGrouped) deliverGroup(turn, executor, tasks);
  else for (const { run } of tasks) feedTask(turn, run, { kind: 'deliver' });
}

function deliverGroup(turn: AgentTurn, executor: AgentExecutor, group: readonly AgentTask[]): void {
  for (const { run } of group) feedTask(turn, run, { kind: 'deliver', isInGroup: true });
  const { state, effects } = turn;
  const sent = group.flatMap((before) => {
    const task = state.tasks.get(before.run);
    const isNew = before.phase.kind === 'delegated' && !before.phase.isSent;
    const isToSend = isNew && before.stream.latest === undefined;
    return isToSend && task?.phase.kind === 'delegated' && task.phase.isSent ? [task] : [];
  });
  if (sent.length === 0) return;
  effects.push({
    kind: 'send-to-executor',
    ...{ run: executor.run, executorRun: executor.run },
    // The queue of the executor does not wait for those of its tasks: their records come first here too, all or none.
    after: sent.map(({ run }) => run),
    event: {
      type: 'LAUNCH_GROUP',
      launch_group: { task_group: { tasks: sent.map(({ definition }) => definition) } },
    },
  });
}

/** The disk refused one of a group, so that none of it is sent: the others end too. */
export function endGroupOf(turn: AgentTurn, task: AgentTask): void {
  const executor = task.isGrouped && turn.state.executors.get(task.executorRun ?? task.run);
  if (!executor) return;
  for (const run of [...executor.tasks]) {
    const other = turn.state.tasks.get(run);
    if (run === task.run || !other?.isGrouped || other.stream.latest !== undefined) continue;
    if (nameOf(other.launchId) !== nameOf(task.launchId)) continue;
    feedTask(turn, run, {
      kind: 'refused',
      state: 'TASK_FAILED',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
      message: `task ${task.id} of its group cannot be launched: the agent cannot write it down`,
    });
  }
}

const nameOf = (launchId: LaunchId | undefined): string =>
  launchId === undefined ? '' : `${launchId.epoch}.${launchId.number}`;
