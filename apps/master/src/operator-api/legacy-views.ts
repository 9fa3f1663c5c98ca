import type {
  MasterAgent,
  MasterCompletedFramework,
  MasterExecutor,
  MasterFramework,
  MasterOffer,
  MasterState,
  MasterTask,
} from '#cluster';
import {
  addResources,
  formatRanges,
  fromMilli,
  nameOfKey,
  normaliseRanges,
  type Range,
  type Resources,
  reservedRole,
  selectResources,
  traitsOfKey,
} from '#core';
import {
  decodeResources,
  encodeResources,
  type TaskInfo,
  type TaskStatus,
  type WireAttribute,
  type WireResource,
} from '#mesos-v1';
import { isActive, viewActivation } from './drain-views.js';

/** The old JSON endpoints' shapes (/state, /slaves, /frameworks, /tasks), as Mesos-DNS, the CLIs and collectors read them. */

/** What tasks use and what is offered, of an agent or for a framework. */
export interface Amounts {
  readonly used: Resources;
  readonly offered: Resources;
}

/** All of /state but its lists. */
export function legacyStateHead(state: MasterState, version: string): object {
  const { masterInfo } = state;
  const counts = { connected: 0, disconnected: 0, unreachable: 0, recovering: 0 };
  for (const agent of state.agents.values()) counts[agent.condition] += 1;
  const seconds = state.startedEpochMs / 1000;
  return {
    version,
    build_date: '',
    build_time: 0,
    build_user: '',
    start_time: seconds,
    elected_time: seconds,
    id: masterInfo.id,
    pid: masterInfo.pid,
    hostname: masterInfo.hostname,
    capabilities: (masterInfo.capabilities ?? []).map((capability) => capability.type),
    activated_slaves: counts.connected,
    deactivated_slaves: counts.disconnected,
    unreachable_slaves: counts.unreachable,
    leader: masterInfo.pid,
    leader_info: {
      id: masterInfo.id,
      pid: masterInfo.pid,
      port: masterInfo.port,
      hostname: masterInfo.hostname,
    },
    cluster: 'pacer',
    log_dir: '',
    orphan_tasks: [],
    unregistered_frameworks: [],
  };
}

export function legacySlave(agent: MasterAgent, amounts: Amounts): object {
  const { total, info } = agent;
  return {
    id: agent.id,
    hostname: info.hostname,
    port: info.port,
    pid: `slave(1)@${info.hostname}:${info.port}`,
    attributes: Object.fromEntries(
      info.attributes.map((attribute) => [attribute.name, attributeValue(attribute)]),
    ),
    registered_time: agent.registeredEpochMs / 1000,
    ...(agent.reregisteredEpochMs === undefined
      ? {}
      : { reregistered_time: agent.reregisteredEpochMs / 1000 }),
    resources: legacyResources(total),
    used_resources: legacyResources(amounts.used),
    offered_resources: legacyResources(amounts.offered),
    reserved_resources: byRole(total, legacyResources),
    unreserved_resources: legacyResources(unreserved(total)),
    active: isActive(agent),
    ...viewActivation(agent),
    version: agent.version,
    capabilities: (info.capabilities ?? []).map((capability) => capability.type),
    ...(info.domain === undefined ? {} : { domain: info.domain }),
    reserved_resources_full: byRole(total, fullResources),
    unreserved_resources_full: fullResources(unreserved(total)),
    used_resources_full: fullResources(amounts.used),
    offered_resources_full: fullResources(amounts.offered),
  };
}

export const legacyRecoveredSlave = (agent: MasterAgent): object => ({
  id: agent.id,
  hostname: agent.info.hostname,
  port: agent.info.port,
});

/** A framework but its lists of tasks, offers and executors. */
export function legacyFramework(framework: MasterFramework, amounts: Amounts): object {
  const { info } = framework;
  const isConnected = framework.streamId !== undefined;
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
    labels: labelsOf(info.labels),
    registered_time: framework.registeredEpochMs / 1000,
    reregistered_time: (framework.reregisteredEpochMs ?? framework.registeredEpochMs) / 1000,
    unregistered_time: 0,
    active: isConnected,
    connected: isConnected,
    recovered: framework.isRecovered,
    used_resources: legacyResources(amounts.used),
    offered_resources: legacyResources(amounts.offered),
    resources: legacyResources(addResources(amounts.used, amounts.offered)),
  };
}

export const legacyCompletedFramework = (framework: MasterCompletedFramework): object => ({
  id: framework.id,
  name: framework.info.name,
  user: framework.info.user,
  hostname: framework.info.hostname ?? '',
  webui_url: framework.info.webui_url ?? '',
  active: false,
  connected: false,
  recovered: false,
  unregistered_time: framework.completedEpochMs / 1000,
  tasks: [],
  unreachable_tasks: [],
  completed_tasks: [],
  offers: [],
  executors: [],
});

