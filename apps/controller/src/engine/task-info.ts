import {
  type App,
  endpointsOf,
  hasCustomExecutor,
  type Instance,
  type Placement,
  type Resources,
} from '#core';
import { agentCheckOf } from '#deployment';
import type { ResourcePool } from '#matcher';
import {
  type CommandInfo,
  type ContainerInfo,
  MAX_GRACE_NANOSECONDS,
  type NetworkInfo,
  type TaskInfo,
} from '#mesos-v1';
import { isHostNetwork, taskName, toDiscovery, toWireLabels } from './discovery.js';
import { toExecutor } from './launch-executor.js';
import { toLinuxInfo } from './linux-info.js';
import { encode } from './reservations.js';
import { toWireCheck, toWireHealthCheck } from './task-checks.js';
import { type TaskPort, taskEnvironment } from './task-environment.js';
import { toTaskResources } from './task-resources.js';

const NANOSECONDS = 1_000_000_000;

/** An agent waits a day at most, and a master refuses the task of one that is to wait longer. */
export const toKillPolicy = (
  seconds: number,
): { readonly grace_period: { readonly nanoseconds: number } } => ({
  grace_period: { nanoseconds: Math.min(seconds * NANOSECONDS, MAX_GRACE_NANOSECONDS) },
});

/** Everything a task is made from. */
export interface TaskSource {
  readonly app: App;
  readonly instance: Instance;
  readonly placement: Placement;
  /** What it takes of the offer, by role. */
  readonly taken: readonly ResourcePool[];
  /** What it takes of its own reservation, by key. */
  readonly reserved?: Resources;
  readonly isRoleEnforced: boolean;
  /** The ports of the task, one per definition or mapping. */
  readonly ports: readonly TaskPort[];
}

/** Builds the TaskInfo of one launch. */
export function buildTaskInfo(source: TaskSource): TaskInfo {
  const { app, instance, placement } = source;
  const health = agentCheckOf(app);
  const check = toWireCheck(app, source.ports);
  const graceSeconds = app.taskKillGracePeriodSeconds;
  return {
    name: taskName(app.id),
    task_id: { value: instance.taskId },
    agent_id: { value: placement.agentId },
    ...toWork(source),
    ...(health === undefined
      ? {}
      : { health_check: toWireHealthCheck(app, health.healthCheck, source.ports) }),
    ...(check === undefined ? {} : { check }),
    ...(graceSeconds === undefined ? {} : { kill_policy: toKillPolicy(graceSeconds) }),
    labels: toWireLabels(app.labels),
    discovery: toDiscovery(app, instance, source.ports),
    ...(app.resourceLimits === undefined ? {} : { limits: toLimits(app.resourceLimits) }),
  };
}

/** What is run, and on which resources: a command and its container, or the app's executor, which gets them instead. */
function toWork(
  source: TaskSource,
): Pick<TaskInfo, 'resources' | 'command' | 'container' | 'executor' | 'data'> {
  const { app, instance, taken, reserved } = source;
  const container = toContainerInfo(app, source.ports);
  const launch = { command: toCommand(source), ...(container === undefined ? {} : { container }) };
  if (hasCustomExecutor(app)) return toExecutor({ app, instance, taken, ...launch });
  return {
    resources: [...toTaskResources(taken), ...(reserved === undefined ? [] : encode(reserved))],
    ...launch,
  };
}

/** Host ports of a task by position, with what the definition asked for. `randomPort` stands in for a container port 0. */
export function taskPorts(
  app: App,
  hostPorts: readonly (number | null)[],
  randomPort: (index: number) => number,
): readonly TaskPort[] {
  return declaredPorts(app).map(({ requested, name }, index) => ({
    port: hostPorts[index] ?? (requested === 0 ? randomPort(index) : requested),
    requested,
    ...(name === undefined ? {} : { name }),
  }));
}

function declaredPorts(
  app: App,
): readonly { readonly requested: number; readonly name: string | undefined }[] {
  if (app.pod !== undefined) {
    return endpointsOf(app.pod).map(({ endpoint: { name, containerPort = 0 } }) => ({
      requested: containerPort,
      name,
    }));
  }
  const mappings = isHostNetwork(app) ? undefined : app.container?.portMappings;
  return (
    mappings?.map(({ containerPort, name }) => ({ requested: containerPort, name })) ??
    app.portDefinitions.map(({ port, name }) => ({ requested: port, name }))
  );
}

