import { agentId, frameworkId, isTerminalTaskState, taskId } from '#core';
import type { AgentCall, AgentUpdate, TaskStatus } from '#mesos-v1';
import { isLaterLaunch } from './launch-id.js';
import { noteLaunched, sendKillOfLaunch, sendToAgent } from './master-agent-messages.js';
import type { MasterEvent, MasterTurn } from './master-events.js';
import { exitExecutor } from './master-executors.js';
import { confirmOperations } from './master-operation-feedback.js';
import type { Agent, Framework, Task } from './master-state.js';
import { recordStatus, removeTask, sendUpdate, setTaskState, toTaskState } from './master-tasks.js';

type AgentCallEvent = Extract<MasterEvent, { readonly kind: 'agent-call' }>;
type MessageCall = Extract<AgentCall, { readonly type: 'MESSAGE' }>;

/**
 * What an agent says but SUBSCRIBE; only the agent's current stream may speak for it (403: subscribe again). While the
 * registry is away all of it shows that the agent lives, and no UPDATE is taken.
 */
export function handleAgentCall(turn: MasterTurn, event: AgentCallEvent): void {
  const { call, callId } = event;
  const agent = turn.state.agents.get(agentId(call.agent_id.value));
  if (agent?.stream?.id !== call.stream_id) {
    turn.effects.push({
      kind: 'answer-call',
      callId,
      status: 403,
      message: `stream ${call.stream_id} of agent ${call.agent_id.value} is not current; subscribe again`,
    });
    return;
  }
  agent.heardMonoMs = turn.now.monoMs;
  agent.unproven.clear();
  const updates = updatesOf(call);
  if (updates.length > 0 && !event.isWritable) {
    const message = 'the database is unavailable; send the update again';
    turn.effects.push({ kind: 'answer-call', callId, status: 503, message });
    return;
  }
  for (const update of updates) takeUpdate(turn, agent, update);
  applyAgentCall(turn, agent, call);
  turn.effects.push({ kind: 'answer-call', callId, status: 202 });
}

function updatesOf(call: AgentCallEvent['call']): readonly AgentUpdate[] {
  switch (call.type) {
    case 'UPDATE':
      return [call.update];
    case 'UPDATES':
      return call.updates;
    default:
      return [];
  }
}

/** What is no UPDATE. */
function applyAgentCall(turn: MasterTurn, agent: Agent, call: AgentCallEvent['call']): void {
  switch (call.type) {
    case 'MESSAGE':
      forwardMessage(turn, agent, call.message);
      return;
    case 'EXITED_EXECUTOR': {
      const { framework_id, executor_id, status, launch_id } = call.exited_executor;
      exitExecutor(turn, agent, {
        frameworkId: frameworkId(framework_id.value),
        executorId: executor_id.value,
        status,
        launchId: launch_id,
      });
      return;
    }
    case 'CHECKPOINTED':
      confirmOperations(turn, agent, call.checkpointed.sequence);
      return;
    case 'UPDATE':
    case 'UPDATES':
    case 'PONG':
      return;
    default:
      call satisfies never;
  }
}

/** MESSAGE of an executor: best effort, so a framework that is away does not get it. */
function forwardMessage(turn: MasterTurn, agent: Agent, message: MessageCall['message']): void {
  const framework = turn.state.frameworks.get(frameworkId(message.framework_id.value));
  if (framework?.streamId === undefined) return;
  turn.effects.push({
    kind: 'send-to-framework',
    streamId: framework.streamId,
    event: {
      type: 'MESSAGE',
      message: {
        agent_id: { value: agent.id },
        executor_id: message.executor_id,
        data: message.data,
      },
    },
  });
}

/**
 * A status from an agent: to the framework as it is; `latest_state` frees the resources even while older updates wait
 * for their acknowledgement. The agent resends until acknowledged, so each part may happen twice.
 */
