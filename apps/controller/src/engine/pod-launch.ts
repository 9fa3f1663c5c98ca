import {
  endpointsOf,
  type Instance,
  type PodApp,
  type PodCommand,
  type PodContainer,
  type PodHealthCheck,
  type PodVolume,
} from '#core';
import type { ResourcePool } from '#matcher';
import type {
  CommandInfo,
  ContainerInfo,
  ExecutorInfo,
  TaskInfo,
  WireHealthCheck,
} from '#mesos-v1';
import { isHostNetwork, toContainerDiscovery, toWireLabels } from './discovery.js';
import type { TaskGroup } from './engine-effect.js';
import { toLinuxInfo } from './linux-info.js';
import { podEnvironment } from './pod-environment.js';
import { shareOut } from './share-out.js';
import { NEVER_KILL } from './task-checks.js';
import { type TaskSource, toKillPolicy, toLimits } from './task-info.js';
import { toTaskResources } from './task-resources.js';

/** Mesos' name of Docker's bridge. */
const BRIDGE_NETWORK = 'mesos-bridge';

/** What a pod's instance is made from; ports are one per endpoint. */
export type PodSource = Omit<TaskSource, 'app'> & { readonly app: PodApp };

/** Builds the task group of one launch: the executor that its containers share, named by the instance, and their tasks. */
export function buildTaskGroup(source: PodSource): TaskGroup {
  const { app, instance } = source;
  const own = app.executorResources ?? { cpus: 0, mem: 0, disk: 0 };
  const executorShare = shareOut(source.taken, { ...own, gpus: 0 }, []);
  let rest = executorShare.rest;
  const tasks = app.pod.containers.map((container) => {
    const share = shareOut(rest, container.resources, hostPortsOf(app, instance, container));
    rest = share.rest;
    return toTask(source, container, share.taken);
  });
  const container = toSharedNetwork(source);
  const executor: ExecutorInfo = {
    executor_id: { value: instance.id },
    type: 'DEFAULT',
    resources: toTaskResources(executorShare.taken),
    ...(container === undefined ? {} : { container }),
  };
  return { executor, tasks };
}

function hostPortsOf(
  app: PodApp,
  { hostPorts }: Instance,
  container: PodContainer,
): readonly number[] {
  return endpointsOf(app.pod).flatMap((one, index) =>
    one.container === container.name ? (hostPorts[index] ?? []) : [],
  );
}

function toTask(
  source: PodSource,
  container: PodContainer,
  taken: readonly ResourcePool[],
): TaskInfo {
  const { app, instance, placement } = source;
  const task = instance.podTasks?.find((one) => one.container === container.name);
  const taskId = task?.taskId ?? instance.taskId;
  const info = toContainerInfo(app, container);
  const { healthCheck, lifecycle, resourceLimits } = container;
  return {
    name: container.name,
    task_id: { value: taskId },
    agent_id: { value: placement.agentId },
    resources: toTaskResources(taken),
    command: toCommand(source, container, taskId),
    ...(info === undefined ? {} : { container: info }),
    ...(healthCheck === undefined ? {} : { health_check: toHealthCheck(source, healthCheck) }),
    ...(lifecycle === undefined
      ? {}
      : { kill_policy: toKillPolicy(lifecycle.killGracePeriodSeconds) }),
    labels: toWireLabels({ ...app.labels, ...container.labels }),
    discovery: toContainerDiscovery(app, instance, {
      container: container.name,
      ports: source.ports,
    }),
    ...(resourceLimits === undefined ? {} : { limits: toLimits(resourceLimits) }),
  };
}

function toCommand(source: PodSource, container: PodContainer, taskId: string): CommandInfo {
  const { app, instance, placement, ports, isRoleEnforced } = source;
  const variables = podEnvironment({
    ...{ app, container, taskId, ports, isRoleEnforced },
    host: placement.hostname,
    hostPorts: instance.hostPorts,
  });
  const user = container.user ?? app.user;
  return {
    ...toProgram(container),
    ...(user === undefined ? {} : { user }),
    ...(container.artifacts.length === 0
      ? {}
      : {
          uris: container.artifacts.map(({ uri, destPath, ...flags }) => ({
            value: uri,
            ...flags,
            ...(destPath === undefined ? {} : { output_file: destPath }),
          })),
        }),
    environment: {
      variables: Object.entries(variables).map(([name, value]) => ({ name, value })),
    },
  };
}

