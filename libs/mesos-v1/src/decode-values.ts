import { CALL_LIMITS, MAX_PORT, TEXT_LIMITS } from './call-limits.js';
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
  textUpTo,
  wholeNumber,
  wholeUpTo,
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

export const idValue: Decoder<IdValue> = closedMessage<IdValue>({
  value: required(textUpTo(TEXT_LIMITS.id, nonEmptyText)),
});

/** The id of a framework or an agent: what is registered under it is stored. */
export const registeredId: Decoder<IdValue> = closedMessage<IdValue>({
  value: required(pathName),
});

/** A name people read: where it comes from a client, of bounded length and printable. */
export const givenName: Decoder<string> = (input, path, issues) =>
  issues.isBounded ? shortPlainText(input, path, issues) : text(input, path, issues);
const shortPlainText = textUpTo(TEXT_LIMITS.name, plainText);

const role = textUpTo(TEXT_LIMITS.role, plainText);
/** Roles of a framework, or of one of its calls. */
export const roleList = listOf(role, CALL_LIMITS.roles);
export const pathText = textUpTo(TEXT_LIMITS.path);
export const portNumber = wholeUpTo(MAX_PORT);
const principal = textUpTo(TEXT_LIMITS.name, plainText);

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
  item: repeated(textUpTo(TEXT_LIMITS.label)),
});
const typeName = openMessage<{ readonly type: string }>({
  type: required(textUpTo(TEXT_LIMITS.name)),
});

/** Not the one name that is no ordinary key of an object, and none that could be taken for a key with traits. */
const resourceName: Decoder<string> = (input, path, issues) => {
  if (input === '__proto__') return issues.add(path, 'is "__proto__", which names no resource');
  const name = shortResourceName(input, path, issues);
  return name?.includes('{') === true
    ? issues.add(path, `is ${JSON.stringify(name.slice(0, 64))}, which contains "{"`)
    : name;
};

const shortResourceName = textUpTo(TEXT_LIMITS.resource, plainName);

/** Labels of tasks: as long as the body. */
export const labels = closedMessage<NonNullable<TaskInfo['labels']>>({
  labels: repeated(
    closedMessage<{ readonly key: string; readonly value?: string }>({
      key: required(text),
      value: optional(text),
    }),
  ),
});

/** Labels that are kept for as long as a framework or a reservation is. */
const keptLabels = closedMessage<NonNullable<TaskInfo['labels']>>({
  labels: repeated(
    closedMessage<{ readonly key: string; readonly value?: string }>({
      key: required(textUpTo(TEXT_LIMITS.name)),
      value: optional(textUpTo(TEXT_LIMITS.label)),
    }),
    CALL_LIMITS.labels,
  ),
});

const frameworkLabels: Decoder<unknown> = (input, path, issues) =>
  issues.isBounded ? keptLabels(input, path, issues) : anything(input, path, issues);

const reservation: Decoder<WireReservation> = closedMessage<WireReservation>({
  type: optional(knownOneOf('STATIC', 'DYNAMIC')),
  role: optional(textUpTo(TEXT_LIMITS.role, plainName)),
  principal: optional(principal),
  labels: optional(keptLabels),
});

type DiskInfo = NonNullable<WireResource['disk']>;
const diskInfo: Decoder<DiskInfo> = closedMessage<DiskInfo>({
  persistence: optional(
    closedMessage<NonNullable<DiskInfo['persistence']>>({
      id: required(pathName),
      principal: optional(principal),
    }),
  ),
  volume: optional(
    closedMessage<NonNullable<DiskInfo['volume']>>({
      mode: required(oneOf('RO', 'RW')),
      container_path: required(textUpTo(TEXT_LIMITS.path, plainName)),
      host_path: optional(textUpTo(TEXT_LIMITS.path, plainText)),
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
  role: optional(role),
  allocation_info: optional(closedMessage<{ readonly role?: string }>({ role: optional(role) })),
  reservation: optional(reservation),
  reservations: optional(listOf(reservation, CALL_LIMITS.reservations)),
  disk: optional(diskInfo),
  revocable: optional(emptyMessage),
  shared: optional(emptyMessage),
});

export const wireAttribute: Decoder<WireAttribute> = closedMessage<WireAttribute>({
  name: required(textUpTo(TEXT_LIMITS.name, plainName)),
  type: required(oneOf('SCALAR', 'RANGES', 'SET', 'TEXT')),
  text: optional(
    closedMessage<{ readonly value: string }>({ value: required(textUpTo(TEXT_LIMITS.label)) }),
  ),
  scalar: optional(scalarValue),
  ranges: optional(rangesValue),
  set: optional(setValue),
});

export const wireUrl: Decoder<WireUrl> = openMessage<WireUrl>({
  scheme: required(textUpTo(TEXT_LIMITS.name)),
  address: required(
    closedMessage<WireUrl['address']>({
      hostname: optional(textUpTo(TEXT_LIMITS.hostname)),
      ip: optional(textUpTo(TEXT_LIMITS.hostname)),
      port: required(portNumber),
    }),
  ),
  path: optional(pathText),
});

type Domain = NonNullable<AgentInfo['domain']>;
type FaultDomain = NonNullable<Domain['fault_domain']>;
const named = closedMessage<{ readonly name: string }>({
  name: required(textUpTo(TEXT_LIMITS.name)),
});

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
  user: required(givenName),
  name: required(givenName),
  id: optional(registeredId),
  failover_timeout: optional(number),
  checkpoint: optional(boolean),
  role: optional(role),
  roles: optional(roleList),
  hostname: optional(textUpTo(TEXT_LIMITS.hostname, plainText)),
  principal: optional(givenName),
  webui_url: optional(pathText),
  capabilities: optional(listOf(typeName, CALL_LIMITS.capabilities)),
  labels: optional(frameworkLabels),
  offer_filters: optional(mapOf(offerFilter)),
  domain: optional(faultDomain),
});

export const agentInfo: Decoder<AgentInfo> = openMessage<AgentInfo>({
  id: optional(registeredId),
  hostname: required(textUpTo(TEXT_LIMITS.hostname, plainName)),
  port: required(portNumber),
  url: optional(wireUrl),
  resources: repeated(wireResource),
  attributes: repeated(wireAttribute),
  capabilities: optional(listOf(typeName, CALL_LIMITS.capabilities)),
  domain: optional(faultDomain),
});
