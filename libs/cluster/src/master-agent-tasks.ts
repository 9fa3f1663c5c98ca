import { frameworkId, isTerminalTaskState, taskId } from '#core';
import type { AgentTask, StreamPosition } from '#mesos-v1';
import { isLaterLaunch, isOtherLaunch } from './launch-id.js';
import { ensureRecoveredFramework } from './master-agent-executors.js';
import {
  noteLaunched,
  sendKill,
  sendKillOfLaunch,
  sendLaunch,
  sendToAgent,
  wasApplied,
} from './master-agent-messages.js';
import type { AgentSubscription, MasterTurn } from './master-events.js';
import { holdExecutor } from './master-executors.js';
import { touchTask } from './master-observation.js';
import type { Agent, Framework, Task } from './master-state.js';
import {
  adoptTask,
  holdResources,
  masterStatus,
  recordStatus,
  releaseResources,
  removeTask,
  sendUpdate,
  setTaskState,
  stateFor,
  toTaskState,
  watchStaging,
} from './master-tasks.js';

/** The tasks of an agent that comes back: those it has and those the ledger has of it become the same. */

/** Compares what the agent has with what we think it has. O(tasks of the agent). */
export function compareTasks(
  turn: MasterTurn,
  agent: Agent,
  subscription: AgentSubscription,
  context: { readonly wasUnreachable: boolean },
): void {
  const infos = new Map(subscription.frameworks.map((info) => [info.id?.value, info]));
  const completed = new Set<string>();
  const reported = new Set<Task>();
  const adopted: Task[] = [];
  for (const one of subscription.tasks) {
    const id = frameworkId(one.framework_id.value);
    if (turn.state.completedFrameworks.has(id)) {
      completed.add(id);
      continue;
    }
    const info = infos.get(id) ?? { user: '', name: id, id: { value: id } };
    const framework = ensureRecoveredFramework(turn, one, info);
    const known = framework.tasks.get(taskId(one.task.task_id.value));
    const task = takeReported(turn, agent, framework, one);
    if (task === undefined) continue;
    reported.add(task);
    if (task !== known) adopted.push(task);
    if (context.wasUnreachable && !isTerminalTaskState(task.state)) {
      tellReturned(turn, framework, task);
    }
  }
  for (const task of [...agent.tasks]) {
    if (!reported.has(task) && agent.unproven.has(task)) removeTask(turn, task);
    else if (!reported.has(task)) settleUnreported(turn, agent, task, subscription.last_applied);
    else if (task.kill !== undefined) resendKill(turn, agent, task, subscription.last_applied);
  }
  agent.unproven.clear();
  for (const task of adopted) agent.unproven.add(task);
  for (const id of completed) {
    sendToAgent(turn, agent, {
      type: 'SHUTDOWN_FRAMEWORK',
      shutdown_framework: { framework_id: { value: id } },
    });
  }
}

/** Undefined: the same id runs elsewhere, or was used again since, so this copy is told to die. */
function takeReported(
  turn: MasterTurn,
  agent: Agent,
  framework: Framework,
  one: AgentTask,
): Task | undefined {
  const state = toTaskState(one.state) ?? 'TASK_STAGING';
  const task = settleEarlierLaunch(turn, framework, one);
  if (task === undefined) {
    const before = framework.completedTasks.get(taskId(one.task.task_id.value));
    const isNewer = isLaterLaunch(one.launch_id, before?.launchId);
    if (isLaterLaunch(before?.launchId, one.launch_id) || (before?.isGivenUp && !isNewer)) {
      tellKill(turn, agent, one);
      return undefined;
    }
    return adoptTask(turn, {
      framework,
      agent,
      info: one.task,
      state,
      status: one.latest_status,
      launchId: one.launch_id,
    });
  }
  if (task.agentId !== agent.id || isOtherLaunch(task.launchId, one.launch_id)) {
    tellKill(turn, agent, one);
    return undefined;
  }
  touchTask(turn.state, task);
  noteLaunched(task);
  // What we said meanwhile (unreachable) knows nothing of health and addresses; the agent does.
  task.status = one.latest_status;
  if (task.state === 'TASK_UNREACHABLE') task.state = 'TASK_STAGING';
  if (!isTerminalTaskState(state)) holdResources(turn, task);
  setTaskState(turn, task, state);
  return task;
}

/** The task in the ledger. One of an earlier launch, which this master has from another agent, is none any more. */
function settleEarlierLaunch(
  turn: MasterTurn,
  framework: Framework,
  { task: { task_id }, launch_id }: AgentTask,
): Task | undefined {
  const task = framework.tasks.get(taskId(task_id.value));
  if (task === undefined || !isLaterLaunch(launch_id, task.launchId)) return task;
  const agent = turn.state.agents.get(task.agentId);
  if (agent !== undefined && !isTerminalTaskState(task.state)) {
    const framework_id = { value: framework.id };
    sendKillOfLaunch(turn, agent, { framework_id, task_id, launch_id: task.launchId });
  }
  removeTask(turn, task, { isGivenUp: true });
  return undefined;
}

function tellKill(turn: MasterTurn, agent: Agent, one: AgentTask): void {
  const { framework_id, launch_id } = one;
  sendKillOfLaunch(turn, agent, { framework_id, task_id: one.task.task_id, launch_id });
}

function tellReturned(turn: MasterTurn, framework: Framework, task: Task): void {
  const status = masterStatus(turn, {
    taskId: task.id,
    agentId: task.agentId,
    state: task.state,
    reason: 'REASON_AGENT_REREGISTERED',
    message: 'the agent is reachable again',
    basedOn: task.status,
  });
  recordStatus(turn, task, status);
  sendUpdate(turn, framework, status);
}

/** We think it has this task, it says it has not: in flight and not applied -> sent again; else it is lost. */
function settleUnreported(
  turn: MasterTurn,
  agent: Agent,
  task: Task,
  lastApplied: StreamPosition | undefined,
): void {
  const framework = turn.state.frameworks.get(task.frameworkId);
  if (framework === undefined) return;
  if (task.launchPosition !== undefined && !wasApplied(task.launchPosition, lastApplied)) {
    touchTask(turn.state, task);
    holdResources(turn, task);
    holdExecutor(turn, agent, framework, task);
    if (task.state === 'TASK_UNREACHABLE') task.state = 'TASK_STAGING';
    watchStaging(turn, task);
    sendLaunch(turn, agent, framework, task);
    if (task.kill !== undefined) sendKill(turn, agent, task);
    return;
  }
  if (isTerminalTaskState(task.state)) {
    // The agent no longer has it, so nobody would resend or take an acknowledgement: it ends here.
    if (task.unacknowledged === undefined) removeTask(turn, task);
    return;
  }
  const state = stateFor(framework, 'TASK_DROPPED');
  const status = masterStatus(turn, {
    taskId: task.id,
    agentId: agent.id,
    state,
    reason: 'REASON_AGENT_DISCONNECTED',
    message: 'the agent does not know the task',
  });
  recordStatus(turn, task, status);
  setTaskState(turn, task, state);
  releaseResources(turn, task);
  removeTask(turn, task, { isGivenUp: true });
  sendUpdate(turn, framework, status);
}

function resendKill(
  turn: MasterTurn,
  agent: Agent,
  task: Task,
  lastApplied: StreamPosition | undefined,
): void {
  if (task.kill === undefined || isTerminalTaskState(task.state)) return;
  if (task.kill.position === undefined || !wasApplied(task.kill.position, lastApplied)) {
    sendKill(turn, agent, task);
  }
}
