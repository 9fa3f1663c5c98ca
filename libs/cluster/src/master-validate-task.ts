import {
  addResources,
  containsResources,
  formatResources,
  isEmptyResources,
  type Resources,
  type RoleName,
  scalarMilli,
  subtractResources,
  type TaskId,
  toMilli,
} from '#core';
import { decodeResources, MAX_GRACE_NANOSECONDS, MAX_NANOSECONDS, type TaskInfo } from '#mesos-v1';
import type { Agent, Executor, Framework } from './master-state.js';
import { validateExecutor } from './master-validate-executor.js';
import {
  findAmountDefect,
  findDurationDefect,
  findForeignReservation,
  findIdDefect,
  findMixedRevocable,
} from './master-validate-resources.js';
import { findUnlikeVolume } from './resource-conversion.js';
import { findGenericCheckDefect, findHealthCheckDefect } from './validate-check.js';

/** A task that may be launched, with what it takes, or why not. */
export type TaskVerdict =
  | {
      readonly kind: 'valid';
      /** Of the task alone. */
      readonly resources: Resources;
      /** Of its executor, when that is launched with it. */
      readonly executorResources: Resources;
      readonly runningExecutor?: Executor;
      readonly warning?: string;
    }
  | { readonly kind: 'invalid'; readonly message: string };

export interface LaunchPlace {
  readonly framework: Framework;
  readonly agent: Agent;
  /** What is left of the offers, and the role they are for. */
  readonly offered: Resources;
  readonly role: RoleName;
}

/** The rules of one task of a LAUNCH (Mesos' master/validation): TASK_ERROR names the first one broken. */
export function validateTask(task: TaskInfo, place: LaunchPlace): TaskVerdict {
  const id = task.task_id.value;
  const problem = findIdentityDefect(task, place) ?? findRunnableDefect(task);
  if (problem !== undefined) return invalid(id, problem);
  const defect = findContentDefect(task, place.agent);
  if (defect !== undefined) return invalid(id, defect);
  const wanted = decodeResources(task.resources);
  if (task.executor === undefined) return judge(id, place, { wanted });
  const { framework, agent } = place;
  const verdict = validateExecutor(task.executor, { framework, agent, launches: 'task' });
  if (verdict.kind === 'invalid') return invalid(id, verdict.message);
  return judge(id, place, { wanted, executor: verdict });
}

/** The rules of one task of a group, but what they take together. Its executor is the group's. */
export function findGroupTaskDefect(task: TaskInfo, place: LaunchPlace): string | undefined {
  const defect =
    findIdentityDefect(task, place) ??
    findGroupContentDefect(task) ??
    findContentDefect(task, place.agent);
  if (defect !== undefined) return defect;
  const wanted = decodeResources(task.resources);
  if (isEmptyResources(wanted)) return 'uses no resources';
  return findMixedRevocable(wanted) ?? findForeignReservation(wanted, place.role);
}

function findIdentityDefect(task: TaskInfo, place: LaunchPlace): string | undefined {
  const id = task.task_id.value;
  const idDefect = findIdDefect(id);
  if (idDefect !== undefined) return `the id ${idDefect}`;
  // The ledger is keyed by the brand; unreachable tasks are in it too.
  if (place.framework.tasks.has(id as TaskId)) return 'exists already; ids must be unique';
  if (task.agent_id.value !== place.agent.id) {
    return `names agent ${task.agent_id.value}, the offer's is ${place.agent.id}`;
  }
  return findAllocationDefect(task, place.role);
}

/** Who names the role that resources are allocated to names that of the offer (Mesos' validateAllocatedResources). */
function findAllocationDefect({ resources }: TaskInfo, role: RoleName): string | undefined {
  for (const { name, allocation_info } of resources) {
    if (allocation_info !== undefined && allocation_info.role !== role) {
      return `resource ${name} is allocated to ${JSON.stringify(allocation_info.role)}, the offer is for the role ${role}`;
    }
  }
  return undefined;
}

