export { buildRoutes, type RoutingOptions } from './build-routes.js';
export { contentsWithoutReload } from './contents-without-reload.js';
export {
  type EdgeContents,
  type EdgeModel,
  type EdgeServer,
  type EdgeStructure,
  toEdgeModel,
} from './edge-model.js';
export { type EdgeCommand, planEdgeUpdate } from './plan-edge-update.js';
export {
  type EdgeSettings,
  generationMark,
  renderConfig,
  renderHostsMap,
  renderStructure,
} from './render-config.js';
export {
  type ClaimingChange,
  claimsOf,
  collide,
  describeClash,
  type RouteClaim,
  RouteClaimIndex,
  type RouteClash,
} from './route-claims.js';
export type { Endpoint, Route, RouteConflict, RouteTable } from './route-table.js';
export { listenPortsOf, withoutListenPorts } from './without-listen-ports.js';
