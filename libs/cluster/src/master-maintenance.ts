import {
  type MachineId,
  type MaintenanceRecord,
  type MaintenanceWindow,
  NO_MAINTENANCE,
} from '#core';
import {
  type AgentInfo,
  isIpAddress,
  MAX_NANOSECONDS,
  type OperatorMutation,
  type Unavailability,
  type WireMachineId,
  type WireMaintenanceSchedule,
} from '#mesos-v1';
import { removeAgent } from './master-agent-loss.js';
import type { MasterTurn } from './master-events.js';
import { rescindInverseOffers } from './master-inverse-offers.js';
import { rescindOffer, scheduleAllocation } from './master-offers.js';
import { type OperatorVerdict, refuse } from './master-operator-decision.js';
import type { ScheduledMachine } from './master-operator-state.js';
import type { Agent, MasterState } from './master-state.js';

/**
 * Maintenance of machines: up -> draining (in the schedule: offers tell from when on the agent may be away, and what is
 * there is asked back by inverse offers) -> down (its agents are removed and turned away) -> up, and out of the schedule.
 */

type MaintenanceCall = Extract<
  OperatorMutation,
  {
    readonly type: 'UPDATE_MAINTENANCE_SCHEDULE' | 'START_MAINTENANCE' | 'STOP_MAINTENANCE';
  }
>;

/** Machines a schedule may name. */
export const MAX_SCHEDULED_MACHINES = 20_000;

export function decideMaintenance(state: MasterState, call: MaintenanceCall): OperatorVerdict {
  const { maintenance } = state.operator;
  switch (call.type) {
    case 'UPDATE_MAINTENANCE_SCHEDULE': {
      const windows = readSchedule(call.update_maintenance_schedule.schedule);
      if (typeof windows === 'string') return refuse(400, windows);
      const named = new Set(machinesOf(windows).map(keyOf));
      const missing = maintenance.downMachines.find((machine) => !named.has(keyOf(machine)));
      if (missing !== undefined) {
        return refuse(400, `machine ${nameOf(missing)} is down and cannot leave the schedule`);
      }
      return decide({ windows, downMachines: maintenance.downMachines });
    }
    case 'START_MAINTENANCE': {
      const machines = readMachines(call.start_maintenance.machines, 'machines');
      if (typeof machines === 'string') return refuse(400, machines);
      const scheduled = new Set(machinesOf(maintenance.windows).map(keyOf));
      const down = new Set(maintenance.downMachines.map(keyOf));
      for (const machine of machines) {
        if (!scheduled.has(keyOf(machine))) {
          return refuse(400, `machine ${nameOf(machine)} is not in the maintenance schedule`);
        }
        if (down.has(keyOf(machine))) {
          return refuse(400, `machine ${nameOf(machine)} is down already`);
        }
      }
      return decide({ ...maintenance, downMachines: [...maintenance.downMachines, ...machines] });
    }
    case 'STOP_MAINTENANCE': {
      const machines = readMachines(call.stop_maintenance.machines, 'machines');
      if (typeof machines === 'string') return refuse(400, machines);
      const down = new Set(maintenance.downMachines.map(keyOf));
      const notDown = machines.find((machine) => !down.has(keyOf(machine)));
      if (notDown !== undefined) {
        return refuse(400, `machine ${nameOf(notDown)} is not down`);
      }
      return decide(withoutMachines(maintenance, new Set(machines.map(keyOf))));
    }
    default:
      return call satisfies never;
  }
}

/** The registry has it: agents learn their unavailability, those of machines that are down are removed. O(agents). */
export function applyMaintenance(turn: MasterTurn, maintenance: MaintenanceRecord): void {
  const { state } = turn;
  state.operator.maintenance = maintenance;
  state.operator.scheduledMachines = indexMachines(maintenance);
  if (maintenance === NO_MAINTENANCE && state.operator.unavailableAgents.size === 0) return;
  for (const agent of [...state.agents.values()]) {
    if (isDown(state, agent.info)) {
      removeAgent(turn, agent, {
        message: `the machine of agent ${agent.id} (${agent.info.hostname}) is down for maintenance`,
      });
    } else refreshUnavailability(turn, agent);
  }
  scheduleAllocation(turn);
}

/** After the schedule has changed or the agent has come. What was offered without knowing is rescinded. */
export function refreshUnavailability(turn: MasterTurn, agent: Agent): void {
  const { unavailableAgents } = turn.state.operator;
  const before = agent.unavailability;
  const after = unavailabilityOf(turn.state, agent.info);
  if (isSame(before, after)) return;
  if (after === undefined) {
    delete agent.unavailability;
    unavailableAgents.delete(agent.id);
  } else {
    agent.unavailability = after;
    unavailableAgents.add(agent.id);
  }
  agent.maintenanceAnswers.clear();
  rescindInverseOffers(turn, (entry) => entry.agentId === agent.id);
  for (const offer of [...agent.offers]) rescindOffer(turn, offer);
}

/** Whether the operator took the agent's machine down: the agent is turned away. */
export const isDown = (state: MasterState, info: AgentInfo): boolean =>
  findMachines(state, info).some((scheduled) => scheduled.isDown);

/** A machine given by name and address must have both; an agent whose address is not known passes by its name. */
export function isMachineOf(machine: MachineId, info: AgentInfo): boolean {
  const { names, addresses } = placeOf(info);
  if (machine.hostname !== undefined && !names.includes(machine.hostname)) return false;
  if (machine.ip === undefined) return true;
  if (addresses.length === 0) return machine.hostname !== undefined;
  return addresses.includes(machine.ip);
}

