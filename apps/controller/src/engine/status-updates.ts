import {
  type App,
  agentId,
  endsTask,
  hasTask,
  type Instance,
  type InstanceTask,
  isSameValue,
  TASK_STATES,
  type TaskState,
  taskId,
  taskOf,
  tasksOf,
  toCondition,
} from '#core';
import type { TaskStatus } from '#mesos-v1';
import { definitionOf, launchedDefinitionOf } from './definitions.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { changeInstance } from './instance-changes.js';
import { endExecutorOf } from './kill-effect.js';
import { statusUpdated } from './marathon-events.js';
import { endStranger } from './strangers.js';
import { toCheckResult } from './task-checks.js';

const RECONCILIATION_REASON = 'REASON_RECONCILIATION';
const HEALTH_REASON = 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED';
const CHECK_REASON = 'REASON_TASK_CHECK_STATUS_UPDATED';
/** Longest message kept of a status, characters. */
const MAX_MESSAGE = 1_024;
const STATES: ReadonlySet<string> = new Set(TASK_STATES);

const LIVING: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_STAGING',
  'TASK_STARTING',
  'TASK_RUNNING',
  'TASK_KILLING',
]);

const isTaskState = (text: string): text is TaskState => STATES.has(text);

/** Takes in one status update; resolves once what it changed is durable. Hearing it again changes nothing. */
export async function handleStatus(context: EngineContext, status: TaskStatus): Promise<void> {
  const { state: name } = status;
  if (!isTaskState(name)) {
    context.ports.log?.warn(`task ${status.task_id.value}: state ${name} is unknown, ignored`);
    return;
  }
  const task = taskId(status.task_id.value);
  context.reconciler.answered(task);
  const known = context.state.instanceOfTask(task);
  if (known !== undefined && isOnlyCheck(taskOf(known, task), status, name)) {
    // Nothing to store: results live in memory.
    context.memory.unconfirmed.delete(task);
    noteChecks(context, known, status);
    return;
  }
  await context.commits.submit({
    whenUnavailable: 'retry',
    run: (draft) => applyStatus(context, draft, status, name),
  });
  context.memory.unconfirmed.delete(task);
}

const isOfCheck = ({ reason }: TaskStatus): boolean =>
  reason === HEALTH_REASON || reason === CHECK_REASON;

const isOnlyCheck = (
  task: InstanceTask | undefined,
  status: TaskStatus,
  state: TaskState,
): boolean =>
  isOfCheck(status) &&
  state === 'TASK_RUNNING' &&
  task?.condition === 'Running' &&
  task.lastState === state;

function applyStatus(
  context: EngineContext,
  draft: Draft,
  status: TaskStatus,
  state: TaskState,
): void {
  const id = taskId(status.task_id.value);
  if (endsTask(state, status.reason)) {
    for (const effect of endExecutorOf(status)) draft.effect(effect);
  }
  const instance = draft.instanceOfTask(id);
  const task = instance === undefined ? undefined : taskOf(instance, id);
  if (instance === undefined || task === undefined) {
    applyUnknown(context, draft, status, state);
    return;
  }
  const message = saysNothingNew(task, status)
    ? (task.lastMessage ?? '')
    : (status.message ?? '').slice(0, MAX_MESSAGE);
  const told = { taskId: id, state, message };
  const after = changeInstance(
    context,
    draft,
    instance,
    {
      kind: 'status',
      ...told,
      ...(status.reason === undefined ? {} : { reason: status.reason }),
      ipAddresses: addressesOf(status),
    },
    told,
  );
  const isNews = after !== instance;
  // One that lives on has the id of its next task already.
  const subject = after !== undefined && hasTask(after, id) ? after : instance;
  if (isNews) draft.emit(statusUpdated(subject, told));
  if (after === undefined) return;
  const app = definitionOf(context, draft.root, after);
  if (after.condition === 'Unreachable') {
    const unreachableStrategy = app?.unreachableStrategy ?? noPatience;
    // Whether its app can do without it is asked by the sweep: here it would be for each of its tasks.
    const passed = {
      kind: 'time-passed',
      unreachableStrategy,
      awayMs: 0,
      isReplaced: false,
    } as const;
    changeInstance(context, draft, after, passed);
  }
  draft.after(() => followInstance(context, after.id, status));
}