/** Words go to the image's entry point, unless they are to replace it, which a shell does. Without an image they are argv. */
function toProgram({ exec, image }: PodContainer): CommandInfo {
  if (exec === undefined) return { shell: false, arguments: [] };
  const { command } = exec;
  if (image === undefined) return toPlainProgram(command);
  if ('shell' in command) return { shell: true, value: command.shell };
  if (exec.overrideEntrypoint !== true) return { shell: false, arguments: command.argv };
  return { shell: true, value: `exec ${command.argv.map(quoted).join(' ')}` };
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

function toPlainProgram(command: PodCommand): CommandInfo {
  if ('shell' in command) return { shell: true, value: command.shell };
  const [value = ''] = command.argv;
  return { shell: false, value, arguments: command.argv };
}

function toContainerInfo(app: PodApp, container: PodContainer): ContainerInfo | undefined {
  const { image, volumeMounts } = container;
  const declared = new Map(app.pod.volumes.map((volume) => [volume.name, volume]));
  const volumes = volumeMounts.flatMap(({ name, mountPath, readOnly }) => {
    const volume = declared.get(name);
    if (volume === undefined || volume.secret !== undefined) return [];
    const mode = readOnly ? ('RO' as const) : ('RW' as const);
    return [{ mode, container_path: mountPath, source: toSource(volume) }];
  });
  const { tty, linuxInfo } = container;
  if (image === undefined && volumes.length === 0 && tty !== true && linuxInfo === undefined) {
    return undefined;
  }
  return {
    type: 'MESOS',
    volumes,
    ...(tty === true ? { tty_info: {} } : {}),
    ...(linuxInfo === undefined ? {} : { linux_info: toLinuxInfo(linuxInfo) }),
    ...(image === undefined
      ? {}
      : {
          mesos: {
            image: {
              type: 'DOCKER' as const,
              docker: { name: image.id },
              cached: !image.forcePull,
            },
          },
        }),
  };
}

/** A volume without a source of its own is a directory of the group, in its executor's sandbox. */
const toSource = ({ name, host }: PodVolume) =>
  host === undefined
    ? { type: 'SANDBOX_PATH', sandbox_path: { type: 'PARENT' as const, path: name } }
    : { type: 'HOST_PATH', host_path: { path: host } };

/** The network that all containers share; undefined: the host's. */
function toSharedNetwork({ app, instance, ports }: PodSource): ContainerInfo | undefined {
  if (isHostNetwork(app)) return undefined;
  const [network] = app.networks;
  const port_mappings = endpointsOf(app.pod).flatMap(({ endpoint }, index) => {
    const host_port = instance.hostPorts[index] ?? undefined;
    if (host_port === undefined) return [];
    const container_port = endpoint.containerPort || (ports[index]?.port ?? host_port);
    return endpoint.protocol.map((protocol) => ({ host_port, container_port, protocol }));
  });
  const name = network?.mode === 'container' ? network.name : BRIDGE_NETWORK;
  const { labels = {} } = network ?? {};
  return {
    type: 'MESOS',
    network_infos: [
      {
        ...(name === undefined ? {} : { name }),
        ...(Object.keys(labels).length === 0 ? {} : { labels: toWireLabels(labels) }),
        port_mappings,
      },
    ],
  };
}

/** The agent reports health and never kills; it asks inside the network of the group. */
function toHealthCheck(source: PodSource, check: PodHealthCheck): WireHealthCheck {
  const timing = {
    delay_seconds: check.delaySeconds,
    interval_seconds: check.intervalSeconds,
    timeout_seconds: check.timeoutSeconds,
    grace_period_seconds: check.gracePeriodSeconds,
    consecutive_failures: NEVER_KILL,
  };
  const { http, tcp, exec } = check;
  if (http !== undefined) {
    const { path, scheme } = http;
    const port = portOf(source, http.endpoint);
    return { type: 'HTTP', http: { port, path, scheme: scheme.toLowerCase() }, ...timing };
  }
  if (tcp !== undefined) {
    return { type: 'TCP', tcp: { port: portOf(source, tcp.endpoint) }, ...timing };
  }
  const command = exec === undefined ? { value: 'true' } : toPlainProgram(exec.command);
  return { type: 'COMMAND', command, ...timing };
}

/** Where a container listens for an endpoint. */
function portOf({ app, ports }: PodSource, endpoint: string): number {
  const index = endpointsOf(app.pod).findIndex((one) => one.endpoint.name === endpoint);
  const { port, requested } = ports[index] ?? { port: 0, requested: 0 };
  return isHostNetwork(app) ? port : requested || port;
}
