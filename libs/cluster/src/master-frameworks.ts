import { type FrameworkId, type FrameworkRecord, frameworkId } from '#core';
import type { FrameworkInfo } from '#mesos-v1';
import { sendToAgent } from './master-agent-messages.js';
import type { MasterEvent, MasterTurn, SubscribeCall } from './master-events.js';
import { removeExecutors } from './master-executors.js';
import {
  capabilitiesOf,
  checkSubscription,
  failoverTimeoutMs,
  rolesOf,
  toFrameworkTraits,
} from './master-framework-info.js';
import { touchFramework } from './master-observation.js';
import { rescindOffer, scheduleAllocation } from './master-offers.js';
import { resendOperations } from './master-operation-feedback.js';
import { type Executor, type Framework, MAX_COMPLETED_FRAMEWORKS } from './master-state.js';
import { killWithFramework } from './master-tasks.js';

/**
 * Frameworks. subscribe: new | fail-over -> stored -> connected -> (stream closed) disconnected with a deadline ->
 * connected again, or torn down. A framework recovered from the registry or from agents starts disconnected.
 */

/** SUBSCRIBE: refuses semantic mistakes by an ERROR event, else has the registry hold the framework first. */
export function subscribeFramework(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'framework-subscribe' }>,
): void {
  const { state } = turn;
  const { subscribe, framework_id } = event.call;
  const { framework_info: info } = subscribe;
  const asked = framework_id?.value;
  const problem = checkSubscription(state, subscribe, { asked, principal: event.principal });
  if (problem !== undefined) {
    refuse(turn, event.streamId, problem);
    return;
  }
  const id =
    asked === undefined
      ? frameworkId(
          `${state.masterId}-${state.epoch}-${String(state.nextFrameworkNumber).padStart(4, '0')}`,
        )
      : frameworkId(asked);
  if (asked === undefined) state.nextFrameworkNumber += 1;
  turn.effects.push({
    kind: 'commit-registry',
    changes: [
      {
        kind: 'put-framework',
        framework: {
          id,
          info: { ...info, id: { value: id } },
          state: 'registered',
          sinceEpochMs: state.frameworks.get(id)?.registeredEpochMs ?? turn.now.epochMs,
        },
      },
    ],
    stored: {
      kind: 'framework-stored',
      streamId: event.streamId,
      frameworkId: id,
      call: event.call,
    },
    unavailable: { kind: 'registry-unavailable', streamId: event.streamId },
  });
}

/** The registry holds it: SUBSCRIBED, the first HEARTBEAT, and offers from the next round on. */
export function connectFramework(
  turn: MasterTurn,
  given: {
    readonly streamId: string;
    readonly frameworkId: FrameworkId;
    readonly call: SubscribeCall;
  },
): void {
  const { state, now } = turn;
  if (state.completedFrameworks.has(given.frameworkId)) {
    refuse(turn, given.streamId, 'Framework has been removed');
    return;
  }
  const { framework_info } = given.call.subscribe;
  const isReturn = state.frameworks.has(given.frameworkId);
  const framework = ensureFramework(turn, given.frameworkId, framework_info);
  touchFramework(state, framework);
  if (framework.streamId !== undefined) {
    const old = framework.streamId;
    disconnectStream(turn, framework);
    refuse(turn, old, 'Framework failed over');
  }
  applyInfo(framework, framework_info);
  framework.streamId = given.streamId;
  framework.isRecovered = false;
  framework.nextHeartbeatMonoMs = now.monoMs + state.config.heartbeatIntervalMs;
  delete framework.failoverDeadlineMonoMs;
  if (isReturn) framework.reregisteredEpochMs = now.epochMs;
  state.frameworkStreams.set(given.streamId, framework);
  const { streamId } = given;
  const heartbeat_interval_seconds = state.config.heartbeatIntervalMs / 1000;
  turn.effects.push(
    {
      kind: 'send-to-framework',
      streamId,
      event: {
        type: 'SUBSCRIBED',
        subscribed: {
          framework_id: { value: framework.id },
          heartbeat_interval_seconds,
          master_info: state.masterInfo,
        },
      },
    },
    { kind: 'send-to-framework', streamId, event: { type: 'HEARTBEAT' } },
    {
      kind: 'note',
      level: 'info',
      message: isReturn ? 'framework reregistered' : 'framework registered',
      fields: { frameworkId: framework.id, name: framework.info.name },
    },
  );
  // What it did not acknowledge is told again at once, rather than at the agents' next try.
  for (const task of framework.tasks.values()) {
    if (task.unacknowledged === undefined) continue;
    const status = task.unacknowledged;
    turn.effects.push({
      kind: 'send-to-framework',
      streamId,
      event: { type: 'UPDATE', update: { status } },
    });
  }
  resendOperations(turn, framework);
  state.allocator.addFramework(framework.id, toFrameworkTraits(given.call.subscribe));
  scheduleAllocation(turn);
}

