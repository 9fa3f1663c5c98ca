import type { HaproxyEdge } from '../haproxy/haproxy-edge.js';

/** What the loop asks of HAProxy. */
export type Edge = Pick<
  HaproxyEdge,
  | 'applyRuntime'
  | 'askForReload'
  | 'compare'
  | 'driftRepairs'
  | 'findOffenders'
  | 'hasPendingDeletions'
  | 'leave'
  | 'listenAddresses'
  | 'look'
  | 'needsReload'
  | 'persist'
  | 'pid'
  | 'release'
  | 'reload'
  | 'reloads'
  | 'restart'
  | 'runtimeChanges'
  | 'serverState'
  | 'sessions'
  | 'start'
  | 'stop'
  | 'workerRoom'
>;
