/** Most entries of the lists in one call, generous to any honest client: what is longer is answered 400. */
export const CALL_LIMITS = {
  /** Of any list or map that has no limit of its own. */
  entries: 10_000,
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
  /** Of a resource: a stack, one in another. */
  reservations: 32,
  /** Of a framework or a reservation. */
  labels: 1_000,
  /** Of a maintenance schedule. */
  windows: 20_000,
  machines: 20_000,
} as const;

/**
 * Most characters (UTF-16 units) of the texts in one call. What is not named here (commands, environments, labels of
 * tasks, data) is bounded by the body alone.
 */
export const TEXT_LIMITS = {
  /** Of a framework or an agent: these are stored. */
  registeredId: 255,
  /** Of a task, an executor, an offer, an operation. A task with more than 255 is TASK_ERROR, as in Mesos. */
  id: 1_024,
  /** Names of frameworks, tasks and executors, users, principals, keys of labels, capabilities, attributes. */
  name: 1_024,
  role: 255,
  resource: 255,
  hostname: 255,
  /** Paths and URLs. */
  path: 4_096,
  /** Value of a label of a framework or a reservation, or of an attribute. */
  label: 65_536,
} as const;

/** The longest time an agent waits between SIGTERM and SIGKILL: a day. */
export const MAX_GRACE_NANOSECONDS = 24 * 3600 * 1e9;

/** Moments and durations; about what protobuf's int64 holds, as a moment the year 2255. */
export const MAX_NANOSECONDS = 9e18;

export const MAX_PORT = 65_535;
