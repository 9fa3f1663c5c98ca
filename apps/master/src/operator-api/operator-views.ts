import type {
  MasterAgent,
  MasterCompletedFramework,
  MasterCompletedTask,
  MasterFramework,
  MasterState,
  MasterTask,
} from '#cluster';
import { addResources, noResources, type Resources } from '#core';
import { toWireResources } from '#mesos-v1';

/** The bodies of the v1 operator reads (GET_STATE and its parts), straight from the master's memory. */

export function viewAgents(state: MasterState): object {
  return {
    agents: [...state.agents.values()]
      .filter((agent) => agent.condition === 'connected' || agent.condition === 'disconnected')
      .map(viewAgent),
    recovered_agents: [...state.agents.values()]
      .filter((agent) => agent.condition === 'recovering')
      .map((agent) => agent.info),
  };
}

export function viewFrameworks(state: MasterState): object {
  return {
    frameworks: [...state.frameworks.values()].map((framework) => viewFramework(framework)),
    completed_frameworks: [...state.completedFrameworks.values()].map(viewCompletedFramework),
  };
}

export function viewTasks(state: MasterState): object {
  const tasks: object[] = [];
  const unreachable: object[] = [];
  const completed: object[] = [];
  for (const framework of state.frameworks.values()) {
    for (const task of framework.tasks.values()) {
      (task.state === 'TASK_UNREACHABLE' ? unreachable : tasks).push(viewTask(task));
    }
    for (const task of framework.completedTasks.values()) {
      completed.push(viewTask({ ...task, frameworkId: framework.id }));
    }
  }
  return { tasks, unreachable_tasks: unreachable, completed_tasks: completed };
}

export function viewState(state: MasterState): object {
  return {
    get_tasks: viewTasks(state),
    get_executors: {},
    get_frameworks: viewFrameworks(state),
    get_agents: viewAgents(state),
  };
}

/** What the tasks and offers of an agent or a framework hold together. */
export function sumOf(items: Iterable<{ readonly resources: Resources }>): Resources {
  let sum = noResources;
  for (const item of items) sum = addResources(sum, item.resources);
  return sum;
}

export const holders = (tasks: Iterable<MasterTask>): readonly MasterTask[] =>
  [...tasks].filter((task) => task.holdsResources);

function viewAgent(agent: MasterAgent): object {
  return {
    agent_info: agent.info,
    active: agent.condition === 'connected',
    deactivated: false,
    version: agent.version,
    pid: `slave(1)@${agent.info.hostname}:${agent.info.port}`,
    registered_time: { nanoseconds: agent.registeredEpochMs * 1_000_000 },
    ...(agent.reregisteredEpochMs === undefined
      ? {}
      : { reregistered_time: { nanoseconds: agent.reregisteredEpochMs * 1_000_000 } }),
    total_resources: toWireResources(agent.total),
    allocated_resources: toWireResources(sumOf(holders(agent.tasks))),
    offered_resources: toWireResources(sumOf(agent.offers)),
    capabilities: agent.info.capabilities ?? [],
  };
}

function viewFramework(framework: MasterFramework): object {
  return {
    framework_info: framework.info,
    active: framework.streamId !== undefined,
    connected: framework.streamId !== undefined,
    recovered: framework.isRecovered,
    registered_time: { nanoseconds: framework.registeredEpochMs * 1_000_000 },
    ...(framework.reregisteredEpochMs === undefined
      ? {}
      : { reregistered_time: { nanoseconds: framework.reregisteredEpochMs * 1_000_000 } }),
    offers: [...framework.offers].map((offer) => ({
      id: { value: offer.id },
      framework_id: { value: framework.id },
      agent_id: { value: offer.agentId },
      allocation_info: { role: offer.role },
      resources: toWireResources(offer.resources),
    })),
    allocated_resources: toWireResources(sumOf(holders(framework.tasks.values()))),
    offered_resources: toWireResources(sumOf(framework.offers)),
  };
}

const viewCompletedFramework = (framework: MasterCompletedFramework): object => ({
  framework_info: framework.info,
  active: false,
  connected: false,
  recovered: false,
  unregistered_time: { nanoseconds: framework.completedEpochMs * 1_000_000 },
});

function viewTask(
  task: MasterTask | (MasterCompletedTask & { readonly frameworkId: string }),
): object {
  const { info } = task;
  return {
    task_id: { value: task.id },
    framework_id: { value: task.frameworkId },
    agent_id: { value: task.agentId },
    name: info.name,
    state: task.state,
    resources: info.resources,
    statuses: task.statuses,
    ...(info.labels === undefined ? {} : { labels: info.labels }),
    ...(info.discovery === undefined ? {} : { discovery: info.discovery }),
    ...(info.container === undefined ? {} : { container: info.container }),
    ...(info.health_check === undefined ? {} : { health_check: info.health_check }),
    ...(info.limits === undefined ? {} : { limits: info.limits }),
    ...(info.command?.user === undefined ? {} : { user: info.command.user }),
  };
}
