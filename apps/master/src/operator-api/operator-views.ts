import type {
  MasterAgent,
  MasterCompletedFramework,
  MasterExecutor,
  MasterFramework,
  MasterOffer,
  MasterState,
} from '#cluster';
import { encodeResources } from '#mesos-v1';
import { isActive, viewActivation } from './drain-views.js';
import type { Amounts, TaskView } from './legacy-views.js';

/** The bodies of the v1 operator reads and events: agents, frameworks, offers and tasks as v1 messages. */

const refined = { isRefined: true } as const;

const time = (epochMs: number): object => ({ nanoseconds: epochMs * 1_000_000 });

export function viewAgent(agent: MasterAgent, amounts: Amounts): object {
  return {
    agent_info: agent.info,
    active: isActive(agent),
    ...viewActivation(agent),
    version: agent.version,
    pid: `slave(1)@${agent.info.hostname}:${agent.info.port}`,
    registered_time: time(agent.registeredEpochMs),
    ...(agent.reregisteredEpochMs === undefined
      ? {}
      : { reregistered_time: time(agent.reregisteredEpochMs) }),
    total_resources: encodeResources(agent.total, refined),
    allocated_resources: encodeResources(amounts.used, refined),
    offered_resources: encodeResources(amounts.offered, refined),
    capabilities: agent.info.capabilities ?? [],
  };
}

/** A framework but its offers. */
export function viewFramework(framework: MasterFramework, amounts: Amounts): object {
  return {
    framework_info: framework.info,
    active: framework.streamId !== undefined,
    connected: framework.streamId !== undefined,
    recovered: framework.isRecovered,
    registered_time: time(framework.registeredEpochMs),
    ...(framework.reregisteredEpochMs === undefined
      ? {}
      : { reregistered_time: time(framework.reregisteredEpochMs) }),
    allocated_resources: encodeResources(amounts.used, refined),
    offered_resources: encodeResources(amounts.offered, refined),
  };
}

export const viewCompletedFramework = (framework: MasterCompletedFramework): object => ({
  framework_info: framework.info,
  active: false,
  connected: false,
  recovered: false,
  unregistered_time: time(framework.completedEpochMs),
});

export const viewOffer = (offer: MasterOffer): object => ({
  id: { value: offer.id },
  framework_id: { value: offer.frameworkId },
  agent_id: { value: offer.agentId },
  allocation_info: { role: offer.role },
  resources: encodeResources(offer.resources, { allocatedTo: offer.role, isRefined: true }),
});

/** An executor among those of GET_EXECUTORS. */
export const viewExecutor = (executor: MasterExecutor): object => ({
  executor_info: { ...executor.info, framework_id: { value: executor.frameworkId } },
  agent_id: { value: executor.agentId },
});

/** GET_OPERATIONS: those with an id whose end was not acknowledged. */
export const viewOperations = (state: MasterState): object => ({
  operations: [...state.frameworks.values()].flatMap(({ id, operations }) =>
    [...operations.values()].map((operation) => ({
      framework_id: { value: id },
      agent_id: { value: operation.agentId },
      latest_status: operation.status,
      statuses: [operation.status],
    })),
  ),
});

export function viewTask(task: TaskView, frameworkId: string): object {
  const { info } = task;
  const last = task.statuses.at(-1);
  return {
    name: info.name,
    task_id: { value: task.id },
    framework_id: { value: frameworkId },
    ...(task.executorId === undefined ? {} : { executor_id: { value: task.executorId } }),
    agent_id: { value: task.agentId },
    state: task.state,
    resources: info.resources,
    statuses: task.statuses,
    ...(last === undefined ? {} : { status_update_state: last.state }),
    ...(last?.uuid === undefined ? {} : { status_update_uuid: last.uuid }),
    ...(info.labels === undefined ? {} : { labels: info.labels }),
    ...(info.discovery === undefined ? {} : { discovery: info.discovery }),
    ...(info.container === undefined ? {} : { container: info.container }),
    ...(info.health_check === undefined ? {} : { health_check: info.health_check }),
    ...(info.check === undefined ? {} : { check: info.check }),
    ...(info.kill_policy === undefined ? {} : { kill_policy: info.kill_policy }),
    ...(info.max_completion_time === undefined
      ? {}
      : { max_completion_time: info.max_completion_time }),
    ...(info.limits === undefined ? {} : { limits: info.limits }),
    ...(info.command?.user === undefined ? {} : { user: info.command.user }),
  };
}