/**
 * The stream broke: offers are void at once; torn down now or when the fail-over timeout runs out. Nothing is stored
 * during a teardown: it would come after it, and bring the framework back at the next start.
 */
export function closeFrameworkStream(turn: MasterTurn, streamId: string): void {
  const framework = turn.state.frameworkStreams.get(streamId);
  if (framework === undefined) return;
  disconnectStream(turn, framework);
  turn.effects.push({
    kind: 'note',
    level: 'info',
    message: 'framework disconnected',
    fields: {
      frameworkId: framework.id,
      failoverTimeoutMs: failoverTimeoutMs(framework.info),
    },
  });
  if (!framework.isRemoving) beginFailover(turn, framework);
}

/** Disconnected: its time to come back begins, durably. */
export function beginFailover(turn: MasterTurn, framework: Framework): void {
  const timeoutMs = failoverTimeoutMs(framework.info);
  framework.failoverDeadlineMonoMs = turn.now.monoMs + timeoutMs;
  if (timeoutMs === 0) {
    completeFramework(turn, framework, {});
    return;
  }
  turn.effects.push({
    kind: 'commit-registry',
    changes: [
      {
        kind: 'put-framework',
        framework: {
          id: framework.id,
          info: framework.info,
          state: 'registered',
          failoverDeadlineEpochMs: turn.now.epochMs + timeoutMs,
          sinceEpochMs: framework.registeredEpochMs,
        },
      },
    ],
  });
}

/** Begins a teardown: durable first, then `framework-completed`. */
export function completeFramework(
  turn: MasterTurn,
  framework: Framework,
  options: { readonly callId?: string },
): void {
  framework.isRemoving = true;
  const { callId } = options;
  const changes = [
    {
      kind: 'put-framework',
      framework: {
        id: framework.id,
        info: framework.info,
        state: 'completed',
        sinceEpochMs: turn.now.epochMs,
      },
    },
  ] as const;
  turn.effects.push({
    kind: 'commit-registry',
    changes,
    stored: {
      kind: 'framework-completed',
      frameworkId: framework.id,
      ...(callId === undefined ? {} : { callId }),
    },
    // With a caller who can try again, give up; on our own behalf, keep trying.
    ...(callId === undefined
      ? {}
      : { unavailable: { kind: 'registry-unavailable', callId, frameworkId: framework.id } }),
  });
}

/** The teardown was not stored: the framework goes on, and one that hung up meanwhile has its time to come back. */
export function abandonTeardown(turn: MasterTurn, id: FrameworkId): void {
  const framework = turn.state.frameworks.get(id);
  if (framework === undefined) return;
  framework.isRemoving = false;
  if (framework.streamId === undefined) beginFailover(turn, framework);
}

/** The registry has it as completed: kills its tasks, frees everything, closes its stream. */
export function removeFramework(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'framework-completed' }>,
): void {
  const { state } = turn;
  if (event.callId !== undefined) {
    turn.effects.push({ kind: 'answer-call', callId: event.callId, status: 202 });
  }
  const framework = state.frameworks.get(event.frameworkId);
  if (framework === undefined) return;
  touchFramework(state, framework);
  for (const offer of [...framework.offers]) rescindOffer(turn, offer);
  const agentIds = new Set([...framework.tasks.values()].map((task) => task.agentId));
  for (const task of [...framework.tasks.values()]) killWithFramework(turn, task);
  for (const agent of state.agents.values()) {
    const isMine = (executor: Executor) => executor.frameworkId === framework.id;
    const hasExecutors = [...agent.executors.values()].some(isMine);
    removeExecutors(turn, agent, isMine);
    if (!hasExecutors && !agentIds.has(agent.id)) continue;
    sendToAgent(turn, agent, {
      type: 'SHUTDOWN_FRAMEWORK',
      shutdown_framework: { framework_id: { value: framework.id } },
    });
  }
  if (framework.streamId !== undefined) {
    turn.effects.push({ kind: 'close-framework-stream', streamId: framework.streamId });
    state.frameworkStreams.delete(framework.streamId);
  }
  state.allocator.removeFramework(framework.id);
  state.frameworks.delete(framework.id);
  rememberCompleted(turn, framework.id, framework.info);
  turn.effects.push({
    kind: 'note',
    level: 'info',
    message: 'framework torn down',
    fields: { frameworkId: framework.id, tasks: framework.completedTasks.size },
  });
  scheduleAllocation(turn);
}

