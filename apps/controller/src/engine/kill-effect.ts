import {
  type AgentId,
  agentId,
  hasCustomExecutor,
  type InstanceId,
  type TaskId,
  taskId,
} from '#core';
import type { TaskStatus } from '#mesos-v1';
import { definitionOf } from './definitions.js';
import type { EngineContext } from './engine-context.js';
import type { EngineEffect } from './engine-effect.js';
import { executorIdOf } from './launch-executor.js';
import { referencesOf } from './reconciler.js';

/** An executor that was asked to end a task is given this long beyond the task's grace period before it is ended itself. */
const EXECUTOR_PATIENCE_MS = 10_000;
/** Of Mesos, for a task that says nothing else. */
const DEFAULT_GRACE_SECONDS = 3;

/**
 * The requests to end what runs of an instance, with the grace period its app has by now. Nobody but itself makes an executor
 * of the app's own end a task; so one that has not after `waitedMs` is shut down.
 */
export function toKills(
  context: Pick<EngineContext, 'memory' | 'state'>,
  id: InstanceId,
  waitedMs: number,
): readonly EngineEffect[] {
  const instance = context.state.instance(id);
  if (instance === undefined) return [];
  const app = definitionOf(context, context.state.root, instance);
  // Each container of a pod has its own, as it was launched with it.
  const graceSeconds = app?.taskKillGracePeriodSeconds;
  const kills = referencesOf(instance).map(
    (task) =>
      ({
        kind: 'kill-task',
        ...task,
        ...(graceSeconds === undefined ? {} : { graceSeconds }),
      }) as const,
  );
  const patienceMs = (graceSeconds ?? DEFAULT_GRACE_SECONDS) * 1000 + EXECUTOR_PATIENCE_MS;
  if (app === undefined || !hasCustomExecutor(app) || waitedMs < patienceMs) return kills;
  return kills.flatMap((kill) =>
    kill.agentId === undefined ? [kill] : [kill, toShutDown(kill.taskId, kill.agentId)],
  );
}

const toShutDown = (taskId: TaskId, agentId: AgentId): EngineEffect => ({
  kind: 'shut-down-executor',
  executorId: executorIdOf(taskId),
  agentId,
});

/** Each task of an executor of the app's own has a new one, which nobody needs after it. */
export function endExecutorOf(status: TaskStatus): readonly EngineEffect[] {
  const { task_id, agent_id, executor_id } = status;
  if (agent_id === undefined || executor_id?.value !== executorIdOf(task_id.value)) return [];
  return [toShutDown(taskId(task_id.value), agentId(agent_id.value))];
}
