import type { App, Container, Group, HealthCheck, Network, Volume } from '#core';
import { isHostNetworking } from '#core';
import { definedFields } from './object-reader.js';
import type { WireApp, WireHealthCheck } from './wire-app.js';

/**
 * An app definition as JSON, in Marathon's order of fields. Empty lists and maps are left out where Marathon leaves them
 * out; `labels`, `volumes` and `parameters` are there even when empty, and so are ports, as an absent list of ports
 * would mean the default one when the definition is sent back.
 */
export function toWireApp(app: App): WireApp {
  return {
    id: app.id,
    ...definedFields({
      cmd: app.cmd,
      args: ifAny(app.args),
      user: app.user,
      acceptedResourceRoles: ifAny(app.acceptedResourceRoles),
    }),
    backoffFactor: app.backoffFactor,
    backoffSeconds: app.backoffSeconds,
    ...definedFields({
      check: app.check,
      constraints: ifAny(app.constraints),
      container: app.container === undefined ? undefined : toWireContainer(app.container),
    }),
    cpus: app.cpus,
    ...definedFields({ dependencies: ifAny(app.dependencies) }),
    disk: app.disk,
    ...definedFields({ env: ifAnyKey(app.env) }),
    executor: app.executor,
    ...definedFields({
      executorResources: app.executorResources,
      fetch: ifAny(app.fetch),
      healthChecks: ifAny(app.healthChecks.map(toWireHealthCheck)),
    }),
    gpus: app.gpus,
    instances: app.instances,
    killSelection: app.killSelection,
    labels: app.labels,
    maxLaunchDelaySeconds: app.maxLaunchDelaySeconds,
    mem: app.mem,
    networks: app.networks.map(toWireNetwork),
    ...(isHostNetworking(app.networks) ? { portDefinitions: app.portDefinitions } : {}),
    ...definedFields({ readinessChecks: ifAny(app.readinessChecks) }),
    requirePorts: app.requirePorts,
    ...definedFields({
      residency: app.residency,
      resourceLimits: app.resourceLimits,
    }),
    role: app.role,
    ...definedFields({
      rollout: app.rollout,
      secrets: ifAnyKey(app.secrets),
      taskKillGracePeriodSeconds: app.taskKillGracePeriodSeconds,
      tty: app.tty,
    }),
    unreachableStrategy: app.unreachableStrategy,
    upgradeStrategy: app.upgradeStrategy,
    version: app.version,
    versionInfo: app.versionInfo,
    ...definedFields({ workload: app.workload, maxRetries: app.maxRetries }),
  };
}

/** A group's own fields as JSON, without what is in it. */
export const toWireGroupHead = (
  group: Group,
): {
  readonly id: string;
  readonly dependencies: readonly string[];
  readonly enforceRole: boolean;
} => ({
  id: group.id,
  dependencies: group.dependencies,
  enforceRole: group.enforceRole,
});

/** A health check as JSON; fields that its protocol does not use are left out. */
export function toWireHealthCheck(check: HealthCheck): WireHealthCheck {
  const isHttp = check.protocol.includes('HTTP');
  return {
    ...definedFields({ command: check.command }),
    delaySeconds: check.delaySeconds,
    gracePeriodSeconds: check.gracePeriodSeconds,
    ...(isHttp ? { ignoreHttp1xx: check.ignoreHttp1xx } : {}),
    intervalSeconds: check.intervalSeconds,
    ...(check.protocol === 'COMMAND' ? {} : { ipProtocol: check.ipProtocol }),
    maxConsecutiveFailures: check.maxConsecutiveFailures,
    ...definedFields({ path: check.path, port: check.port, portIndex: check.portIndex }),
    protocol: check.protocol,
    timeoutSeconds: check.timeoutSeconds,
  };
}

function toWireContainer(container: Container): NonNullable<WireApp['container']> {
  const { docker, portMappings, linuxInfo } = container;
  return {
    type: container.type,
    ...definedFields({ docker, linuxInfo }),
    volumes: container.volumes.map((volume): Volume => volume),
    ...(portMappings === undefined
      ? {}
      : {
          portMappings: portMappings.map(({ networkNames, ...mapping }) => ({
            ...mapping,
            ...definedFields({ networkNames: ifAny(networkNames) }),
          })),
        }),
  };
}

export const toWireNetwork = ({ mode, name, labels }: Network): Network => ({
  mode,
  ...definedFields({ name, labels: ifAnyKey(labels ?? {}) }),
});

/** Undefined when empty, so that it is left out. */
export const ifAny = <Item>(items: readonly Item[]): readonly Item[] | undefined =>
  items.length > 0 ? items : undefined;

export const ifAnyKey = <Value>(
  map: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> | undefined => (Object.keys(map).length > 0 ? map : undefined);