function toCommand(source: TaskSource): CommandInfo {
  const { app, instance, placement } = source;
  const variables = taskEnvironment({
    app,
    taskId: instance.taskId,
    host: placement.hostname,
    ports: source.ports,
    isRoleEnforced: source.isRoleEnforced,
  });
  return {
    ...toProgram(app),
    ...(app.user === undefined ? {} : { user: app.user }),
    ...(app.fetch.length === 0
      ? {}
      : {
          uris: app.fetch.map(({ uri, extract, executable, cache, destPath }) => ({
            value: uri,
            extract,
            executable,
            cache,
            ...(destPath === undefined ? {} : { output_file: destPath }),
          })),
        }),
    environment: {
      variables: Object.entries(variables).map(([name, value]) => ({ name, value })),
    },
  };
}

/** cmd goes to a shell. args are argv; with an image they follow its entry point, else the first is the program. */
function toProgram(app: App): Pick<CommandInfo, 'shell' | 'value' | 'arguments'> {
  if (app.cmd !== undefined) return { shell: true, value: app.cmd };
  const hasImage = app.container?.docker?.image !== undefined;
  if (hasImage) return { shell: false, arguments: app.args };
  const [program] = app.args;
  return {
    shell: false,
    ...(program === undefined ? {} : { value: program }),
    arguments: app.args,
  };
}

/** Without a container of its own an app has one only for its terminal. */
function toContainerInfo(app: App, ports: readonly TaskPort[]): ContainerInfo | undefined {
  const { container } = app;
  const terminal = app.tty === true ? { tty_info: {} } : {};
  if (container === undefined) return app.tty === true ? { type: 'MESOS', ...terminal } : undefined;
  const { docker, linuxInfo } = container;
  const volumes = container.volumes.flatMap(({ containerPath, hostPath, mode }) =>
    hostPath === undefined
      ? []
      : [{ mode: mode ?? 'RW', container_path: containerPath, host_path: hostPath } as const],
  );
  const networks = toNetworkInfos(app);
  return {
    type: container.type,
    volumes,
    ...terminal,
    ...(linuxInfo === undefined ? {} : { linux_info: toLinuxInfo(linuxInfo) }),
    ...(docker === undefined
      ? {}
      : {
          docker: {
            image: docker.image,
            network: toDockerNetwork(app),
            privileged: docker.privileged,
            parameters: docker.parameters,
            force_pull_image: docker.forcePullImage,
            port_mappings: toPortMappings(app, ports),
          },
        }),
    ...(networks.length === 0 ? {} : { network_infos: networks }),
  };
}

/** Networks with a name or labels; the labels are for whoever makes the network, and for those who look at the task. */
const toNetworkInfos = ({ networks }: App): readonly NetworkInfo[] =>
  networks.flatMap(({ name, labels = {} }) => {
    const own = Object.keys(labels).length === 0 ? {} : { labels: toWireLabels(labels) };
    const info = { ...(name === undefined ? {} : { name }), ...own };
    return Object.keys(info).length === 0 ? [] : [info];
  });

function toDockerNetwork(app: App): 'HOST' | 'BRIDGE' | 'USER' {
  switch (app.networks[0]?.mode ?? 'host') {
    case 'host':
      return 'HOST';
    case 'container/bridge':
      return 'BRIDGE';
    case 'container':
      return 'USER';
  }
}

/** Container port 0 means the same as the host port. `udp,tcp` becomes two mappings. */
function toPortMappings(
  app: App,
  ports: readonly TaskPort[],
): NonNullable<NonNullable<ContainerInfo['docker']>['port_mappings']> {
  if (isHostNetwork(app)) return [];
  return (app.container?.portMappings ?? []).flatMap((mapping, index) => {
    const hostPort = ports[index]?.port;
    if (mapping.hostPort === undefined || hostPort === undefined) return [];
    return mapping.protocol.split(',').map((protocol) => ({
      host_port: hostPort,
      container_port: mapping.containerPort === 0 ? hostPort : mapping.containerPort,
      protocol: protocol.trim(),
    }));
  });
}

export function toLimits(
  limits: NonNullable<App['resourceLimits']>,
): Readonly<Record<string, { readonly value: number | 'Infinity' }>> {
  const entries = [
    ['cpus', limits.cpus],
    ['mem', limits.mem],
  ] as const;
  return Object.fromEntries(
    entries.flatMap(([name, limit]) =>
      limit === undefined
        ? []
        : [[name, { value: limit === 'unlimited' ? ('Infinity' as const) : limit }]],
    ),
  );
}
