import { agentId, frameworkId, isTerminalTaskState, taskId } from '#core';
import type { AgentUpdate, TaskStatus } from '#mesos-v1';
import { sendToAgent } from './master-agent-messages.js';
import type { MasterEvent, MasterTurn } from './master-events.js';
import type { Agent, Framework, Task } from './master-state.js';
import { recordStatus, sendUpdate, setTaskState, toTaskState } from './master-tasks.js';

type AgentCallEvent = Extract<MasterEvent, { readonly kind: 'agent-call' }>;

/**
 * UPDATE, UPDATES and PONG; only the agent's current stream may speak for it (403: subscribe again). While the registry is away
 * both show that the agent lives, and no UPDATE is taken.
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
  const updates = updatesOf(call);
  if (updates.length > 0 && !event.isWritable) {
    const message = 'the database is unavailable; send the update again';
    turn.effects.push({ kind: 'answer-call', callId, status: 503, message });
    return;
  }
  for (const update of updates) takeUpdate(turn, agent, update);
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
  if (isOvertaken(framework, task, status)) return;
  if (task !== undefined && task.agentId === agent.id) {
    delete task.launchPosition;
    const isResent = status.uuid !== undefined && task.unacknowledged?.uuid === status.uuid;
    if (!isResent) recordStatus(task, status);
    if (status.uuid !== undefined) task.unacknowledged = status;
    const latest = toTaskState(update.latest_state) ?? toTaskState(status.state);
    if (latest !== undefined) setTaskState(turn, task, latest);
    if (status.uuid === undefined && isTerminalTaskState(task.state)) delete task.kill;
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
