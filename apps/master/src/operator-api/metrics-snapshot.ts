import type { MasterState } from '#cluster';
import { isTerminalTaskState } from '#core';
import { holders, sumOf } from './operator-views.js';

/** Mesos' metric names and values, one flat object. O(agents + tasks). */
export function snapshotMetrics(
  state: MasterState,
  nowEpochMs: number,
): Readonly<Record<string, number>> {
  const agents = [...state.agents.values()];
  const frameworks = [...state.frameworks.values()];
  const connected = frameworks.filter((framework) => framework.streamId !== undefined).length;
  const ofCondition = (condition: string) =>
    agents.filter((agent) => agent.condition === condition).length;
  const { counters } = state;
  return {
    'master/elected': 1,
    'master/uptime_secs': (nowEpochMs - state.startedEpochMs) / 1000,
    'master/outstanding_offers': state.offers.size,
    'master/slaves_active': ofCondition('connected'),
    'master/slaves_connected': ofCondition('connected'),
    'master/slaves_disconnected': ofCondition('disconnected'),
    'master/slaves_inactive': ofCondition('disconnected'),
    'master/slaves_unreachable': ofCondition('unreachable'),
    'master/slave_registrations': counters.agentRegistrations,
    'master/slave_reregistrations': counters.agentReregistrations,
    'master/slave_unreachable_completed': counters.agentsUnreachable,
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
    'allocator/mesos/allocation_runs': counters.allocationRounds,
    ...taskCounts(state),
    ...resourceGauges(state),
  };
}

function taskCounts(state: MasterState): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of ['staging', 'starting', 'running', 'killing', 'unreachable']) {
    counts[`master/tasks_${name}`] = 0;
  }
  for (const name of [
    'finished',
    'failed',
    'killed',
    'lost',
    'error',
    'dropped',
    'gone',
    'gone_by_operator',
  ]) {
    counts[`master/tasks_${name}`] =
      state.counters.tasksByTerminalState.get(`TASK_${name.toUpperCase()}`) ?? 0;
  }
  for (const framework of state.frameworks.values()) {
    for (const task of framework.tasks.values()) {
      if (isTerminalTaskState(task.state)) continue;
      const name = `master/tasks_${task.state.slice('TASK_'.length).toLowerCase()}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}

function resourceGauges(state: MasterState): Readonly<Record<string, number>> {
  const gauges: Record<string, number> = {};
  const add = (name: string, milli: number) => {
    gauges[name] = (gauges[name] ?? 0) + milli / 1000;
  };
  for (const agent of state.agents.values()) {
    if (agent.condition === 'unreachable') continue;
    const used = sumOf(holders(agent.tasks));
    for (const name of ['cpus', 'mem', 'disk', 'gpus']) {
      add(`master/${name}_total`, agent.total.scalars[name] ?? 0);
      add(`master/${name}_used`, used.scalars[name] ?? 0);
    }
  }
  for (const name of ['cpus', 'mem', 'disk', 'gpus']) {
    const total = gauges[`master/${name}_total`] ?? 0;
    gauges[`master/${name}_total`] = total;
    gauges[`master/${name}_used`] ??= 0;
    gauges[`master/${name}_percent`] =
      total === 0 ? 0 : (gauges[`master/${name}_used`] ?? 0) / total;
  }
  return gauges;
}
