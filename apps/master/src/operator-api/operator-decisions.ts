import { findScheduledMachines, type MasterAgent, type MasterState } from '#cluster';
import { fromMilli, type MachineId, type QuotaRecord } from '#core';
import type {
  WireMachineId,
  WireMaintenanceSchedule,
  WireQuantities,
  WireResource,
} from '#mesos-v1';
import type { MasterService } from '../master.service.js';

/** The bodies of reads of what operators decided, for the v1 calls and for the endpoints of old. */

export const DECISION_READS: Readonly<Record<string, (master: MasterService) => object>> = {
  GET_WEIGHTS: ({ state }) => ({ weight_infos: viewWeights(state) }),
  GET_QUOTA: ({ state }) => ({ status: viewQuota(state) }),
  GET_MAINTENANCE_SCHEDULE: ({ state }) => ({ schedule: viewSchedule(state) }),
  GET_MAINTENANCE_STATUS: ({ state }) => ({ status: viewMaintenanceStatus(state) }),
  GET_FLAGS: (master) => ({
    flags: Object.entries(master.flags).map(([name, value]) => ({ name, value })),
  }),
  GET_LOGGING_LEVEL: (master) => ({ level: master.loggingLevel.level }),
};

/** Roles with a weight of their own; all others have 1. */
export const viewWeights = (state: MasterState): readonly object[] =>
  [...state.operator.weights].map(([role, weight]) => ({ weight, role }));

/** `configs` is the whole of it, `infos` what the older form can say. */
export function viewQuota(state: MasterState): object {
  const quotas = [...state.operator.quotas.values()];
  return {
    infos: quotas
      .filter(({ guarantees }) => Object.keys(guarantees).length > 0)
      .map(({ role, guarantees }) => ({ role, guarantee: toScalars(guarantees) })),
    configs: quotas.map(({ role, guarantees, limits }) => ({
      role,
      guarantees: toQuantities(guarantees),
      limits: toQuantities(limits),
    })),
  };
}

export const viewSchedule = (state: MasterState): WireMaintenanceSchedule => ({
  windows: state.operator.maintenance.windows.map(({ machines, startNanos, durationNanos }) => ({
    machine_ids: machines.map(toWireMachine),
    unavailability: {
      start: { nanoseconds: startNanos },
      ...(durationNanos === undefined ? {} : { duration: { nanoseconds: durationNanos } }),
    },
  })),
});

/** Machines that drain, with what frameworks answered to inverse offers, and machines that are down. */
export function viewMaintenanceStatus(state: MasterState): object {
  const { windows, downMachines } = state.operator.maintenance;
  const down = new Set(downMachines.map(keyOf));
  const answers = new Map<string, object[]>();
  for (const id of state.operator.unavailableAgents) {
    const agent = state.agents.get(id);
    if (agent === undefined) continue;
    for (const { machine } of findScheduledMachines(state, agent.info)) {
      const key = keyOf(machine);
      answers.set(key, [...(answers.get(key) ?? []), ...viewAnswers(agent)]);
    }
  }
  return {
    draining_machines: windows
      .flatMap(({ machines }) => machines)
      .filter((machine) => !down.has(keyOf(machine)))
      .map((machine) => ({
        id: toWireMachine(machine),
        statuses: answers.get(keyOf(machine)) ?? [],
      })),
    down_machines: downMachines.map(toWireMachine),
  };
}

const viewAnswers = (agent: MasterAgent): readonly object[] => [
  ...[...agent.maintenanceAnswers].map(([frameworkId, { status, atEpochMs }]) => ({
    status,
    framework_id: { value: frameworkId },
    timestamp: { nanoseconds: atEpochMs * 1_000_000 },
  })),
  ...[...agent.inverseOffers.keys()]
    .filter((frameworkId) => !agent.maintenanceAnswers.has(frameworkId))
    .map((frameworkId) => ({ status: 'UNKNOWN', framework_id: { value: frameworkId } })),
];

const toQuantities = (amounts: QuotaRecord['limits']): WireQuantities =>
  Object.fromEntries(
    Object.entries(amounts).map(([name, milli]) => [name, { value: fromMilli(milli) }]),
  );

const toScalars = (amounts: QuotaRecord['limits']): readonly WireResource[] =>
  Object.entries(amounts).map(([name, milli]) => ({
    name,
    type: 'SCALAR',
    scalar: { value: fromMilli(milli) },
    role: '*',
  }));

const toWireMachine = ({ hostname, ip }: MachineId): WireMachineId => ({
  ...(hostname === undefined ? {} : { hostname }),
  ...(ip === undefined ? {} : { ip }),
});

const keyOf = ({ hostname = '', ip = '' }: MachineId): string => `${hostname} ${ip}`;
