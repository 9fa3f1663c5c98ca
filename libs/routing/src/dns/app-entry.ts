import type { WireApp, WireTask } from '#marathon-v2';
import { canonicalAddress } from './ip-address.js';

/** A port of an instance, and at which of its addresses it is. */
export interface InstancePort {
  readonly name?: string;
  readonly protocols: readonly ('tcp' | 'udp')[];
  readonly at: 'agent' | 'own';
  readonly port: number;
}

/** An instance that has names. */
export interface NamedInstance {
  readonly taskId: string;
  readonly version: string;
  readonly agentId: string;
  /** Of the host; undefined: its name could not be resolved. */
  readonly agentAddress?: string;
  /** Of its own, on a container network. */
  readonly ownAddresses: readonly string[];
  readonly ports: readonly InstancePort[];
}

/** What the names of an app are made of. Plain data: it is written to disk. */
export interface AppEntry {
  readonly id: string;
  readonly version: string;
  /** Of SRV records, from the label `DNS_WEIGHT`; undefined: the setting. */
  readonly weight?: number;
  readonly instances: readonly NamedInstance[];
  /** No instance is fit to serve, and those that last were are named still. */
  readonly isFailStatic: boolean;
  /** What the app asked for and does not get. */
  readonly problems: readonly string[];
}

export interface EntryContext {
  /** Health last seen per task, where results are missing: unknown is not unhealthy. */
  readonly lastKnownHealth: ReadonlyMap<string, boolean>;
  /** The entry so far. */
  readonly before: AppEntry | undefined;
}

const MAX_WEIGHT = 65_535;
/** Whose process may live: a partition is no proof of death. */
const LIVING: ReadonlySet<string> = new Set(['TASK_RUNNING', 'TASK_LOST', 'TASK_UNREACHABLE']);

/**
 * Says which instances of an app have names: those that run, are healthy (or unchecked), ready, and not draining. When
 * instances live but none of them is fit, those named before that still live keep their names. An instance of which nothing
 * changed is the same object as before. O(tasks of the app).
 */
export function toAppEntry(app: WireApp, context: EntryContext): AppEntry {
  const problems: string[] = [];
  const unready = new Set(
    (app.readinessCheckResults ?? []).filter(({ ready }) => !ready).map(({ taskId }) => taskId),
  );
  const living = (app.tasks ?? []).filter(
    ({ state, draining }) => LIVING.has(state) && draining === undefined,
  );
  const fit = living.filter(
    (task) =>
      task.state === 'TASK_RUNNING' && !unready.has(task.id) && isHealthy(app, task, context),
  );
  const named = new Map(context.before?.instances.map((one) => [one.taskId, one]));
  const kept = fit.length > 0 ? [] : living.filter(({ id }) => named.has(id));
  const weight = readWeight(app, problems);
  return {
    id: app.id,
    version: app.version,
    ...(weight === undefined ? {} : { weight }),
    instances: [...fit, ...kept].map((task) => {
      const before = named.get(task.id);
      const made = toInstance(app, task, before);
      return before !== undefined && isSame(made, before) ? before : made;
    }),
    isFailStatic: kept.length > 0,
    problems,
  };
}

function isHealthy(app: WireApp, task: WireTask, { lastKnownHealth }: EntryContext): boolean {
  if ((app.healthChecks ?? []).length === 0) return true;
  const results = task.healthCheckResults ?? [];
  if (results.length === 0) return lastKnownHealth.get(task.id) ?? false;
  return results.some(({ alive }) => alive);
}

function readWeight(app: WireApp, problems: string[]): number | undefined {
  const text = app.labels['DNS_WEIGHT'];
  if (text === undefined) return undefined;
  const weight = Number(text);
  if (/^\s*\d+\s*$/.test(text) && weight <= MAX_WEIGHT) return weight;
  problems.push(`label DNS_WEIGHT: "${text}" is not a whole number from 0 to ${MAX_WEIGHT}`);
  return undefined;
}

function toInstance(
  app: WireApp,
  task: WireTask,
  before: NamedInstance | undefined,
): NamedInstance {
  // A host of which no address is known is where it was.
  const agentAddress = canonicalAddress(task.host) ?? before?.agentAddress;
  const ownAddresses = (isContainerNetworked(app) ? (task.ipAddresses ?? []) : []).flatMap(
    ({ ipAddress }) => canonicalAddress(ipAddress) ?? [],
  );
  return {
    taskId: task.id,
    version: task.version,
    agentId: task.slaveId,
    ...(agentAddress === undefined ? {} : { agentAddress }),
    ownAddresses: [...new Set(ownAddresses)],
    ports: isContainerNetworked(app)
      ? mappedPorts(app, task, ownAddresses.length > 0)
      : (app.portDefinitions ?? []).flatMap((definition, index) =>
          toPort(definition, { at: 'agent', port: task.ports[index] }),
        ),
  };
}

/** Of the same task. */
const isSame = (one: NamedInstance, other: NamedInstance): boolean =>
  one.agentAddress === other.agentAddress &&
  one.version === other.version &&
  one.agentId === other.agentId &&
  isSameList(one.ownAddresses, other.ownAddresses, Object.is) &&
  isSameList(
    one.ports,
    other.ports,
    (port, before) =>
      port.port === before.port &&
      port.at === before.at &&
      port.name === before.name &&
      isSameList(port.protocols, before.protocols, Object.is),
  );

const isSameList = <Item>(
  one: readonly Item[],
  other: readonly Item[],
  isEqual: (left: Item, right: Item) => boolean,
): boolean =>
  one.length === other.length && one.every((item, index) => isEqual(item, other[index] as Item));

const isContainerNetworked = (app: WireApp): boolean =>
  app.networks.some(({ mode }) => mode !== 'host');

/** `task.ports` has no entry for mappings without a host port: they are reached at the instance's own address. */
function mappedPorts(app: WireApp, task: WireTask, hasAddress: boolean): readonly InstancePort[] {
  let hostPorts = 0;
  return (app.container?.portMappings ?? []).flatMap((mapping) => {
    if (mapping.hostPort === undefined) {
      return hasAddress ? toPort(mapping, { at: 'own', port: mapping.containerPort }) : [];
    }
    hostPorts += 1;
    return toPort(mapping, { at: 'agent', port: task.ports[hostPorts - 1] });
  });
}

function toPort(
  { name, protocol }: { readonly name?: string; readonly protocol: string },
  { at, port }: { readonly at: 'agent' | 'own'; readonly port: number | undefined },
): readonly InstancePort[] {
  if (port === undefined || port <= 0) return [];
  return [
    { ...(name === undefined ? {} : { name }), protocols: readProtocols(protocol), at, port },
  ];
}

/** `tcp`, `udp`, or both with a comma in between. */
function readProtocols(text: string): readonly ('tcp' | 'udp')[] {
  if (text === 'tcp') return TCP;
  const spoken = text.split(',').map((part) => part.trim().toLowerCase());
  return (['tcp', 'udp'] as const).filter((one) => spoken.includes(one));
}

const TCP = ['tcp'] as const;