export const legacyExecutor = (executor: MasterExecutor): object => ({
  executor_id: executor.id,
  name: executor.info.name ?? '',
  framework_id: executor.frameworkId,
  slave_id: executor.agentId,
  role: executor.role,
  source: executor.info.source ?? '',
  type: executor.info.type ?? 'CUSTOM',
  ...(executor.info.command === undefined ? {} : { command: executor.info.command }),
  ...(executor.info.container === undefined ? {} : { container: executor.info.container }),
  resources: legacyResources(executor.resources),
});

export const legacyOffer = (offer: MasterOffer): object => ({
  id: offer.id,
  framework_id: offer.frameworkId,
  slave_id: offer.agentId,
  allocation_info: { role: offer.role },
  resources: legacyResources(offer.resources),
});

/** A task, running or completed. */
export interface TaskView {
  readonly id: string;
  readonly agentId: string;
  readonly role: string;
  readonly state: string;
  readonly info: TaskInfo;
  readonly statuses: readonly TaskStatus[];
  readonly resources?: Resources;
  readonly executorId?: string;
}

export function legacyTask(task: TaskView, framework: MasterFramework): object {
  const { info } = task;
  return {
    id: task.id,
    name: info.name,
    framework_id: framework.id,
    executor_id: task.executorId ?? info.executor?.executor_id.value ?? '',
    slave_id: task.agentId,
    state: task.state,
    resources: legacyResources(task.resources ?? decodeResources(info.resources)),
    role: task.role,
    statuses: task.statuses.map(legacyStatus),
    labels: info.labels?.labels ?? [],
    user: info.command?.user ?? framework.info.user,
    ...(info.discovery === undefined ? {} : { discovery: info.discovery }),
    ...(info.container === undefined ? {} : { container: info.container }),
    ...(info.health_check === undefined ? {} : { health_check: info.health_check }),
    ...(info.check === undefined ? {} : { check: info.check }),
    ...(info.limits === undefined ? {} : { limits: info.limits }),
  };
}

const legacyStatus = (status: TaskStatus): object => ({
  state: status.state,
  timestamp: status.timestamp ?? 0,
  ...(status.labels === undefined ? {} : { labels: labelsOf(status.labels) }),
  ...(status.healthy === undefined ? {} : { healthy: status.healthy }),
  ...(status.container_status === undefined ? {} : { container_status: status.container_status }),
});

/** Whether a task counts among the unreachable ones. */
export const isUnreachable = (task: Pick<MasterTask, 'state'>): boolean =>
  task.state === 'TASK_UNREACHABLE';

/** The old endpoints list labels without the message around them. */
const labelsOf = (labels: unknown): unknown =>
  (typeof labels === 'object' && labels !== null && 'labels' in labels
    ? labels.labels
    : undefined) ?? [];

/**
 * `{cpus, mem, disk, gpus, ports: "[31000-32000]"}`; the four scalars are always there. What is revocable stands apart,
 * as `cpus_revocable`; reserved amounts and volumes count by their name.
 */
export function legacyResources(amount: Resources): object {
  const milli = new Map<string, number>();
  for (const [key, more] of Object.entries(amount.scalars)) {
    const name = legacyName(key);
    milli.set(name, (milli.get(name) ?? 0) + more);
  }
  const all: Record<string, number | string> = { cpus: 0, mem: 0, disk: 0, gpus: 0 };
  for (const [name, sum] of milli) all[name] = fromMilli(sum);
  const ranges = new Map<string, readonly Range[]>();
  for (const [key, list] of Object.entries(amount.ranges)) {
    const name = legacyName(key);
    const known = ranges.get(name);
    ranges.set(name, known === undefined ? list : normaliseRanges([...known, ...list]));
  }
  for (const [name, list] of ranges) all[name] = formatRanges(list);
  return all;
}

const legacyName = (key: string): string =>
  traitsOfKey(key).isRevocable ? `${nameOfKey(key)}_revocable` : nameOfKey(key);

/** As v1 messages, with both forms of the reservation where the old one has room. */
export function fullResources(amount: Resources): readonly WireResource[] {
  const old = encodeResources(amount, { isRefined: false });
  return encodeResources(amount, { isRefined: true }).map((refined, index) =>
    (refined.reservations?.length ?? 0) > 1 ? refined : { ...old[index], ...refined },
  );
}

const unreserved = (amount: Resources): Resources =>
  selectResources(amount, (key) => reservedRole(key) === undefined);

function byRole(
  amount: Resources,
  view: (amount: Resources) => object,
): Readonly<Record<string, object>> {
  const roles = new Set<string>();
  for (const key of [...Object.keys(amount.scalars), ...Object.keys(amount.ranges)]) {
    const role = reservedRole(key);
    if (role !== undefined) roles.add(role);
  }
  return Object.fromEntries(
    [...roles].map((role) => [
      role,
      view(selectResources(amount, (key) => reservedRole(key) === role)),
    ]),
  );
}

function attributeValue(attribute: WireAttribute): number | string {
  if (attribute.scalar !== undefined) return attribute.scalar.value;
  if (attribute.ranges !== undefined) return formatRanges(attribute.ranges.range);
  if (attribute.set !== undefined) return `{${attribute.set.item.join(', ')}}`;
  return attribute.text?.value ?? '';
}
