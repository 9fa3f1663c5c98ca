import type { MasterAgent, MasterFramework, MasterState } from '#cluster';
import { formatRanges, fromMilli, portRanges, type Resources } from '#core';
import type { TaskInfo, TaskStatus, WireAttribute } from '#mesos-v1';
import { holders, sumOf } from './operator-views.js';

/** The old JSON endpoints' shapes (/state, /slaves, /frameworks, /tasks), as Mesos-DNS, the CLIs and collectors read them. */

export function legacyState(state: MasterState, version: string): object {
  const { masterInfo } = state;
  const agents = [...state.agents.values()];
  const count = (condition: string) => agents.filter((one) => one.condition === condition).length;
  const seconds = state.startedEpochMs / 1000;
  return {
    version,
    start_time: seconds,
    elected_time: seconds,
    id: masterInfo.id,
    pid: masterInfo.pid,
    hostname: masterInfo.hostname,
    capabilities: (masterInfo.capabilities ?? []).map((capability) => capability.type),
    activated_slaves: count('connected'),
    deactivated_slaves: count('disconnected'),
    unreachable_slaves: count('unreachable'),
    leader: masterInfo.pid,
    leader_info: {
      id: masterInfo.id,
      pid: masterInfo.pid,
      port: masterInfo.port,
      hostname: masterInfo.hostname,
    },
    flags: {},
    ...legacySlaves(state),
    ...legacyFrameworks(state),
    orphan_tasks: [],
    unregistered_frameworks: [],
  };
}

export function legacySlaves(state: MasterState): object {
  const known = [...state.agents.values()];
  return {
    slaves: known
      .filter((agent) => agent.condition === 'connected' || agent.condition === 'disconnected')
      .map(legacySlave),
    recovered_slaves: known
      .filter((agent) => agent.condition === 'recovering')
      .map((agent) => ({ id: agent.id, hostname: agent.info.hostname, port: agent.info.port })),
  };
}

export function legacyFrameworks(state: MasterState): object {
  return {
    frameworks: [...state.frameworks.values()].map(legacyFramework),
    completed_frameworks: [...state.completedFrameworks.values()].map((framework) => ({
      id: framework.id,
      name: framework.info.name,
      active: false,
      connected: false,
      unregistered_time: framework.completedEpochMs / 1000,
      tasks: [],
      completed_tasks: [],
    })),
  };
}

/** All tasks, active first; the caller pages. */
export function legacyTasks(state: MasterState): readonly LegacyTask[] {
  const tasks: LegacyTask[] = [];
  for (const framework of state.frameworks.values()) {
    for (const task of framework.tasks.values()) tasks.push(legacyTask({ ...task, framework }));
  }
  for (const framework of state.frameworks.values()) {
    for (const task of framework.completedTasks.values()) {
      tasks.push(legacyTask({ ...task, framework }));
    }
  }
  return tasks;
}

export interface LegacyTask {
  readonly id: string;
  readonly framework_id: string;
}

function legacySlave(agent: MasterAgent): object {
  const used = sumOf(holders(agent.tasks));
  return {
    id: agent.id,
    hostname: agent.info.hostname,
    port: agent.info.port,
    pid: `slave(1)@${agent.info.hostname}:${agent.info.port}`,
    attributes: Object.fromEntries(
      agent.info.attributes.map((attribute) => [attribute.name, attributeValue(attribute)]),
    ),
    registered_time: agent.registeredEpochMs / 1000,
    ...(agent.reregisteredEpochMs === undefined
      ? {}
      : { reregistered_time: agent.reregisteredEpochMs / 1000 }),
    resources: legacyResources(agent.total),
    used_resources: legacyResources(used),
    offered_resources: legacyResources(sumOf(agent.offers)),
    reserved_resources: {},
    unreserved_resources: legacyResources(agent.total),
    active: agent.condition === 'connected',
    deactivated: false,
    version: agent.version,
    capabilities: (agent.info.capabilities ?? []).map((capability) => capability.type),
  };
}

