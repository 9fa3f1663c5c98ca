import { cpus, freemem, loadavg, totalmem } from 'node:os';
import type { MasterFramework, MasterState } from '#cluster';
import { fromMilli, isTerminalTaskState, quantitiesOf, scalarMilli } from '#core';
import type { Durations, EngineCounters } from '../engine/engine-counters.js';
import type { Holdings } from '../reads/holdings.js';
import { rolesOf } from './role-views.js';

type Metrics = Readonly<Record<string, number>>;

/** What the snapshot is taken of. */
export interface MetricsSource {
  readonly state: MasterState;
  readonly holdings: Holdings;
  readonly counters: EngineCounters;
  readonly backlog: { readonly effects: number; readonly registryOperations: number };
  readonly registryBytes: number;
  /** Of whole answers to reads of the state. */
  readonly stateReads: Durations;
  readonly nowEpochMs: number;
  /** Stream clients that did not keep up, by kind. */
  readonly cutOffs: Metrics;
  readonly subscribers: number;
}

/** Mesos' metric names and values, one flat object. O(agents + tasks), a few comparisons each. */
export function snapshotMetrics(source: MetricsSource): Metrics {
  return {
    ...masterMetrics(source),
    ...taskCounts(source.state),
    ...reasonCounts(source.counters),
    ...resourceGauges(source),
    ...callCounts(source.counters),
    ...frameworkMetrics(source),
    ...allocatorMetrics(source),
    ...registrarMetrics(source),
    ...durations('master/state_read_ms', source.stateReads),
    ...prefixed('master/slow_streams_cut_off/', Object.entries(source.cutOffs)),
    'master/operator_event_stream_subscribers': source.subscribers,
    ...systemMetrics(),
  };
}

function masterMetrics({ state, backlog, nowEpochMs }: MetricsSource): Metrics {
  const frameworks = [...state.frameworks.values()];
  const connected = frameworks.filter((framework) => framework.streamId !== undefined).length;
  const agents = { connected: 0, disconnected: 0, unreachable: 0, recovering: 0 };
  for (const agent of state.agents.values()) agents[agent.condition] += 1;
  const { counters } = state;
  return {
    'master/elected': 1,
    'master/uptime_secs': (nowEpochMs - state.startedEpochMs) / 1000,
    'master/outstanding_offers': state.offers.size,
    'master/event_queue_messages': backlog.effects,
    'master/event_queue_dispatches': backlog.effects,
    'master/event_queue_http_requests': 0,
    'master/slaves_active': agents.connected,
    'master/slaves_connected': agents.connected,
    'master/slaves_disconnected': agents.disconnected,
    'master/slaves_inactive': agents.disconnected,
    'master/slaves_unreachable': agents.unreachable,
    'master/recovery_slave_removals': 0,
    'master/slave_registrations': counters.agentRegistrations,
    'master/slave_reregistrations': counters.agentReregistrations,
    'master/slave_removals': state.goneAgents.size + counters.agentsRemoved,
    'master/slave_removals/reason_registered': counters.agentsRemoved,
    'master/slave_unreachable_scheduled': counters.agentRemovalsScheduled,
    'master/slave_unreachable_completed': counters.agentsUnreachable,
    'master/slave_unreachable_canceled': counters.agentRemovalsCanceled,
    'master/frameworks_active': connected,
    'master/frameworks_connected': connected,
    'master/frameworks_disconnected': frameworks.length - connected,
    'master/frameworks_inactive': frameworks.length - connected,
    'master/messages_status_update': counters.statusUpdates,
    'master/messages_status_update_acknowledgement': counters.acknowledgements,
    'master/tasks_launched': counters.tasksLaunched,
    'master/offers_sent': counters.offersSent,
    'master/offers_accepted': counters.offersAccepted,
    'master/offers_declined': counters.offersDeclined,
    'master/offers_rescinded': counters.offersRescinded,
  };
}

