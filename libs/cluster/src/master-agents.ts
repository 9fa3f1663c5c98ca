import {
  type AgentActivation,
  type AgentId,
  type AgentRecord,
  agentId,
  frameworkId,
  isTerminalTaskState,
  taskId,
} from '#core';
import { type AgentInfo, type AgentTask, decodeResources, type StreamPosition } from '#mesos-v1';
import { refreshActivity } from './master-agent-activity.js';
import { ensureRecoveredFramework, takeExecutors } from './master-agent-executors.js';
import {
  dropStream,
  noteLaunched,
  sendKill,
  sendLaunch,
  sendToAgent,
  wasApplied,
} from './master-agent-messages.js';
import { putAgent } from './master-agent-record.js';
import { refuseDownMachine, removeReplaced, turnAway } from './master-agent-refusal.js';
import { addressOf, findReplaced } from './master-agent-removal.js';
import { findMisfit, takeTotal, toAgentTraits } from './master-agent-resources.js';
import { sendDrain, setActivation } from './master-drain.js';
import type { AgentSubscription, MasterEvent, MasterTurn } from './master-events.js';
import { settleExecutors } from './master-executors.js';
import { isDown, refreshUnavailability } from './master-maintenance.js';
import { touchAgent, touchTask } from './master-observation.js';
import { rescindOffer, scheduleAllocation } from './master-offers.js';
import { sendCheckpoint } from './master-operations.js';
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

/**
 * Agents coming and coming back. subscribe -> (stored, when the registry must learn of it) -> connected: SUBSCRIBED,
 * then both sides' tasks are compared, then what was in flight and not applied is sent again.
 */

/** SUBSCRIBE: a new agent, or changed news of one, is durable before it is answered. */
export function subscribeAgent(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'agent-subscribe' }>,
): void {
  const { state, now } = turn;
  const { streamId, subscription } = event;
  if (subscription.highest_epoch > state.epoch) {
    turn.effects.push({
      kind: 'refuse-stream',
      streamId,
      status: 503,
      message: `this master's epoch ${state.epoch} is below ${subscription.highest_epoch}, which the agent has seen`,
    });
    return;
  }
  const asked = subscription.agent_info.id?.value;
  if (asked !== undefined && state.goneAgents.has(agentId(asked))) {
    turnAway(turn, streamId, { id: asked, message: `agent ${asked} was marked gone` });
    return;
  }
  if (isDown(state, subscription.agent_info)) {
    refuseDownMachine(turn, event);
    return;
  }
  const misfit = findMisfit(turn, subscription);
  if (misfit !== undefined) {
    turn.effects.push({ kind: 'refuse-stream', streamId, status: 400, message: misfit });
    return;
  }
  const id = agentId(asked ?? `${state.masterId}-${state.epoch}-S${state.nextAgentNumber}`);
  if (asked === undefined) state.nextAgentNumber += 1;
  const known = state.agents.get(id);
  const isStored =
    known !== undefined &&
    known.condition !== 'unreachable' &&
    !known.isMarking &&
    isSameInfo(known.info, subscription.agent_info);
  const replaced =
    asked === undefined ? findReplaced(state, addressOf(subscription.agent_info)) : undefined;
  const stored = {
    kind: 'agent-stored',
    streamId,
    agentId: id,
    subscription,
    ...(replaced === undefined ? {} : { replaced: replaced.id }),
  } as const;
  if (isStored) {
    connectAgent(turn, stored);
    return;
  }
  const info = { ...subscription.agent_info, id: { value: id } };
  turn.effects.push({
    kind: 'commit-registry',
    changes: [
      ...(replaced === undefined ? [] : [{ kind: 'remove-agent', id: replaced.id } as const]),
      putAgent({ id, info }, 'admitted', known?.registeredEpochMs ?? now.epochMs),
    ],
    stored,
    unavailable: { kind: 'registry-unavailable', streamId },
  });
}

