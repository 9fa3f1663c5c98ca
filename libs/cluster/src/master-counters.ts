/** Since this process began to lead. */
export interface MasterCounters {
  offersSent: number;
  offersAccepted: number;
  offersDeclined: number;
  offersRescinded: number;
  tasksLaunched: number;
  statusUpdates: number;
  acknowledgements: number;
  allocationRounds: number;
  agentRegistrations: number;
  agentReregistrations: number;
  agentsUnreachable: number;
  /** For good: replaced, or down for maintenance. */
  agentsRemoved: number;
  agentRemovalsScheduled: number;
  agentRemovalsCanceled: number;
  /** Terminal states by name. */
  readonly tasksByTerminalState: Map<string, number>;
}

export const noCounts = (): MasterCounters => ({
  offersSent: 0,
  offersAccepted: 0,
  offersDeclined: 0,
  offersRescinded: 0,
  tasksLaunched: 0,
  statusUpdates: 0,
  acknowledgements: 0,
  allocationRounds: 0,
  agentRegistrations: 0,
  agentReregistrations: 0,
  agentsUnreachable: 0,
  agentsRemoved: 0,
  agentRemovalsScheduled: 0,
  agentRemovalsCanceled: 0,
  tasksByTerminalState: new Map(),
});
