export { buildRoutes, type RoutingOptions } from './build-routes.js';
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
export type { Endpoint, Route, RouteConflict, RouteTable } from './route-table.js';
export { listenPortsOf, withoutListenPorts } from './without-listen-ports.js';
