export { type AppRoutes, type EdgeScope, type ReadApp, UNREADABLE } from './app-routes.js';
export { type Admission, buildRoutes, type RoutingOptions } from './build-routes.js';
export { contentsWithoutReload } from './contents-without-reload.js';
export {
  type AnswerLimits,
  answerQuestion,
  type DnsAnswer,
  type DnsAuthority,
  type DnsQuestion,
  nameServerOf,
  soaOf,
} from './dns/answer-question.js';
export {
  type AppEntry,
  type EntryContext,
  type InstancePort,
  type NamedInstance,
  toAppEntry,
} from './dns/app-entry.js';
export {
  type RoutedApp,
  toAppRecords,
  toInstanceRecords,
  toVipRecords,
} from './dns/app-records.js';
export { isDomain, isInDomain, MAX_LABEL, MAX_NAME } from './dns/dns-name.js';
export type { AppRecords, DnsNaming } from './dns/dns-naming.js';
export {
  type DnsRecord,
  type DnsRecordType,
  dataTextOf,
  type SoaData,
  type SrvData,
} from './dns/dns-record.js';
export { DnsZone, type NameConflict, type ZoneChange } from './dns/dns-zone.js';
export { addressesOf, addressRecords } from './dns/instance-addresses.js';
export { EDGE_MAPS, type EdgeMap, type EdgeMaps, ORDERED_MAPS } from './edge-maps.js';
export {
  type AppliedContents,
  type EdgeContents,
  type EdgeModel,
  type EdgeStructure,
  toEdgeModel,
} from './edge-model.js';
export type { EdgeServer } from './edge-server.js';
export { type BuiltTable, withEndpointChanges } from './endpoint-changes.js';
export { explainUnwritable } from './explain-unwritable.js';
export type { LabelProblem } from './labels/label-reader.js';
export { type PortLabels, readPortLabels } from './labels/port-labels.js';
export { EVERYWHERE, isAddressShared, listenerKey } from './listen-address.js';
export { type EdgeCommand, planEdgeUpdate } from './plan-edge-update.js';
export { type EdgeSettings, type EdgeTls, toSocketAddress } from './render/edge-settings.js';
export { type BaseClaims, canConnectSockets, claimsOfBase } from './render/merge-base.js';
export {
  generationMark,
  renderConfig,
  renderMap,
  renderStructure,
  structureParts,
} from './render/render-config.js';
export { isChecked, ownOptions, serverOptions } from './render/server-options.js';
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
export {
  appsOfRoute,
  type Endpoint,
  type Route,
  type RouteConflict,
  type RouteListener,
  type RouteTable,
} from './route-table.js';
export {
  type BindAddress,
  bindAddressesOf,
  listenAddressesOf,
  withoutListeners,
} from './without-listeners.js';
