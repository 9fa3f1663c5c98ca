import type { HaproxyEdge } from '../haproxy/haproxy-edge.js';

/** What the loop asks of HAProxy. */
export type Edge = Pick<
  HaproxyEdge,
  | 'applyRuntime'
  | 'driftRepairs'
  | 'findOffenders'
  | 'hasPendingDeletions'
  | 'leave'
  | 'listenAddresses'
  | 'oldWorkers'
  | 'needsReload'
  | 'persist'
  | 'pid'
  | 'refresh'
  | 'release'
  | 'reload'
  | 'reloads'
  | 'restart'
  | 'runtimeChanges'
  | 'serverState'
  | 'sessions'
  | 'start'
  | 'stop'
>;