function placeOf(info: AgentInfo): {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
} {
  const { hostname, ip } = info.url?.address ?? {};
  const names = [info.hostname, ...(hostname === undefined ? [] : [hostname])].map((name) =>
    name.toLowerCase(),
  );
  const addresses = [...(ip === undefined ? [] : [ip]), ...names.filter(isIpAddress)];
  return { names, addresses };
}

/** The machines of the schedule the agent runs on; more than one where one is named twice in different ways. */
export function findMachines(
  { operator }: MasterState,
  info: AgentInfo,
): readonly ScheduledMachine[] {
  if (operator.scheduledMachines.size === 0) return [];
  const { names, addresses } = placeOf(info);
  return [...new Set([...names, ...addresses])]
    .flatMap((name) => operator.scheduledMachines.get(name) ?? [])
    .filter(({ machine }) => isMachineOf(machine, info));
}

function indexMachines({
  windows,
  downMachines,
}: MaintenanceRecord): ReadonlyMap<string, readonly ScheduledMachine[]> {
  const down = new Set(downMachines.map(keyOf));
  const index = new Map<string, ScheduledMachine[]>();
  for (const window of windows) {
    for (const machine of window.machines) {
      const name = machine.hostname ?? machine.ip ?? '';
      const known = index.get(name) ?? [];
      known.push({ machine, window, isDown: down.has(keyOf(machine)) });
      index.set(name, known);
    }
  }
  return index;
}

export const machinesOf = (windows: readonly MaintenanceWindow[]): readonly MachineId[] =>
  windows.flatMap(({ machines }) => machines);

const decide = (maintenance: MaintenanceRecord): OperatorVerdict => ({
  kind: 'decide',
  changes: [{ kind: 'put-maintenance', maintenance }],
  decision: { kind: 'maintenance', maintenance },
});

function readSchedule(schedule: WireMaintenanceSchedule): readonly MaintenanceWindow[] | string {
  const seen = new Set<string>();
  const windows: MaintenanceWindow[] = [];
  for (const [index, { machine_ids, unavailability }] of schedule.windows.entries()) {
    const path = `schedule.windows[${index}]`;
    const machines = readMachines(machine_ids, `${path}.machine_ids`);
    if (typeof machines === 'string') return machines;
    const startNanos = unavailability.start.nanoseconds;
    const durationNanos = unavailability.duration?.nanoseconds;
    const endNanos = startNanos + (durationNanos ?? 0);
    if (endNanos > MAX_NANOSECONDS) {
      return `${path}.unavailability ends at ${endNanos} ns; the last moment is ${MAX_NANOSECONDS}`;
    }
    for (const [place, machine] of machines.entries()) {
      if (seen.has(keyOf(machine))) {
        return `${path}.machine_ids[${place}]: machine ${nameOf(machine)} is more than once in the schedule`;
      }
      seen.add(keyOf(machine));
    }
    windows.push({
      machines,
      startNanos,
      ...(durationNanos === undefined ? {} : { durationNanos }),
    });
  }
  return seen.size > MAX_SCHEDULED_MACHINES
    ? `the schedule names ${seen.size} machines; at most ${MAX_SCHEDULED_MACHINES} are allowed`
    : windows;
}

function readMachines(
  given: readonly WireMachineId[],
  path: string,
): readonly MachineId[] | string {
  if (given.length === 0) return `${path} is empty`;
  const machines: MachineId[] = [];
  const seen = new Set<string>();
  for (const [index, { hostname, ip }] of given.entries()) {
    if (hostname === undefined && ip === undefined) {
      return `${path}[${index}] has neither a hostname nor an ip`;
    }
    if (ip !== undefined && !isIpAddress(ip)) {
      return `${path}[${index}].ip is ${JSON.stringify(ip)}, which is no IP address`;
    }
    const machine: MachineId = {
      ...(hostname === undefined ? {} : { hostname: hostname.toLowerCase() }),
      ...(ip === undefined ? {} : { ip: ip.toLowerCase() }),
    };
    if (seen.has(keyOf(machine))) {
      return `${path}[${index}]: machine ${nameOf(machine)} is given more than once`;
    }
    seen.add(keyOf(machine));
    machines.push(machine);
  }
  return machines;
}

function withoutMachines(
  { windows, downMachines }: MaintenanceRecord,
  keys: ReadonlySet<string>,
): MaintenanceRecord {
  const stays = (machine: MachineId) => !keys.has(keyOf(machine));
  return {
    windows: windows
      .map((window) => ({ ...window, machines: window.machines.filter(stays) }))
      .filter(({ machines }) => machines.length > 0),
    downMachines: downMachines.filter(stays),
  };
}

function unavailabilityOf(state: MasterState, info: AgentInfo): Unavailability | undefined {
  const [found] = findMachines(state, info);
  if (found === undefined) return undefined;
  const { startNanos, durationNanos } = found.window;
  return {
    start: { nanoseconds: startNanos },
    ...(durationNanos === undefined ? {} : { duration: { nanoseconds: durationNanos } }),
  };
}

const isSame = (left: Unavailability | undefined, right: Unavailability | undefined): boolean =>
  left?.start.nanoseconds === right?.start.nanoseconds &&
  left?.duration?.nanoseconds === right?.duration?.nanoseconds;

const keyOf = ({ hostname = '', ip = '' }: MachineId): string => `${hostname} ${ip}`;
const nameOf = ({ hostname, ip }: MachineId): string =>
  [hostname, ip].filter((part) => part !== undefined).join(' ');
