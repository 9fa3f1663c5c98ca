import { CALL_LIMITS, MAX_GRACE_NANOSECONDS, MAX_NANOSECONDS, TEXT_LIMITS } from './call-limits.js';
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
  repeated,
  required,
  text,
  textUpTo,
  wholeUpTo,
} from './decode.js';
import { givenName, idValue, labels, pathText, portNumber, wireResource } from './decode-values.js';
import type {
  CommandInfo,
  CommandUri,
  ContainerInfo,
  EnvironmentVariable,
  ExecutorInfo,
  KillPolicy,
  MesosImage,
  NetworkInfo,
  TaskInfo,
  TaskStatus,
  VolumeSource,
  WireHealthCheck,
} from './values.js';

/** Decoders of what is launched and of what becomes of it. */

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
  user: optional(textUpTo(TEXT_LIMITS.name)),
  uris: optional(listOf(commandUri)),
  environment: optional(
    closedMessage<NonNullable<CommandInfo['environment']>>({
      variables: repeated(environmentVariable),
    }),
  ),
});

type DockerInfo = NonNullable<ContainerInfo['docker']>;
type VolumeInfo = NonNullable<ContainerInfo['volumes']>[number];
type SandboxPath = NonNullable<VolumeSource['sandbox_path']>;

const volumeSource: Decoder<VolumeSource> = openMessage<VolumeSource>({
  type: optional(textUpTo(TEXT_LIMITS.name)),
  host_path: optional(openMessage<{ readonly path: string }>({ path: required(pathText) })),
  sandbox_path: optional(
    openMessage<SandboxPath>({
      type: optional(knownOneOf('SELF', 'PARENT')),
      path: required(pathText),
    }),
  ),
});

const portMappings = listOf(
  closedMessage<NonNullable<DockerInfo['port_mappings']>[number]>({
    host_port: required(portNumber),
    container_port: required(portNumber),
    protocol: optional(textUpTo(TEXT_LIMITS.name)),
  }),
);

const mesosImage: Decoder<MesosImage> = openMessage<MesosImage>({
  type: optional(knownOneOf('APPC', 'DOCKER')),
  docker: optional(openMessage<{ readonly name: string }>({ name: required(nonEmptyText) })),
  cached: optional(boolean),
});

const ttyInfo: Decoder<object> = openMessage<object>({});

const containerInfo: Decoder<ContainerInfo> = openMessage<ContainerInfo>({
  type: required(oneOf('DOCKER', 'MESOS')),
  volumes: optional(
    listOf(
      openMessage<VolumeInfo>({
        mode: required(oneOf('RO', 'RW')),
        container_path: required(textUpTo(TEXT_LIMITS.path, nonEmptyText)),
        host_path: optional(pathText),
        source: optional(volumeSource),
      }),
    ),
  ),
  docker: optional(
    openMessage<DockerInfo>({
      image: required(nonEmptyText),
      network: optional(knownOneOf('HOST', 'BRIDGE', 'NONE', 'USER')),
      port_mappings: optional(portMappings),
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
    listOf(
      openMessage<NetworkInfo>({
        name: optional(text),
        labels: optional(labels),
        port_mappings: optional(portMappings),
      }),
    ),
  ),
  mesos: optional(openMessage<{ readonly image?: MesosImage }>({ image: optional(mesosImage) })),
  tty_info: optional(ttyInfo),
  rlimit_info: optional(anything),
  linux_info: optional(anything),
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

type Duration = { readonly nanoseconds: number };

/** From 0 to {@link MAX_NANOSECONDS}, without a fraction. */
export const duration: Decoder<Duration> = closedMessage<Duration>({
  nanoseconds: required(wholeUpTo(MAX_NANOSECONDS)),
});

/** Of a task or an executor: whether it may be is a rule of launches, broken for one of many. */
const anyDuration: Decoder<Duration> = closedMessage<Duration>({ nanoseconds: required(number) });

/** Of a KILL. */
export const killPolicy: Decoder<KillPolicy> = closedMessage<KillPolicy>({
  grace_period: optional(
    closedMessage<Duration>({ nanoseconds: required(wholeUpTo(MAX_GRACE_NANOSECONDS)) }),
  ),
});

const taskKillPolicy: Decoder<KillPolicy> = closedMessage<KillPolicy>({
  grace_period: optional(anyDuration),
});

const limit: Decoder<{ readonly value: number | 'Infinity' }> = closedMessage<{
  readonly value: number | 'Infinity';
}>({
  value: required<number | 'Infinity'>((input, path, issues) =>
    input === 'Infinity' ? 'Infinity' : amount(input, path, issues),
  ),
});

export const executorInfo: Decoder<ExecutorInfo> = openMessage<ExecutorInfo>({
  executor_id: required(idValue),
  framework_id: optional(idValue),
  type: optional(knownOneOf('DEFAULT', 'CUSTOM')),
  command: optional(commandInfo),
  container: optional(containerInfo),
  resources: repeated(wireResource, CALL_LIMITS.resources),
  name: optional(givenName),
  source: optional(givenName),
  data: optional(text),
  shutdown_grace_period: optional(anyDuration),
});

export const taskInfo: Decoder<TaskInfo> = openMessage<TaskInfo>({
  name: required(givenName),
  task_id: required(idValue),
  agent_id: required(idValue),
  resources: repeated(wireResource, CALL_LIMITS.resources),
  command: optional(commandInfo),
  executor: optional(executorInfo),
  container: optional(containerInfo),
  health_check: optional(healthCheck),
  check: optional(anything),
  kill_policy: optional(taskKillPolicy),
  max_completion_time: optional(anyDuration),
  data: optional(text),
  labels: optional(labels),
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
  unreachable_time: optional(duration),
});
