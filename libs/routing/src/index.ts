export { type AppRoutes, type EdgeScope, routesOf } from './app-routes.js';
export { type Admission, buildRoutes, type RoutingOptions } from './build-routes.js';
export { contentsWithoutReload } from './contents-without-reload.js';
export { deploymentGroupOf } from './deployment-groups.js';
export {
  type AppliedContents,
  EDGE_MAPS,
  type EdgeContents,
  type EdgeMap,
  type EdgeMaps,
  type EdgeModel,
  type EdgeServer,
  type EdgeStructure,
  ORDERED_MAPS,
  toEdgeModel,
} from './edge-model.js';
export type { LabelProblem } from './labels/label-reader.js';
export { type PortLabels, readPortLabels } from './labels/port-labels.js';
export { type EdgeCommand, planEdgeUpdate } from './plan-edge-update.js';
export { type EdgeSettings, type EdgeTls, toSocketAddress } from './render/edge-settings.js';
export {
  generationMark,
  renderConfig,
  renderMap,
  renderStructure,
} from './render/render-config.js';
export { isChecked, serverOptions } from './render/server-options.js';
export type { PortRules } from './resolve-conflicts.js';
export {
  type ClaimingChange,
  claimsOf,
  collide,
  describeClash,
  type RouteClaim,
  RouteClaimIndex,
  type RouteClash,
} from './route-claims.js';
export { routeFingerprint } from './route-fingerprint.js';
export type { Endpoint, Route, RouteConflict, RouteListener, RouteTable } from './route-table.js';
export { listenPortsOf, withoutListenPorts } from './without-listen-ports.js';
