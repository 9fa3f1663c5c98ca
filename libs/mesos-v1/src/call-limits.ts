/** Most entries of the lists in one call, generous to any honest client: what is longer is answered 400. */
export const CALL_LIMITS = {
  /** Offers of one agent and role. */
  acceptedOffers: 1_000,
  declinedOffers: 50_000,
  operations: 1_000,
  tasks: 10_000,
  groupTasks: 1_000,
  /** Of a task, an executor or an operation. */
  resources: 1_000,
  ranges: 65_536,
  roles: 1_000,
  capabilities: 100,
  reconciledTasks: 100_000,
  reconciledOperations: 10_000,
  requests: 100,
} as const;