const LIVING = ['staging', 'starting', 'running', 'killing', 'unreachable'] as const;
const ENDED = [
  'finished',
  'failed',
  'killed',
  'lost',
  'error',
  'dropped',
  'gone',
  'gone_by_operator',
] as const;

function taskCounts(state: MasterState): Metrics {
  const counts: Record<string, number> = {};
  for (const name of LIVING) counts[`master/tasks_${name}`] = 0;
  for (const name of ENDED) {
    counts[`master/tasks_${name}`] =
      state.counters.tasksByTerminalState.get(`TASK_${name.toUpperCase()}`) ?? 0;
  }
  for (const framework of state.frameworks.values()) {
    for (const [name, count] of livingTasks(framework)) {
      const key = `master/tasks_${name.slice('TASK_'.length).toLowerCase()}`;
      counts[key] = (counts[key] ?? 0) + count;
    }
  }
  return counts;
}

function livingTasks(framework: MasterFramework): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { state } of framework.tasks.values()) {
    if (!isTerminalTaskState(state)) counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

const reasonCounts = ({ taskReasons }: EngineCounters): Metrics =>
  prefixed('master/', [...taskReasons]);

const RESOURCES = ['cpus', 'mem', 'disk', 'gpus'] as const;

function resourceGauges({ state, holdings }: MetricsSource): Metrics {
  const total = new Map<string, number>();
  const used = new Map<string, number>();
  for (const agent of state.agents.values()) {
    if (agent.condition === 'unreachable') continue;
    addAll(total, quantitiesOf(agent.total));
    addAll(used, quantitiesOf(holdings.usedOn(agent)));
  }
  const gauges: Record<string, number> = {};
  for (const name of RESOURCES) {
    const [all, part] = [total.get(name) ?? 0, used.get(name) ?? 0];
    gauges[`master/${name}_total`] = fromMilli(all);
    gauges[`master/${name}_used`] = fromMilli(part);
    gauges[`master/${name}_percent`] = all === 0 ? 0 : part / all;
  }
  return gauges;
}

/** `master/messages_launch_tasks` and their like, by the name of the call. */
const callCounts = ({ calls }: EngineCounters): Metrics =>
  Object.fromEntries([...calls].map(([type, n]) => [`master/messages_${type.toLowerCase()}`, n]));

function frameworkMetrics({ state, counters }: MetricsSource): Metrics {
  const metrics: Record<string, number> = {};
  for (const framework of state.frameworks.values()) {
    const base = `master/frameworks/${encodeURIComponent(framework.info.name)}/${framework.id}`;
    const suppressed = new Set(state.allocator.suppressedRoles(framework.id));
    metrics[`${base}/subscribed`] = framework.streamId === undefined ? 0 : 1;
    for (const role of framework.roles) {
      metrics[`${base}/roles/${role}/suppressed`] = suppressed.has(role) ? 1 : 0;
    }
    for (const [name, count] of livingTasks(framework)) {
      metrics[`${base}/tasks/active/${name.toLowerCase()}`] = count;
    }
    const counted = counters.frameworks.get(framework.id);
    if (counted === undefined) continue;
    metrics[`${base}/calls`] = sum(counted.calls);
    metrics[`${base}/events`] = sum(counted.events);
    Object.assign(metrics, prefixed(`${base}/calls/`, lowered(counted.calls)));
    Object.assign(metrics, prefixed(`${base}/events/`, lowered(counted.events)));
    Object.assign(metrics, prefixed(`${base}/tasks/terminal/`, lowered(counted.terminal)));
    metrics[`${base}/offers/sent`] = counted.offersSent;
    metrics[`${base}/offers/accepted`] = counted.offersAccepted;
    metrics[`${base}/offers/declined`] = counted.offersDeclined;
    metrics[`${base}/offers/rescinded`] = counted.offersRescinded;
  }
  return metrics;
}

const ALLOCATOR = 'allocator/mesos';

function allocatorMetrics({ state, holdings, counters }: MetricsSource): Metrics {
  const metrics: Record<string, number> = {
    [`${ALLOCATOR}/allocation_runs`]: state.counters.allocationRounds,
    [`${ALLOCATOR}/event_queue_dispatches`]: state.isAllocationScheduled ? 1 : 0,
    ...durations(`${ALLOCATOR}/allocation_run_ms`, counters.allocationRun),
    ...durations(`${ALLOCATOR}/allocation_run_latency_ms`, counters.allocationLatency),
  };
  for (const name of RESOURCES) {
    let [total, held] = [0, 0];
    for (const agent of state.agents.values()) {
      if (agent.condition === 'unreachable') continue;
      total += scalarMilli(agent.total, name);
      held +=
        scalarMilli(holdings.usedOn(agent), name) + scalarMilli(holdings.offeredOf(agent), name);
    }
    metrics[`${ALLOCATOR}/resources/${name}/total`] = fromMilli(total);
    metrics[`${ALLOCATOR}/resources/${name}/offered_or_allocated`] = fromMilli(held);
  }
  for (const [role, count] of state.allocator.activeFilters()) {
    metrics[`${ALLOCATOR}/offer_filters/roles/${role}/active`] = count;
  }
  for (const { role } of rolesOf(state)) {
    const usage = state.allocator.roleUsage(role);
    metrics[`${ALLOCATOR}/roles/${role}/shares/dominant`] = usage.share;
    if (usage.quota === undefined) continue;
    const base = `${ALLOCATOR}/quota/roles/${role}/resources`;
    const { guarantees, limits } = usage.quota;
    for (const name of new Set([...Object.keys(guarantees), ...Object.keys(limits)])) {
      metrics[`${base}/${name}/guarantee`] = fromMilli(guarantees[name] ?? 0);
      if (limits[name] !== undefined) metrics[`${base}/${name}/limit`] = fromMilli(limits[name]);
      metrics[`${base}/${name}/offered_or_allocated`] = fromMilli(usage.allocated[name] ?? 0);
      metrics[`${base}/${name}/consumed`] = fromMilli(usage.consumed[name] ?? 0);
    }
  }
  return metrics;
}

const registrarMetrics = ({ counters, backlog, registryBytes }: MetricsSource): Metrics => ({
  'registrar/queued_operations': backlog.registryOperations,
  'registrar/registry_size_bytes': registryBytes,
  ...durations('registrar/state_store_ms', counters.registryStore),
});

/** Of the host. */
export function systemMetrics(): Metrics {
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return {
    'system/cpus_total': cpus().length,
    'system/load_1min': one,
    'system/load_5min': five,
    'system/load_15min': fifteen,
    'system/mem_free_bytes': freemem(),
    'system/mem_total_bytes': totalmem(),
  };
}

const QUANTILES = [0, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1] as const;
const QUANTILE_NAMES = ['min', 'p50', 'p90', 'p95', 'p99', 'p999', 'p9999', 'max'] as const;

/** The last one, how many there were, and where they lie. Nothing before the first. */
function durations(name: string, of: Durations): Metrics {
  if (of.last === undefined) return {};
  const values = of.quantiles(QUANTILES);
  return {
    [name]: of.last,
    [`${name}/count`]: of.count,
    ...Object.fromEntries(
      values.map((value, index) => [`${name}/${QUANTILE_NAMES[index]}`, value]),
    ),
  };
}

const lowered = (counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] =>
  [...counts].map(([name, count]) => [name.toLowerCase(), count]);

const prefixed = (prefix: string, counts: readonly (readonly [string, number])[]): Metrics =>
  Object.fromEntries(counts.map(([name, count]) => [`${prefix}${name}`, count]));

const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((all, count) => all + count, 0);

function addAll(into: Map<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [name, milli] of more) into.set(name, (into.get(name) ?? 0) + milli);
}
