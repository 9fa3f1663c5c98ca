import {
  type App,
  type AppId,
  type Container,
  type HealthCheck,
  isHostNetworking,
  isResident,
  type Network,
  type PortDefinition,
  type PortMapping,
} from '#core';
import { parentOf, resolveId } from './path-id.js';
import type { ProblemLog } from './refusal.js';
import { completeWorkload, daemonUnreachableStrategy } from './workload.js';
import type { AppFields } from './written-app.js';

/** A complete definition that has no version yet. */
export type Definition = Omit<App, 'version' | 'versionInfo'>;

/** What defaults depend on besides the definition itself. */
export interface Surroundings {
  /** The role of an app that names none: its group's where that is enforced, else the controller's. */
  readonly role: string;
  /** The same of an app with persistent volumes. */
  readonly residentRole: string;
  /** Given to container networks without a name. */
  readonly defaultNetworkName?: string;
}

/**
 * Puts an update's fields over a definition. Fields replace as wholes. `cmd` and `args` exclude each other, and so do
 * the ports of host networking and of other networks: the one given ends the other, where Marathon would refuse.
 */
export function mergeFields(base: AppFields, update: AppFields): AppFields {
  const merged: { -readonly [Field in keyof AppFields]: AppFields[Field] } = { ...base, ...update };
  if (update.cmd !== undefined && update.args === undefined) delete merged.args;
  if (update.args !== undefined && update.args.length > 0 && update.cmd === undefined) {
    delete merged.cmd;
  }
  const isJob = (merged.workload ?? 'service') === 'job';
  if (!isJob && update.maxRetries === undefined) delete merged.maxRetries;
  const isHost = isHostNetworking(merged.networks);
  if (!isHost && update.portDefinitions === undefined) delete merged.portDefinitions;
  if (!isHost && update.requirePorts === undefined) delete merged.requirePorts;
  if (isHost && update.container === undefined && merged.container?.portMappings !== undefined) {
    const { portMappings: _dropped, ...container } = merged.container;
    merged.container = container;
  }
  const changesVolumes = update.container !== undefined;
  if (changesVolumes && update.residency === undefined) delete merged.residency;
  return merged;
}

/** Fills in every default. Ids in `dependencies` become absolute, relative to the app's group; wrong ones are reported. */
export function completeApp(
  id: AppId,
  fields: AppFields,
  surroundings: Surroundings,
  at: { readonly path: string; readonly problems: ProblemLog },
): Definition {
  const networks = completeNetworks(fields.networks, surroundings.defaultNetworkName);
  const isHost = isHostNetworking(networks);
  const container = completeContainer(fields.container, networks);
  const portDefinitions = fields.portDefinitions ?? (isHost ? [DEFAULT_PORT_DEFINITION] : []);
  const portCount = isHost ? portDefinitions.length : (container?.portMappings?.length ?? 0);
  const resident = isResident(container === undefined ? {} : { container });
  const { container: _written, workload: _workload, rollout, ...rest } = fields;
  const completed: Definition = {
    ...rest,
    id,
    ...completeWorkload(fields),
    args: fields.args ?? [],
    env: fields.env ?? {},
    secrets: fields.secrets ?? {},
    labels: fields.labels ?? {},
    cpus: fields.cpus ?? 1,
    mem: fields.mem ?? 128,
    disk: fields.disk ?? 0,
    gpus: fields.gpus ?? 0,
    executor: fields.executor ?? '',
    constraints: fields.constraints ?? [],
    acceptedResourceRoles: fields.acceptedResourceRoles ?? [],
    role: fields.role ?? (resident ? surroundings.residentRole : surroundings.role),
    dependencies: resolveDependencies(fields.dependencies ?? [], parentOf(id), at),
    fetch: fields.fetch ?? [],
    networks,
    portDefinitions,
    requirePorts: isHost && (fields.requirePorts ?? false),
    healthChecks: (fields.healthChecks ?? []).map((check) => withPort(check, portCount)),
    readinessChecks: fields.readinessChecks ?? [],
    backoffSeconds: fields.backoffSeconds ?? 1,
    backoffFactor: fields.backoffFactor ?? 1.15,
    maxLaunchDelaySeconds: fields.maxLaunchDelaySeconds ?? 300,
    upgradeStrategy: fields.upgradeStrategy ?? defaultUpgradeStrategy(fields, container),
    killSelection: fields.killSelection ?? 'YOUNGEST_FIRST',
    unreachableStrategy:
      fields.unreachableStrategy ?? (resident ? 'disabled' : defaultUnreachableStrategy(fields)),
  };
  return {
    ...completed,
    ...(container === undefined ? {} : { container }),
    ...(rollout === undefined || Object.keys(rollout).length === 0 ? {} : { rollout }),
    ...(resident && fields.residency === undefined ? { residency: DEFAULT_RESIDENCY } : {}),
  };
}