function legacyFramework(framework: MasterFramework): object {
  const { info } = framework;
  const isConnected = framework.streamId !== undefined;
  const active = [...framework.tasks.values()];
  const toLegacy = (task: (typeof active)[number]) => legacyTask({ ...task, framework });
  return {
    id: framework.id,
    name: info.name,
    user: info.user,
    hostname: info.hostname ?? '',
    webui_url: info.webui_url ?? '',
    principal: info.principal ?? '',
    failover_timeout: info.failover_timeout ?? 0,
    checkpoint: info.checkpoint ?? false,
    ...(framework.isMultiRole ? { roles: framework.roles } : { role: framework.roles[0] ?? '*' }),
    capabilities: (info.capabilities ?? []).map((capability) => capability.type),
    registered_time: framework.registeredEpochMs / 1000,
    reregistered_time: (framework.reregisteredEpochMs ?? framework.registeredEpochMs) / 1000,
    unregistered_time: 0,
    active: isConnected,
    connected: isConnected,
    recovered: framework.isRecovered,
    used_resources: legacyResources(sumOf(holders(active))),
    offered_resources: legacyResources(sumOf(framework.offers)),
    resources: legacyResources(sumOf([...holders(active), ...framework.offers])),
    tasks: active.filter((task) => task.state !== 'TASK_UNREACHABLE').map(toLegacy),
    unreachable_tasks: active.filter((task) => task.state === 'TASK_UNREACHABLE').map(toLegacy),
    completed_tasks: [...framework.completedTasks.values()].map((task) =>
      legacyTask({ ...task, framework }),
    ),
    offers: [...framework.offers].map((offer) => ({
      id: offer.id,
      framework_id: framework.id,
      slave_id: offer.agentId,
      resources: legacyResources(offer.resources),
    })),
    executors: [],
  };
}

function legacyTask(task: {
  readonly id: string;
  readonly agentId: string;
  readonly role: string;
  readonly state: string;
  readonly info: TaskInfo;
  readonly statuses: readonly TaskStatus[];
  readonly resources?: Resources;
  readonly framework: MasterFramework;
}): LegacyTask {
  const { info, framework } = task;
  const view = {
    id: task.id,
    name: info.name,
    framework_id: framework.id,
    executor_id: '',
    slave_id: task.agentId,
    state: task.state,
    resources: legacyResources(task.resources ?? { scalars: {}, ranges: {} }),
    role: task.role,
    statuses: task.statuses.map(legacyStatus),
    labels: info.labels?.labels ?? [],
    user: info.command?.user ?? framework.info.user,
    ...(info.discovery === undefined ? {} : { discovery: info.discovery }),
    ...(info.container === undefined ? {} : { container: info.container }),
    ...(info.health_check === undefined ? {} : { health_check: info.health_check }),
    ...(info.limits === undefined ? {} : { limits: info.limits }),
  };
  return view;
}

const legacyStatus = (status: TaskStatus): object => ({
  state: status.state,
  timestamp: status.timestamp ?? 0,
  ...(status.labels === undefined ? {} : { labels: status.labels }),
  ...(status.healthy === undefined ? {} : { healthy: status.healthy }),
  ...(status.container_status === undefined ? {} : { container_status: status.container_status }),
});

/** `{cpus, mem, disk, gpus, ports: "[31000-32000]"}`; the four scalars are always there. */
export function legacyResources(amount: Resources): object {
  const all: Record<string, number | string> = { cpus: 0, mem: 0, disk: 0, gpus: 0 };
  for (const [name, milli] of Object.entries(amount.scalars)) all[name] = fromMilli(milli);
  for (const [name, ranges] of Object.entries(amount.ranges)) all[name] = formatRanges(ranges);
  if (portRanges(amount).length === 0) delete all['ports'];
  return all;
}

function attributeValue(attribute: WireAttribute): number | string {
  if (attribute.scalar !== undefined) return attribute.scalar.value;
  if (attribute.ranges !== undefined) return formatRanges(attribute.ranges.range);
  if (attribute.set !== undefined) return `{${attribute.set.item.join(', ')}}`;
  return attribute.text?.value ?? '';
}