function takeUpdate(turn: MasterTurn, agent: Agent, update: AgentUpdate): void {
  const { state } = turn;
  state.counters.statusUpdates += 1;
  const id = frameworkId(update.framework_id.value);
  const framework = state.frameworks.get(id);
  if (framework === undefined) {
    if (!state.completedFrameworks.has(id)) return;
    sendToAgent(turn, agent, {
      type: 'SHUTDOWN_FRAMEWORK',
      shutdown_framework: { framework_id: update.framework_id },
    });
    return;
  }
  const status: TaskStatus = {
    ...update.status,
    agent_id: update.status.agent_id ?? { value: agent.id },
    timestamp: update.status.timestamp ?? turn.now.epochMs / 1000,
  };
  const task = framework.tasks.get(taskId(status.task_id.value));
  const isOver = task === undefined && isGivenUp(framework, status);
  if (isOver || isOfEarlierLaunch(framework, task, update)) {
    endGivenUp(turn, agent, update);
    return;
  }
  if (isOvertaken(framework, task, status)) return;
  const { uuid } = status;
  if (uuid !== undefined && task?.acknowledged?.includes(uuid) === true) {
    // A copy that was long under way, or an agent that has not heard of it: told again it would undo later news.
    const { framework_id } = update;
    const acknowledge = { framework_id, task_id: status.task_id, uuid };
    sendToAgent(turn, agent, { type: 'ACKNOWLEDGE', acknowledge });
    return;
  }
  if (task !== undefined && task.agentId === agent.id) {
    noteLaunched(task);
    const isResent = status.uuid !== undefined && task.unacknowledged?.uuid === status.uuid;
    if (!isResent) recordStatus(turn, task, status);
    if (status.uuid !== undefined) task.unacknowledged = status;
    const latest = toTaskState(update.latest_state) ?? toTaskState(status.state);
    if (latest !== undefined) setTaskState(turn, task, latest);
    // Nobody acknowledges such an end, so nothing would come after it.
    if (status.uuid === undefined && isTerminalTaskState(task.state)) removeTask(turn, task);
  }
  sendUpdate(turn, framework, status);
}

/**
 * A repeated update that comes after the end it led to: an agent's calls are not ordered among each other. The
 * framework has acknowledged it before, and nothing may follow an end.
 */
function isOvertaken(framework: Framework, task: Task | undefined, status: TaskStatus): boolean {
  if (isTerminalTaskState(toTaskState(status.state) ?? 'TASK_UNKNOWN')) return false;
  if (task === undefined) return framework.completedTasks.has(taskId(status.task_id.value));
  const told = toTaskState(task.unacknowledged?.state ?? '');
  return told !== undefined && isTerminalTaskState(told);
}

const isGivenUp = (framework: Framework, { task_id }: TaskStatus): boolean =>
  framework.completedTasks.get(taskId(task_id.value))?.isGivenUp === true;

/** The id was used again since. The framework knew the end of that launch then, or the master had spoken it. */
function isOfEarlierLaunch(
  framework: Framework,
  task: Task | undefined,
  { status, launch_id }: AgentUpdate,
): boolean {
  const latest = task ?? framework.completedTasks.get(taskId(status.task_id.value));
  return isLaterLaunch(latest?.launchId, launch_id);
}

/** The framework was told its end already: the agent is to end it too, and nobody else will acknowledge. */
function endGivenUp(turn: MasterTurn, agent: Agent, update: AgentUpdate): void {
  const { framework_id, status, latest_state, launch_id } = update;
  const { task_id, uuid } = status;
  if (!isTerminalTaskState(toTaskState(latest_state) ?? 'TASK_UNKNOWN')) {
    sendKillOfLaunch(turn, agent, { framework_id, task_id, launch_id });
  }
  if (uuid === undefined) return;
  sendToAgent(turn, agent, { type: 'ACKNOWLEDGE', acknowledge: { framework_id, task_id, uuid } });
}
