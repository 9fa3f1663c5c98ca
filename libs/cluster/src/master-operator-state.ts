import {
  type AgentId,
  type FrameworkId,
  type MachineId,
  type MaintenanceRecord,
  type MaintenanceWindow,
  NO_MAINTENANCE,
  type QuotaRecord,
  type RoleName,
} from '#core';
import type { OperatorCallEvent } from './master-operator-decision.js';

/** What operators decided, as the registry has it, and the calls that wait for their turn. */
export interface OperatorState {
  readonly weights: Map<RoleName, number>;
  readonly quotas: Map<RoleName, QuotaRecord>;
  maintenance: MaintenanceRecord;
  /** Its machines by name, or by address where they have no name. */
  scheduledMachines: ReadonlyMap<string, readonly ScheduledMachine[]>;
  /** Agents of which the last task's end is waited for. */
  readonly drainingAgents: Set<AgentId>;
  /** Of draining agents whose frameworks still have time to take their tasks away. */
  readonly drainNotices: Map<AgentId, DrainNotice>;
  /** Agents of machines in the maintenance schedule. */
  readonly unavailableAgents: Set<AgentId>;
  /** Outstanding inverse offers, oldest first. */
  readonly inverseOffers: Map<string, InverseOfferEntry>;
  nextInverseOfferNumber: number;
  /** A decision is being stored: later calls wait, so that each is judged by what holds then. */
  isDeciding: boolean;
  readonly waiting: OperatorCallEvent[];
}

/**
 * Before a drain kills, frameworks have their time: each with tasks on the agent is asked for it by an inverse offer, as
 * for maintenance, that says until when. One that accepts is waited for until it has taken its tasks away, or the time is
 * up; one that declines, or says nothing, is not.
 */
export interface DrainNotice {
  readonly beganMonoMs: number;
  readonly untilMonoMs: number;
  readonly untilEpochMs: number;
  /** When each was asked first. */
  readonly asked: Map<FrameworkId, number>;
  readonly answers: Map<FrameworkId, 'ACCEPT' | 'DECLINE'>;
}

export interface ScheduledMachine {
  readonly machine: MachineId;
  readonly window: MaintenanceWindow;
  readonly isDown: boolean;
}

export interface InverseOfferEntry {
  readonly id: string;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  /** Where it was sent: on another stream it is unknown. */
  readonly streamId: string;
  readonly expiresAtMonoMs: number;
}

/** What a framework with something on an agent says to its maintenance. */
export interface MaintenanceAnswer {
  readonly status: 'ACCEPT' | 'DECLINE';
  readonly atEpochMs: number;
  /** It is not asked again before. */
  readonly untilMonoMs: number;
  /** Of the framework, when it was asked. */
  readonly streamId: string;
}

export const createOperatorState = (): OperatorState => ({
  weights: new Map(),
  quotas: new Map(),
  maintenance: NO_MAINTENANCE,
  scheduledMachines: new Map(),
  drainingAgents: new Set(),
  drainNotices: new Map(),
  unavailableAgents: new Set(),
  inverseOffers: new Map(),
  nextInverseOfferNumber: 0,
  isDeciding: false,
  waiting: [],
});