/** The registry holds it: takes the stream, the agent's totals and its tasks. */
export function connectAgent(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'agent-stored' }>,
): void {
  const { state, now } = turn;
  if (state.goneAgents.has(event.agentId)) {
    turnAway(turn, event.streamId, {
      id: event.agentId,
      message: `agent ${event.agentId} was marked gone`,
    });
    return;
  }
  const { subscription } = event;
  removeReplaced(turn, event);
  const known = state.agents.get(event.agentId);
  const agent = known ?? newAgent(turn, event.agentId, subscription.agent_info);
  touchAgent(state, agent);
  if (agent.stream !== undefined) dropStream(turn, agent);
  if (agent.condition === 'recovering') {
    state.recoveringAgents -= 1;
    state.removals.returnedAgents += 1;
  }
  const wasUnreachable = agent.condition === 'unreachable';
  for (const offer of [...agent.offers]) rescindOffer(turn, offer);
  agent.info = { ...subscription.agent_info, id: { value: agent.id } };
  const isCheckpointNews = takeTotal(turn, agent, subscription);
  agent.version = subscription.version;
  agent.condition = 'connected';
  agent.stream = { id: event.streamId, nextSequence: 1 };
  agent.heardMonoMs = now.monoMs;
  agent.nextPingMonoMs = now.monoMs + state.config.pingIntervalMs;
  agent.isMarking = false;
  delete agent.unreachableSinceEpochMs;
  if (known === undefined) state.counters.agentRegistrations += 1;
  else {
    state.counters.agentReregistrations += 1;
    agent.reregisteredEpochMs = now.epochMs;
  }
  state.agentStreams.set(event.streamId, agent);
  state.agentsByAddress.set(addressOf(agent.info), agent);
  state.removals.scheduled.delete(agent.id);
  state.allocator.addAgent(agent.id, agent.total, toAgentTraits(agent.info));
  refreshActivity(turn, agent);
  refreshUnavailability(turn, agent);
  sendToAgent(turn, agent, {
    type: 'SUBSCRIBED',
    subscribed: {
      agent_id: { value: agent.id },
      master_id: state.masterId,
      ping_timeout_seconds: state.config.agentTimeoutMs / 1000,
    },
  });
  turn.effects.push({
    kind: 'note',
    level: 'info',
    message: known === undefined ? 'agent registered' : 'agent reregistered',
    fields: { agentId: agent.id, hostname: agent.info.hostname, tasks: subscription.tasks.length },
  });
  if (isCheckpointNews) sendCheckpoint(turn, agent, agent.pendingOperations);
  const executors = takeExecutors(turn, agent, subscription);
  compareTasks(turn, agent, subscription, { wasUnreachable });
  settleExecutors(turn, agent, executors);
  sendDrain(turn, agent);
  scheduleAllocation(turn);
}

/** An agent of the registry: recovering until it comes back or its time is up. */
export function recoverAgent(
  turn: MasterTurn,
  record: AgentRecord,
  activation?: AgentActivation,
): void {
  const { state, now } = turn;
  if (record.state === 'gone') {
    state.goneAgents.set(record.id, {
      hostname: record.hostname,
      goneEpochMs: record.sinceEpochMs,
    });
    return;
  }
  // The registry holds what this module put there.
  const agent = newAgent(turn, record.id, record.info as AgentInfo);
  agent.heardMonoMs = now.monoMs;
  if (record.state === 'unreachable') {
    agent.condition = 'unreachable';
    agent.unreachableSinceEpochMs = record.sinceEpochMs;
  } else {
    agent.condition = 'recovering';
    state.recoveringAgents += 1;
    state.removals.recoveredAgents += 1;
    state.agentsByAddress.set(addressOf(agent.info), agent);
  }
  setActivation(turn, agent, activation);
}

function newAgent(turn: MasterTurn, id: AgentId, info: AgentInfo): Agent {
  const agent: Agent = {
    id,
    info: { ...info, id: { value: id } },
    total: decodeResources(info.resources),
    condition: 'disconnected',
    version: '',
    heardMonoMs: turn.now.monoMs,
    nextPingMonoMs: 0,
    isMarking: false,
    registeredEpochMs: turn.now.epochMs,
    maintenanceAnswers: new Map(),
    inverseOffers: new Map(),
    tasks: new Set(),
    unproven: new Set(),
    offers: new Set(),
    executors: new Map(),
    isCheckpointOurs: false,
    pendingOperations: new Set(),
  };
  touchAgent(turn.state, agent);
  turn.state.agents.set(id, agent);
  return agent;
}

/** Compares what the agent has with what we think it has. O(tasks of the agent). */
function compareTasks(
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
    const isNew = !framework.tasks.has(taskId(one.task.task_id.value));
    const task = takeReported(turn, agent, framework, one);
    if (task === undefined) continue;
    reported.add(task);
    if (isNew) adopted.push(task);
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

/** Undefined: the same id runs elsewhere, so this copy is told to die. */
function takeReported(
  turn: MasterTurn,
  agent: Agent,
  framework: Framework,
  one: AgentTask,
): Task | undefined {
  const state = toTaskState(one.state) ?? 'TASK_STAGING';
  const task = framework.tasks.get(taskId(one.task.task_id.value));
  if (task === undefined) {
    const before = framework.completedTasks.get(taskId(one.task.task_id.value));
    if (before?.isGivenUp === true) {
      tellKill(turn, agent, one);
      return undefined;
    }
    return adoptTask(turn, {
      framework,
      agent,
      info: one.task,
      state,
      status: one.latest_status,
    });
  }
  if (task.agentId !== agent.id) {
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

function tellKill(turn: MasterTurn, agent: Agent, one: AgentTask): void {
  sendToAgent(turn, agent, {
    type: 'KILL',
    kill: { framework_id: one.framework_id, task_id: one.task.task_id },
  });
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

/** Whatever the place of the id, which a new agent does not have yet. The order of all else is the agent's own, and stable. */
function isSameInfo(known: AgentInfo, given: AgentInfo): boolean {
  const { id: _knownId, ...before } = known;
  const { id: _givenId, ...now } = given;
  return JSON.stringify(before) === JSON.stringify(now);
}