/**
 * HEARTBEATs and fail-over deadlines that are due. A deadline that ran out while the registry was away, and nobody could
 * subscribe, waits for the grace a new master gives. O(frameworks).
 */
export function tickFrameworks(turn: MasterTurn): void {
  const { state, now } = turn;
  const { lastUnwritableMonoMs } = state;
  const isGrace =
    lastUnwritableMonoMs !== undefined && now.monoMs - lastUnwritableMonoMs < RECOVERY_GRACE_MS;
  for (const framework of state.frameworks.values()) {
    if (framework.streamId !== undefined && framework.nextHeartbeatMonoMs <= now.monoMs) {
      framework.nextHeartbeatMonoMs = now.monoMs + state.config.heartbeatIntervalMs;
      turn.effects.push({
        kind: 'send-to-framework',
        streamId: framework.streamId,
        event: { type: 'HEARTBEAT' },
      });
    }
    const deadline = framework.failoverDeadlineMonoMs;
    if (isGrace || deadline === undefined || framework.isRemoving) continue;
    if (deadline <= now.monoMs) {
      completeFramework(turn, framework, {});
    }
  }
}

/** A framework gets at least this to come back to a new master, whatever its timeout: it could not while none led. */
export const RECOVERY_GRACE_MS = 30_000;

/** Frameworks of the registry: disconnected, their deadlines re-based on the monotonic clock, none before the grace. */
export function recoverFramework(turn: MasterTurn, record: FrameworkRecord): void {
  const { state, now } = turn;
  // The registry holds what this module put there.
  const info = record.info as FrameworkInfo;
  if (record.state === 'completed') {
    rememberCompleted(turn, record.id, info);
    return;
  }
  const framework = ensureFramework(turn, record.id, info);
  const leftMs =
    record.failoverDeadlineEpochMs === undefined
      ? failoverTimeoutMs(info)
      : record.failoverDeadlineEpochMs - now.epochMs;
  framework.failoverDeadlineMonoMs = now.monoMs + Math.max(leftMs, RECOVERY_GRACE_MS);
  state.allocator.addInactiveFramework(framework.id);
}

/** A framework an agent speaks of; made anew, as recovered, when we do not know it. */
export function ensureFramework(turn: MasterTurn, id: FrameworkId, info: FrameworkInfo): Framework {
  const known = turn.state.frameworks.get(id);
  if (known !== undefined) return known;
  const framework: Framework = {
    id,
    info,
    roles: [],
    capabilities: new Set(),
    isPartitionAware: false,
    isMultiRole: false,
    isRecovered: true,
    isRemoving: false,
    nextHeartbeatMonoMs: 0,
    registeredEpochMs: turn.now.epochMs,
    tasks: new Map(),
    completedTasks: new Map(),
    offers: new Set(),
    silences: 0,
    operations: new Map(),
  };
  applyInfo(framework, info);
  touchFramework(turn.state, framework);
  turn.state.frameworks.set(id, framework);
  turn.state.allocator.addInactiveFramework(id);
  return framework;
}

/** Takes a newer FrameworkInfo over. */
export function applyInfo(framework: Framework, info: FrameworkInfo): void {
  // user and checkpoint stay what they were first; a resubscription cannot change them.
  const { user, checkpoint } = framework.info;
  framework.info = {
    ...info,
    user,
    id: { value: framework.id },
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
  framework.roles = rolesOf(info);
  framework.capabilities = capabilitiesOf(info);
  framework.isPartitionAware = framework.capabilities.has('PARTITION_AWARE');
  framework.isMultiRole = framework.capabilities.has('MULTI_ROLE');
}

function disconnectStream(turn: MasterTurn, framework: Framework): void {
  const { streamId } = framework;
  if (streamId === undefined) return;
  touchFramework(turn.state, framework);
  delete framework.streamId;
  turn.state.frameworkStreams.delete(streamId);
  for (const offer of [...framework.offers]) rescindOffer(turn, offer);
  turn.state.allocator.deactivateFramework(framework.id);
}

function refuse(turn: MasterTurn, streamId: string, message: string): void {
  turn.effects.push(
    { kind: 'send-to-framework', streamId, event: { type: 'ERROR', error: { message } } },
    { kind: 'close-framework-stream', streamId },
  );
}

function rememberCompleted(turn: MasterTurn, id: FrameworkId, info: FrameworkInfo): void {
  const { completedFrameworks } = turn.state;
  completedFrameworks.set(id, { id, info, completedEpochMs: turn.now.epochMs });
  for (const oldest of completedFrameworks.keys()) {
    if (completedFrameworks.size <= MAX_COMPLETED_FRAMEWORKS) break;
    completedFrameworks.delete(oldest);
  }
}
