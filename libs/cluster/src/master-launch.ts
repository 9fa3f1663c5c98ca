import {
  addResources,
  type Resources,
  type RoleName,
  subtractResources,
  type TaskState,
} from '#core';
import { decodeResources, type ExecutorInfo, type OfferOperation, type TaskInfo } from '#mesos-v1';
import { sendLaunch } from './master-agent-messages.js';
import type { MasterTurn } from './master-events.js';
import { addExecutor, executorKey, joinExecutor, removeExecutors } from './master-executors.js';
import { flushCheckpoint, type OperationSite } from './master-operations.js';
import type { Framework, TaskGroup } from './master-state.js';
import { addTask, masterStatus, nextLaunchId, sendUpdate } from './master-tasks.js';
import { validateExecutor } from './master-validate-executor.js';
import { findForeignReservation } from './master-validate-resources.js';
import { findGroupTaskDefect, findShortage, validateTask } from './master-validate-task.js';
import { findUnlikeVolume } from './resource-conversion.js';

type LaunchGroup = Extract<OfferOperation, { readonly type: 'LAUNCH_GROUP' }>['launch_group'];

/** Why a task was not launched, as its status says it. */
export interface LaunchRefusal {
  readonly state: TaskState;
  readonly reason: string;
  readonly message: string;
}

/** One task of a LAUNCH. Returns what is left of the offer. */
export function launchTask(
  turn: MasterTurn,
  site: OperationSite,
  info: TaskInfo,
  offered: Resources,
): Resources {
  const { framework, agent, role } = site;
  const verdict = validateTask(info, { framework, agent, role, offered });
  if (verdict.kind === 'invalid') {
    refuseTask(turn, framework, info, {
      state: 'TASK_ERROR',
      reason: 'REASON_TASK_INVALID',
      message: verdict.message,
    });
    return offered;
  }
  if (verdict.warning !== undefined) warn(turn, site, verdict.warning);
  const executor = info.executor && allocateExecutor(info.executor, framework, role);
  if (executor !== undefined && verdict.runningExecutor === undefined) {
    startExecutor(turn, site, executor);
  }
  flushCheckpoint(turn, site);
  const { resources } = verdict;
  const task = addTask(turn, {
    framework,
    agent,
    role,
    info: allocateTask(info, role, verdict.runningExecutor?.info ?? executor),
    resources,
  });
  joinExecutor(agent, task, { isNew: verdict.runningExecutor === undefined });
  sendLaunch(turn, agent, framework, task);
  return subtractResources(offered, addResources(resources, verdict.executorResources));
}

/** LAUNCH_GROUP: every task under the executor, or none. Returns what is left of the offer. */
export function launchGroup(
  turn: MasterTurn,
  site: OperationSite,
  launch: LaunchGroup,
  offered: Resources,
): Resources {
  const { framework, agent, role } = site;
  const { tasks } = launch.task_group;
  const verdict = validateGroup(site, launch, offered);
  if (verdict.kind === 'invalid') {
    for (const info of tasks) {
      refuseTask(turn, framework, info, {
        state: 'TASK_ERROR',
        reason: 'REASON_TASK_GROUP_INVALID',
        message: verdict.message,
      });
    }
    return offered;
  }
  const { running } = verdict;
  const executor = running ?? allocateExecutor(launch.executor, framework, role);
  if (running === undefined) startExecutor(turn, site, executor);
  flushCheckpoint(turn, site);
  const group: TaskGroup = { launchId: nextLaunchId(turn), executor, tasks: [] };
  for (const info of tasks) {
    addTask(turn, {
      framework,
      agent,
      role,
      info: allocateTask(info, role, executor),
      resources: decodeResources(info.resources),
      group,
    });
  }
  for (const task of group.tasks) joinExecutor(agent, task, { isNew: running === undefined });
  for (const task of group.tasks) sendLaunch(turn, agent, framework, task);
  return verdict.rest;
}

export function refuseTask(
  turn: MasterTurn,
  framework: Framework,
  info: TaskInfo,
  refusal: LaunchRefusal,
): void {
  sendUpdate(
    turn,
    framework,
    masterStatus(turn, {
      ...refusal,
      taskId: info.task_id.value,
      agentId: info.agent_id.value,
    }),
  );
}

type GroupVerdict =
  | { readonly kind: 'valid'; readonly rest: Resources; readonly running: ExecutorInfo | undefined }
  | { readonly kind: 'invalid'; readonly message: string };

function validateGroup(
  { framework, agent, role }: OperationSite,
  launch: LaunchGroup,
  offered: Resources,
): GroupVerdict {
  const { tasks } = launch.task_group;
  if (tasks.length === 0) return { kind: 'invalid', message: 'the group has no tasks' };
  const executor = validateExecutor(launch.executor, { framework, agent, launches: 'group' });
  if (executor.kind === 'invalid') return executor;
  const shortage =
    findForeignReservation(executor.resources, role) ?? findShortage(executor.resources, offered);
  if (shortage !== undefined) return { kind: 'invalid', message: `the executor ${shortage}` };
  let rest = subtractResources(offered, executor.resources);
  let used = executor.resources;
  const ids = new Set<string>();
  for (const info of tasks) {
    const id = info.task_id.value;
    const wanted = decodeResources(info.resources);
    const defect =
      findGroupTaskDefect(info, { framework, agent, role, offered }) ??
      (ids.has(id) ? 'is in the group twice' : undefined) ??
      findShortage(wanted, rest) ??
      findUnlikeVolume(wanted, rest);
    if (defect !== undefined) return { kind: 'invalid', message: `task ${id}: ${defect}` };
    ids.add(id);
    rest = subtractResources(rest, wanted);
    used = addResources(used, wanted);
  }
  const unlike = findUnlikeVolume(used, offered);
  if (unlike !== undefined) return { kind: 'invalid', message: unlike };
  return { kind: 'valid', rest, running: executor.running?.info };
}

function startExecutor(
  turn: MasterTurn,
  { framework, agent, role }: OperationSite,
  info: ExecutorInfo,
): void {
  const key = executorKey(framework.id, info.executor_id.value);
  // One of this id that has exited waits for its tasks' ends only; its process is gone.
  const before = agent.executors.get(key);
  if (before !== undefined) removeExecutors(turn, agent, (executor) => executor === before);
  addExecutor(agent, { framework, role, info });
}

/** The role goes with what is launched, so that a later master charges the same role when the agent brings it back. */
const allocate = <Holder extends { readonly resources: TaskInfo['resources'] }>(
  holder: Holder,
  role: RoleName,
): Holder => ({
  ...holder,
  resources: holder.resources.map((resource) => ({
    ...resource,
    allocation_info: { role },
  })),
});

const allocateExecutor = (info: ExecutorInfo, framework: Framework, role: RoleName): ExecutorInfo =>
  allocate({ ...info, framework_id: { value: framework.id } }, role);

const allocateTask = (
  info: TaskInfo,
  role: RoleName,
  executor: ExecutorInfo | undefined,
): TaskInfo => ({
  ...allocate(info, role),
  ...(executor === undefined ? {} : { executor }),
});

function warn(turn: MasterTurn, { framework, agent }: OperationSite, problem: string): void {
  turn.effects.push({
    kind: 'note',
    level: 'warn',
    message: 'a small executor is launched',
    fields: { frameworkId: framework.id, agentId: agent.id, problem },
  });
}
