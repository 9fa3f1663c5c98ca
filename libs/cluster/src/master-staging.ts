import { sendKill } from './master-agent-messages.js';
import type { MasterTurn } from './master-events.js';
import type { Task } from './master-state.js';
import {
  masterStatus,
  recordStatus,
  removeTask,
  sendUpdate,
  setTaskState,
  stateFor,
} from './master-tasks.js';

/**
 * No task stays in TASK_STAGING for ever. launched -> (no update within the deadline) KILL sent -> (no word of it within
 * its grace) lost. An agent has deadlines of its own for each phase; this is for an agent that says nothing at all.
 */

/** Tasks whose time is up. While an agent is away its own timeout decides. O(tasks that are due). */
export function tickStaging(turn: MasterTurn): void {
  const { state, now } = turn;
  const { stagingKillGraceMs } = state.config;
  // Nothing was accepted of agents while the registry was away; they resend.
  const { lastUnwritableMonoMs } = state;
  if (
    lastUnwritableMonoMs !== undefined &&
    now.monoMs - lastUnwritableMonoMs < stagingKillGraceMs
  ) {
    return;
  }
  for (const [task, dueMonoMs] of state.overdueTasks) {
    if (dueMonoMs > now.monoMs) break;
    state.overdueTasks.delete(task);
    settleOverdue(turn, task);
  }
  for (const [task, dueMonoMs] of state.stagingTasks) {
    if (dueMonoMs > now.monoMs) break;
    state.stagingTasks.delete(task);
    killOverdue(turn, task);
  }
}

function killOverdue(turn: MasterTurn, task: Task): void {
  const { state, now } = turn;
  const agent = state.agents.get(task.agentId);
  if (agent?.condition !== 'connected') {
    state.stagingTasks.set(task, now.monoMs + state.config.stagingDeadlineMs);
    return;
  }
  task.kill ??= {};
  sendKill(turn, agent, task);
  state.overdueTasks.set(task, now.monoMs + state.config.stagingKillGraceMs);
  turn.effects.push({
    kind: 'note',
    level: 'warn',
    message: 'a task stays in TASK_STAGING; it is killed',
    fields: { taskId: task.id, agentId: agent.id, deadlineMs: state.config.stagingDeadlineMs },
  });
}

function settleOverdue(turn: MasterTurn, task: Task): void {
  const { state, now } = turn;
  const framework = state.frameworks.get(task.frameworkId);
  if (framework?.tasks.get(task.id) !== task || task.state !== 'TASK_STAGING') return;
  const agent = state.agents.get(task.agentId);
  if (agent?.condition !== 'connected') {
    state.stagingTasks.set(task, now.monoMs + state.config.stagingDeadlineMs);
    return;
  }
  const lost = stateFor(framework, 'TASK_DROPPED');
  const seconds = state.config.stagingDeadlineMs / 1000;
  const status = masterStatus(turn, {
    taskId: task.id,
    agentId: task.agentId,
    state: lost,
    reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
    message: `TASK_STAGING: the agent sent no update within ${seconds} s of the launch, nor after a KILL`,
  });
  setTaskState(turn, task, lost);
  recordStatus(turn, task, status);
  removeTask(turn, task, { isGivenUp: true });
  sendUpdate(turn, framework, status);
}
