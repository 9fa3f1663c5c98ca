import {
  type AppId,
  fromMilli,
  type HealthCheck,
  type Pod,
  type PodContainer,
  type PodHealthCheck,
  toMilli,
} from '#core';
import {
  completeNetworks,
  type Definition,
  isSingleInstance,
  type Surroundings,
} from './complete-app.js';
import { definedFields } from './object-reader.js';
import type { PodFields } from './pod-fields.js';

/** A complete definition of a pod that has no version yet. */
export type PodDefinition = Definition & {
  readonly pod: Pod;
  readonly executorResources: NonNullable<Definition['executorResources']>;
};

/** What Marathon gives the executor of a pod. */
const EXECUTOR_RESOURCES = { cpus: 0.1, mem: 32, disk: 10 };

/** Fills in every default. What an instance takes is the sum of its containers and its executor. */
export function completePod(
  id: AppId,
  fields: PodFields,
  surroundings: Surroundings,
): PodDefinition {
  const { scheduling, containers, volumes, maxInstances } = fields;
  const executorResources = fields.executorResources ?? EXECUTOR_RESOURCES;
  const sum = (name: 'cpus' | 'mem' | 'disk' | 'gpus', own: number): number =>
    fromMilli(
      containers.reduce((all, { resources }) => all + toMilli(resources[name]), toMilli(own)),
    );
  const capacity = isSingleInstance(fields.labels) ? 0 : 1;
  return {
    id,
    args: [],
    ...definedFields({ user: fields.user }),
    env: fields.environment,
    secrets: fields.secrets,
    labels: fields.labels,
    instances: fields.instances,
    cpus: sum('cpus', executorResources.cpus),
    mem: sum('mem', executorResources.mem),
    disk: sum('disk', executorResources.disk),
    gpus: sum('gpus', 0),
    executor: '',
    executorResources,
    constraints: scheduling.constraints ?? [],
    acceptedResourceRoles: scheduling.acceptedResourceRoles ?? [],
    role: fields.role ?? surroundings.role,
    dependencies: [],
    fetch: [],
    networks: completeNetworks(fields.networks, surroundings.defaultNetworkName),
    portDefinitions: [],
    requirePorts: false,
    healthChecks: containers.flatMap(({ healthCheck }) =>
      healthCheck === undefined ? [] : [toHealthCheck(healthCheck, containers)],
    ),
    readinessChecks: [],
    backoffSeconds: scheduling.backoffSeconds ?? 1,
    backoffFactor: scheduling.backoffFactor ?? 1.15,
    maxLaunchDelaySeconds: scheduling.maxLaunchDelaySeconds ?? 300,
    upgradeStrategy: {
      minimumHealthCapacity: scheduling.minimumHealthCapacity ?? capacity,
      maximumOverCapacity: scheduling.maximumOverCapacity ?? capacity,
    },
    killSelection: scheduling.killSelection ?? 'YOUNGEST_FIRST',
    unreachableStrategy: scheduling.unreachableStrategy ?? {
      inactiveAfterSeconds: 0,
      expungeAfterSeconds: 0,
    },
    pod: { containers, volumes, ...definedFields({ maxInstances }) },
  };
}

/** The check of a container in the form of an app's; all are run by the agent. */
function toHealthCheck(check: PodHealthCheck, containers: readonly PodContainer[]): HealthCheck {
  const { http, tcp, exec, ...timing } = check;
  const names = containers.flatMap(({ endpoints }) => endpoints.map(({ name }) => name));
  const portIndexOf = (endpoint: string): { readonly portIndex?: number } => {
    const index = names.indexOf(endpoint);
    return index < 0 ? {} : { portIndex: index };
  };
  const rest = { ...timing, ignoreHttp1xx: false, ipProtocol: 'IPv4' } as const;
  if (http !== undefined) {
    const protocol = http.scheme === 'HTTPS' ? 'MESOS_HTTPS' : 'MESOS_HTTP';
    return { protocol, path: http.path, ...portIndexOf(http.endpoint), ...rest };
  }
  if (tcp !== undefined) return { protocol: 'MESOS_TCP', ...portIndexOf(tcp.endpoint), ...rest };
  const command = exec?.command ?? { argv: [] };
  const value = 'shell' in command ? command.shell : command.argv.join(' ');
  return { protocol: 'COMMAND', command: { value }, ...rest };
}