function findRunnableDefect(task: TaskInfo): string | undefined {
  const { executor, command } = task;
  if (executor !== undefined && command !== undefined) return 'has both a command and an executor';
  if (executor === undefined && command === undefined) {
    return 'has neither a command nor an executor';
  }
  return undefined;
}

function findGroupContentDefect(task: TaskInfo): string | undefined {
  if (task.executor !== undefined) return 'is in a group, so it has no executor of its own';
  if (task.container?.network_infos !== undefined && task.container.network_infos.length > 0) {
    return 'is in a group, so it has no network_infos of its own';
  }
  if (task.container?.type === 'DOCKER') return 'is in a group, so it has no Docker container';
  return undefined;
}

function findContentDefect(task: TaskInfo, agent: Agent): string | undefined {
  return (
    findPolicyDefect(task) ??
    findHealthCheckDefect(task.health_check) ??
    findGenericCheckDefect(task.check) ??
    findAmountDefect(task.resources) ??
    findLimitDefect(task, agent)
  );
}

function findPolicyDefect(task: TaskInfo): string | undefined {
  const grace = task.kill_policy?.grace_period?.nanoseconds;
  const time = task.max_completion_time?.nanoseconds;
  return (
    findDurationDefect('kill_policy.grace_period', grace, MAX_GRACE_NANOSECONDS) ??
    findDurationDefect('max_completion_time', time, MAX_NANOSECONDS)
  );
}

/** Limits are for cpus and mem, not below the request, and for agents that can keep them. */
function findLimitDefect(task: TaskInfo, agent: Agent): string | undefined {
  const limits = Object.entries(task.limits ?? {});
  if (limits.length === 0) return undefined;
  const wanted = decodeResources(task.resources);
  for (const [name, { value }] of limits) {
    if (name !== 'cpus' && name !== 'mem') return `limits.${name}: only cpus and mem have limits`;
    const requested = scalarMilli(wanted, name);
    if (value !== 'Infinity' && toMilli(value) < requested) {
      return `limits.${name} is ${value}, below the requested ${requested / 1000}`;
    }
  }
  const canLimit = agent.info.capabilities?.some(({ type }) => type === 'TASK_RESOURCE_LIMITS');
  return canLimit === true
    ? undefined
    : `has limits, but agent ${agent.id} does not have the capability TASK_RESOURCE_LIMITS`;
}

function judge(
  id: string,
  { offered, role }: LaunchPlace,
  needs: {
    readonly wanted: Resources;
    readonly executor?: {
      readonly resources: Resources;
      readonly running?: Executor;
      readonly warning?: string;
    };
  },
): TaskVerdict {
  const { wanted, executor } = needs;
  if (isEmptyResources(wanted)) return invalid(id, 'uses no resources');
  const executorResources = executor?.resources ?? { scalars: {}, ranges: {} };
  const charged = addResources(wanted, executorResources);
  const held = addResources(charged, executor?.running?.resources ?? { scalars: {}, ranges: {} });
  const problem =
    findMixedRevocable(held) ??
    findForeignReservation(charged, role) ??
    findShortage(wanted, offered) ??
    findShortage(executorResources, subtractResources(offered, wanted)) ??
    findUnlikeVolume(charged, offered);
  if (problem !== undefined) return invalid(id, problem);
  return {
    kind: 'valid',
    resources: wanted,
    executorResources,
    ...(executor?.running === undefined ? {} : { runningExecutor: executor.running }),
    ...(executor?.warning === undefined ? {} : { warning: executor.warning }),
  };
}

/** What is missing of an offer, in words. */
export const findShortage = (wanted: Resources, offered: Resources): string | undefined =>
  containsResources(offered, wanted)
    ? undefined
    : `uses ${formatResources(wanted)}, more than the offered ${formatResources(offered)}`;

const invalid = (id: string, message: string): TaskVerdict => ({
  kind: 'invalid',
  message: `task ${id}: ${message}`,
});
