import { CALL_LIMITS } from './call-limits.js';
import {
  amount,
  anything,
  boolean,
  closedMessage,
  type Decoder,
  knownOneOf,
  listOf,
  mapOf,
  nonEmptyText,
  number,
  oneOf,
  openMessage,
  optional,
  pathName,
  plainName,
  plainText,
  repeated,
  required,
  text,
  wholeNumber,
} from './decode.js';
import type {
  AgentInfo,
  FrameworkInfo,
  IdValue,
  TaskInfo,
  WireAttribute,
  WireReservation,
  WireResource,
  WireUrl,
} from './values.js';

export const idValue: Decoder<IdValue> = closedMessage<IdValue>({ value: required(nonEmptyText) });

/** The id of a framework or an agent: what is registered under it is stored. */
export const registeredId: Decoder<IdValue> = closedMessage<IdValue>({
  value: required(pathName),
});

const scalarValue = closedMessage<{ readonly value: number }>({ value: required(number) });
const scalarAmount = closedMessage<{ readonly value: number }>({ value: required(amount) });
const range = closedMessage<{ readonly begin: number; readonly end: number }>({
  begin: required(wholeNumber),
  end: required(wholeNumber),
});
const rangesValue = closedMessage<{ readonly range: readonly { begin: number; end: number }[] }>({
  range: repeated(range, CALL_LIMITS.ranges),
});
const setValue = closedMessage<{ readonly item: readonly string[] }>({
  item: repeated(text),
});
const typeName = openMessage<{ readonly type: string }>({ type: required(text) });

/** Not the one name that is no ordinary key of an object, and none that could be taken for a key with traits. */
const resourceName: Decoder<string> = (input, path, issues) => {
  if (input === '__proto__') return issues.add(path, 'is "__proto__", which names no resource');
  const name = plainName(input, path, issues);
  return name?.includes('{') === true
    ? issues.add(path, `is ${JSON.stringify(name.slice(0, 64))}, which contains "{"`)
    : name;
};

export const labels = closedMessage<NonNullable<TaskInfo['labels']>>({
  labels: repeated(
    closedMessage<{ readonly key: string; readonly value?: string }>({
      key: required(text),
      value: optional(text),
    }),
  ),
});

const reservation: Decoder<WireReservation> = closedMessage<WireReservation>({
  type: optional(knownOneOf('STATIC', 'DYNAMIC')),
  role: optional(plainName),
  principal: optional(plainText),
  labels: optional(labels),
});

type DiskInfo = NonNullable<WireResource['disk']>;
const diskInfo: Decoder<DiskInfo> = closedMessage<DiskInfo>({
  persistence: optional(
    closedMessage<NonNullable<DiskInfo['persistence']>>({
      id: required(pathName),
      principal: optional(plainText),
    }),
  ),
  volume: optional(
    closedMessage<NonNullable<DiskInfo['volume']>>({
      mode: required(oneOf('RO', 'RW')),
      container_path: required(plainName),
      host_path: optional(plainText),
    }),
  ),
  source: optional(anything),
});

export const emptyMessage: Decoder<object> = closedMessage<object>({});

export const wireResource: Decoder<WireResource> = openMessage<WireResource>({
  name: required(resourceName),
  type: required(oneOf('SCALAR', 'RANGES', 'SET')),
  scalar: optional(scalarAmount),
  ranges: optional(rangesValue),
  set: optional(setValue),
  role: optional(plainText),
  allocation_info: optional(
    closedMessage<{ readonly role?: string }>({ role: optional(plainText) }),
  ),
  reservation: optional(reservation),
  reservations: optional(listOf(reservation)),
  disk: optional(diskInfo),
  revocable: optional(emptyMessage),
  shared: optional(emptyMessage),
});

export const wireAttribute: Decoder<WireAttribute> = closedMessage<WireAttribute>({
  name: required(plainName),
  type: required(oneOf('SCALAR', 'RANGES', 'SET', 'TEXT')),
  text: optional(closedMessage<{ readonly value: string }>({ value: required(text) })),
  scalar: optional(scalarValue),
  ranges: optional(rangesValue),
  set: optional(setValue),
});

export const wireUrl: Decoder<WireUrl> = openMessage<WireUrl>({
  scheme: required(text),
  address: required(
    closedMessage<WireUrl['address']>({
      hostname: optional(text),
      ip: optional(text),
      port: required(number),
    }),
  ),
  path: optional(text),
});

type Domain = NonNullable<AgentInfo['domain']>;
type FaultDomain = NonNullable<Domain['fault_domain']>;
const named = closedMessage<{ readonly name: string }>({ name: required(text) });

export const faultDomain: Decoder<Domain> = closedMessage<Domain>({
  fault_domain: optional(
    closedMessage<FaultDomain>({ region: required(named), zone: required(named) }),
  ),
});

type OfferFilter = NonNullable<FrameworkInfo['offer_filters']>[string];
type MinAllocatable = NonNullable<OfferFilter['min_allocatable_resources']>;

const offerFilter: Decoder<OfferFilter> = closedMessage<OfferFilter>({
  min_allocatable_resources: optional(
    closedMessage<MinAllocatable>({
      quantities: repeated(
        closedMessage<MinAllocatable['quantities'][number]>({
          quantities: required(mapOf(scalarAmount)),
        }),
      ),
    }),
  ),
});

export const frameworkInfo: Decoder<FrameworkInfo> = openMessage<FrameworkInfo>({
  user: required(text),
  name: required(text),
  id: optional(registeredId),
  failover_timeout: optional(number),
  checkpoint: optional(boolean),
  role: optional(plainText),
  roles: optional(listOf(plainText, CALL_LIMITS.roles)),
  hostname: optional(plainText),
  principal: optional(text),
  webui_url: optional(text),
  capabilities: optional(listOf(typeName, CALL_LIMITS.capabilities)),
  labels: optional(anything),
  offer_filters: optional(mapOf(offerFilter)),
  domain: optional(faultDomain),
});

export const agentInfo: Decoder<AgentInfo> = openMessage<AgentInfo>({
  id: optional(registeredId),
  hostname: required(plainName),
  port: required(number),
  url: optional(wireUrl),
  resources: repeated(wireResource),
  attributes: repeated(wireAttribute),
  capabilities: optional(listOf(typeName)),
  domain: optional(faultDomain),
});