/** The message is about the check or the question then, not about the task: with the old one kept, nothing is written. */
const saysNothingNew = (task: InstanceTask, status: TaskStatus): boolean =>
  isOfCheck(status) || (status.reason === RECONCILIATION_REASON && task.lastState === status.state);

const noPatience: App['unreachableStrategy'] = { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 };

/** A task of our framework that we do not know: end it, or note that it has ended. */
function applyUnknown(
  context: EngineContext,
  draft: Draft,
  status: TaskStatus,
  state: TaskState,
): void {
  const { memory, demand } = context;
  const task = taskId(status.task_id.value);
  const agent = status.agent_id === undefined ? undefined : agentId(status.agent_id.value);
  const isAlive = LIVING.has(state);
  const wasStranger = memory.strangers.has(task);
  memory.noteStranger(task, isAlive ? agent : undefined);
  // What it held may have been offered, and refused, while it still stood in the way of a daemon.
  if (wasStranger && !isAlive && memory.daemons.size > 0) {
    draft.after(() => demand.update({ isNew: true }));
  }
  if (!isAlive) memory.leavingStrangers.delete(task);
  if (endsTask(state, status.reason)) {
    // Without a uuid it answers a question about a task we have meanwhile forgotten.
    if (status.uuid === undefined) return;
    const [, instanceId = task] = /^(.*)\.[^.]+\.\d+$/.exec(task) ?? [];
    draft.emit({
      eventType: 'unknown_instance_terminated_event',
      instanceId,
      runSpecId: `/${(instanceId.split('.instance-')[0] ?? '').replaceAll('_', '/')}`,
      condition: toCondition(state, status.reason),
    });
    return;
  }
  if (!isAlive) return;
  endStranger(context, draft, task, { agentId: agent, isRunning: state === 'TASK_RUNNING' });
}

/** Keeps the monitors in step with an instance that is now durable as it is. */
export function followInstance(
  context: EngineContext,
  id: Instance['id'],
  status?: TaskStatus,
): void {
  const { root } = context.state;
  const instance = context.state.instance(id);
  const app = instance === undefined ? undefined : definitionOf(context, root, instance);
  if (instance === undefined || app === undefined) return;
  const isWatched = instance.goal === 'Running' && hasRunningTask(instance);
  const launched = launchedDefinitionOf(context, root, instance);
  if (isWatched) {
    context.health.watch({ instance, app, launched });
    context.checks.watch({ instance, app, launched });
  }
  for (const { container, condition } of instance.podTasks ?? []) {
    if (condition === 'Finished') context.health.ignoreContainer(id, container);
  }
  if (isWatched && status !== undefined) noteChecks(context, instance, status);
}

/** A container's first result comes when the others may still be on their way, and may be the only one for long. */
const hasRunningTask = (instance: Instance): boolean =>
  tasksOf(instance).some(({ condition }) => condition === 'Running');

function noteChecks(context: EngineContext, instance: Instance, status: TaskStatus): void {
  noteHealth(context, instance, status);
  if (instance.podTasks !== undefined || !isCheckOfAgent(context, instance)) return;
  context.memory.putCheckResult(instance, toCheckResult(status));
}

/** The agent goes on with the `check` the task was launched with, whatever the app says by now. */
function isCheckOfAgent(context: EngineContext, instance: Instance): boolean {
  const { root } = context.state;
  const launched = launchedDefinitionOf(context, root, instance);
  return isSameValue(launched?.check, definitionOf(context, root, instance)?.check);
}

function noteHealth(context: EngineContext, instance: Instance, status: TaskStatus): void {
  if (status.healthy === undefined) return;
  const task = instance.podTasks?.find(({ taskId: id }) => id === status.task_id.value);
  context.health.agentResult(instance.id, {
    ...(task === undefined
      ? {}
      : { container: { name: task.container, startedAtEpochMs: task.sinceEpochMs } }),
    healthy: status.healthy,
    message: status.message ?? 'the check failed',
    // What stands in other statuses is what was told before: no further result.
    ...(status.uuid === undefined || status.reason !== HEALTH_REASON ? {} : { uuid: status.uuid }),
  });
}

function addressesOf(status: TaskStatus): Instance['ipAddresses'] {
  const infos = status.container_status?.network_infos ?? [];
  return infos.flatMap((info) =>
    (info.ip_addresses ?? []).map(({ ip_address, protocol }) => ({
      ipAddress: ip_address,
      protocol: protocol ?? ('IPv4' as const),
    })),
  );
}
