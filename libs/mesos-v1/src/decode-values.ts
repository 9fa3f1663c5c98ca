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
  CommandInfo,
  CommandUri,
  ContainerInfo,
  EnvironmentVariable,
  FrameworkInfo,
  IdValue,
  KillPolicy,
  TaskInfo,
  TaskStatus,
  WireAttribute,
  WireHealthCheck,
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
  range: repeated(range),
});
const setValue = closedMessage<{ readonly item: readonly string[] }>({
  item: repeated(text),
});
const typeName = openMessage<{ readonly type: string }>({ type: required(text) });

/** Any but the one name that is no ordinary key of an object. */
const resourceName: Decoder<string> = (input, path, issues) =>
  input === '__proto__'
    ? issues.add(path, 'is "__proto__", which names no resource')
    : plainName(input, path, issues);

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
  reservations: optional(listOf(anything)),
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

export const frameworkInfo: Decoder<FrameworkInfo> = openMessage<FrameworkInfo>({
  user: required(text),
  name: required(text),
  id: optional(registeredId),
  failover_timeout: optional(number),
  checkpoint: optional(boolean),
  role: optional(plainText),
  roles: optional(listOf(plainText)),
  hostname: optional(plainText),
  principal: optional(text),
  webui_url: optional(text),
  capabilities: optional(listOf(typeName)),
  labels: optional(anything),
  offer_filters: optional(anything),
});

const environmentVariable: Decoder<EnvironmentVariable> = openMessage<EnvironmentVariable>({
  name: required(nonEmptyText),
  value: optional(text),
  type: optional(knownOneOf('VALUE', 'SECRET')),
});

const commandUri: Decoder<CommandUri> = openMessage<CommandUri>({
  value: required(nonEmptyText),
  executable: optional(boolean),
  extract: optional(boolean),
  cache: optional(boolean),
  output_file: optional(text),
});

const commandInfo: Decoder<CommandInfo> = openMessage<CommandInfo>({
  shell: optional(boolean),
  value: optional(text),
  arguments: optional(listOf(text)),
  user: optional(text),
  uris: optional(listOf(commandUri)),
  environment: optional(
    closedMessage<NonNullable<CommandInfo['environment']>>({
      variables: repeated(environmentVariable),
    }),
  ),
});

type DockerInfo = NonNullable<ContainerInfo['docker']>;
type VolumeInfo = NonNullable<ContainerInfo['volumes']>[number];

const containerInfo: Decoder<ContainerInfo> = openMessage<ContainerInfo>({
  type: required(oneOf('DOCKER', 'MESOS')),
  volumes: optional(
    listOf(
      openMessage<VolumeInfo>({
        mode: required(oneOf('RO', 'RW')),
        container_path: required(nonEmptyText),
        host_path: optional(text),
      }),
    ),
  ),
  docker: optional(
    openMessage<DockerInfo>({
      image: required(nonEmptyText),
      network: optional(knownOneOf('HOST', 'BRIDGE', 'NONE', 'USER')),
      port_mappings: optional(
        listOf(
          closedMessage<NonNullable<DockerInfo['port_mappings']>[number]>({
            host_port: required(number),
            container_port: required(number),
            protocol: optional(text),
          }),
        ),
      ),
      privileged: optional(boolean),
      parameters: optional(
        listOf(
          closedMessage<{ readonly key: string; readonly value: string }>({
            key: required(text),
            value: required(text),
          }),
        ),
      ),
      force_pull_image: optional(boolean),
    }),
  ),
  network_infos: optional(
    listOf(openMessage<{ readonly name?: string }>({ name: optional(text) })),
  ),
});

const addressFamily = knownOneOf('IPV4', 'IPV6');

const healthCheck: Decoder<WireHealthCheck> = openMessage<WireHealthCheck>({
  type: optional(knownOneOf('COMMAND', 'HTTP', 'TCP')),
  http: optional(
    openMessage<NonNullable<WireHealthCheck['http']>>({
      port: required(number),
      path: optional(text),
      scheme: optional(text),
      protocol: optional(addressFamily),
    }),
  ),
  tcp: optional(
    openMessage<NonNullable<WireHealthCheck['tcp']>>({
      port: required(number),
      protocol: optional(addressFamily),
    }),
  ),
  command: optional(commandInfo),
  delay_seconds: optional(number),
  interval_seconds: optional(number),
  timeout_seconds: optional(number),
  consecutive_failures: optional(number),
  grace_period_seconds: optional(number),
});

export const killPolicy: Decoder<KillPolicy> = closedMessage<KillPolicy>({
  grace_period: optional(
    closedMessage<{ readonly nanoseconds: number }>({ nanoseconds: required(number) }),
  ),
});

const limit: Decoder<{ readonly value: number | 'Infinity' }> = closedMessage<{
  readonly value: number | 'Infinity';
}>({
  value: required<number | 'Infinity'>((input, path, issues) =>
    input === 'Infinity' ? 'Infinity' : number(input, path, issues),
  ),
});

export const taskInfo: Decoder<TaskInfo> = openMessage<TaskInfo>({
  name: required(text),
  task_id: required(idValue),
  agent_id: required(idValue),
  resources: repeated(wireResource),
  command: optional(commandInfo),
  executor: optional(anything),
  container: optional(containerInfo),
  health_check: optional(healthCheck),
  kill_policy: optional(killPolicy),
  data: optional(text),
  labels: optional(
    closedMessage<NonNullable<TaskInfo['labels']>>({
      labels: repeated(
        closedMessage<{ readonly key: string; readonly value?: string }>({
          key: required(text),
          value: optional(text),
        }),
      ),
    }),
  ),
  discovery: optional(anything),
  limits: optional(mapOf(limit)),
});

type ContainerStatus = NonNullable<TaskStatus['container_status']>;
type NetworkStatus = NonNullable<ContainerStatus['network_infos']>[number];
type IpAddress = NonNullable<NetworkStatus['ip_addresses']>[number];

const networkStatus = openMessage<NetworkStatus>({
  ip_addresses: optional(
    listOf(
      openMessage<IpAddress>({
        ip_address: required(text),
        protocol: optional(knownOneOf('IPv4', 'IPv6')),
      }),
    ),
  ),
});

export const taskStatus: Decoder<TaskStatus> = openMessage<TaskStatus>({
  task_id: required(idValue),
  state: required(nonEmptyText),
  source: optional(knownOneOf('SOURCE_MASTER', 'SOURCE_AGENT', 'SOURCE_EXECUTOR')),
  reason: optional(text),
  message: optional(text),
  data: optional(text),
  agent_id: optional(idValue),
  executor_id: optional(idValue),
  timestamp: optional(number),
  uuid: optional(text),
  healthy: optional(boolean),
  check_status: optional(anything),
  labels: optional(anything),
  container_status: optional(
    openMessage<ContainerStatus>({
      container_id: optional(idValue),
      network_infos: optional(listOf(networkStatus)),
      executor_pid: optional(number),
    }),
  ),
  unreachable_time: optional(
    closedMessage<{ readonly nanoseconds: number }>({ nanoseconds: required(number) }),
  ),
});

type Domain = NonNullable<AgentInfo['domain']>;
type FaultDomain = NonNullable<Domain['fault_domain']>;
const named = closedMessage<{ readonly name: string }>({ name: required(text) });

export const faultDomain: Decoder<Domain> = closedMessage<Domain>({
  fault_domain: optional(
    closedMessage<FaultDomain>({ region: required(named), zone: required(named) }),
  ),
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