/** Resolves the dependencies of an app or a group against the group `base`; each once, in the order given. */
export function resolveDependencies(
  dependencies: readonly string[],
  base: string,
  at: { readonly path: string; readonly problems: ProblemLog },
): readonly string[] {
  const resolved = new Set<string>();
  dependencies.forEach((dependency, index) => {
    const parsed = resolveId(dependency, base);
    if (parsed.ok) resolved.add(parsed.id);
    else at.problems.reportRule(`${at.path}/dependencies(${index})`, parsed.error);
  });
  return [...resolved];
}

const defaultUnreachableStrategy = ({ workload }: AppFields): App['unreachableStrategy'] =>
  workload === 'daemon'
    ? daemonUnreachableStrategy
    : { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 };

const DEFAULT_PORT_DEFINITION: PortDefinition = {
  port: 0,
  protocol: 'tcp',
  name: 'default',
  labels: {},
};

const DEFAULT_RESIDENCY = {
  relaunchEscalationTimeoutSeconds: 3600,
  taskLostBehavior: 'WAIT_FOREVER',
} as const;

const SINGLE_INSTANCE_LABEL = 'MARATHON_SINGLE_INSTANCE_APP';

/** Whether a label limits the app to one instance at any time, also while it is replaced. */
export const isSingleInstance = (labels: Readonly<Record<string, string>>): boolean =>
  Object.hasOwn(labels, SINGLE_INSTANCE_LABEL) && labels[SINGLE_INSTANCE_LABEL] === 'true';

function defaultUpgradeStrategy(
  fields: AppFields,
  container: Container | undefined,
): App['upgradeStrategy'] {
  if (isSingleInstance(fields.labels ?? {})) {
    return { minimumHealthCapacity: 0, maximumOverCapacity: 0 };
  }
  const keepsData =
    container?.volumes.some(
      (volume) => volume.persistent !== undefined || volume.external !== undefined,
    ) ?? false;
  return keepsData
    ? { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 }
    : { minimumHealthCapacity: 1, maximumOverCapacity: 1 };
}

/** The host's network when none is named; container networks get the default name. */
export function completeNetworks(
  networks: readonly Network[] | undefined,
  defaultName: string | undefined,
): readonly Network[] {
  if (networks === undefined || networks.length === 0) return [{ mode: 'host' }];
  return networks.map((network) =>
    network.mode === 'container' && network.name === undefined && defaultName !== undefined
      ? { ...network, name: defaultName }
      : network,
  );
}

/** A network of the task's own implies a container; its ports default to one named `default`. */
function completeContainer(
  written: AppFields['container'],
  networks: readonly Network[],
): Container | undefined {
  if (isHostNetworking(networks)) {
    if (written?.portMappings?.length !== 0) return written;
    const { portMappings: _empty, ...container } = written;
    return container;
  }
  const container = written ?? { type: 'MESOS', volumes: [] };
  const isBridge = networks[0]?.mode === 'container/bridge';
  const portMappings = container.portMappings ?? [DEFAULT_PORT_MAPPING];
  return {
    ...container,
    portMappings: isBridge ? portMappings.map(withHostPort) : portMappings,
  };
}

const DEFAULT_PORT_MAPPING: PortMapping = {
  containerPort: 0,
  servicePort: 0,
  protocol: 'tcp',
  name: 'default',
  labels: {},
  networkNames: [],
};

const withHostPort = (mapping: PortMapping): PortMapping => ({
  ...mapping,
  hostPort: mapping.hostPort ?? 0,
});

/** A check over the network that names no port means the first one. */
function withPort(check: HealthCheck, portCount: number): HealthCheck {
  const needsPort = check.protocol !== 'COMMAND';
  const isOpen = check.port === undefined && check.portIndex === undefined;
  return needsPort && isOpen && portCount > 0 ? { ...check, portIndex: 0 } : check;
}
