import {
  type App,
  endpointsOf,
  type Instance,
  noResources,
  type Placement,
  type Resources,
} from '#core';
import { agentCheckOf } from '#deployment';
import type { ResourcePool } from '#matcher';
import {
  type CommandInfo,
  type ContainerInfo,
  MAX_GRACE_NANOSECONDS,
  type TaskInfo,
  toWireResources,
  type WireResource,
} from '#mesos-v1';
import { encode } from './reservations.js';
import { toWireCheck, toWireHealthCheck } from './task-checks.js';
import { type TaskPort, taskEnvironment } from './task-environment.js';

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
  const container = toContainerInfo(app, source.ports);
  const graceSeconds = app.taskKillGracePeriodSeconds;
  return {
    name: taskName(app.id),
    task_id: { value: instance.taskId },
    agent_id: { value: placement.agentId },
    resources: [
      ...toTaskResources(source.taken),
      ...(source.reserved === undefined ? [] : encode(source.reserved)),
    ],
    command: toCommand(source),
    ...(container === undefined ? {} : { container }),
    ...(health === undefined
      ? {}
      : { health_check: toWireHealthCheck(app, health.healthCheck, source.ports) }),
    ...(check === undefined ? {} : { check }),
    ...(graceSeconds === undefined ? {} : { kill_policy: toKillPolicy(graceSeconds) }),
    labels: {
      labels: Object.entries(app.labels).map(([key, value]) => ({ key, value })),
    },
    discovery: toDiscovery(app, source.ports),
    ...(app.resourceLimits === undefined ? {} : { limits: toLimits(app.resourceLimits) }),
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

export const isHostNetwork = (app: App): boolean => (app.networks[0]?.mode ?? 'host') === 'host';

/** `/shop/web` is `web.shop`, the name Mesos' own tools show. */
export const taskName = (appId: string): string =>
  appId
    .split('/')
    .filter((segment) => segment !== '')
    .reverse()
    .join('.');

/** With a resource of each role. */
export function toTaskResources(taken: readonly ResourcePool[]): readonly WireResource[] {
  const pools = taken.length > 0 ? taken : [{ role: '*', resources: noResources }];
  return pools.flatMap(({ role, resources }) =>
    toWireResources(resources).map((entry) => ({ ...entry, role })),
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

function toContainerInfo(app: App, ports: readonly TaskPort[]): ContainerInfo | undefined {
  const { container } = app;
  if (container === undefined) return undefined;
  const { docker } = container;
  const volumes = container.volumes.flatMap(({ containerPath, hostPath, mode }) =>
    hostPath === undefined
      ? []
      : [{ mode: mode ?? 'RW', container_path: containerPath, host_path: hostPath } as const],
  );
  const names = app.networks.flatMap(({ name }) => (name === undefined ? [] : [{ name }]));
  return {
    type: container.type,
    volumes,
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
    ...(names.length === 0 ? {} : { network_infos: names }),
  };
}

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

const toDiscovery = (app: App, ports: readonly TaskPort[]): unknown => ({
  visibility: 'FRAMEWORK',
  name: taskName(app.id),
  ports: {
    ports: ports.map(({ port, name }, index) => ({
      number: port,
      name: name ?? `port${index}`,
      protocol:
        app.portDefinitions[index]?.protocol ??
        app.container?.portMappings?.[index]?.protocol ??
        'tcp',
    })),
  },
});

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
