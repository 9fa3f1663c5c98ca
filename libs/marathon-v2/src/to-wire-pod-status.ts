import {
  endpointsOf,
  fromMilli,
  type Instance,
  type InstanceCondition,
  isTerminalCondition,
  type PodApp,
  type PodTask,
  type TaskFailure,
  toMilli,
} from '#core';
import { toIsoTime } from './iso-time.js';
import { definedFields } from './object-reader.js';
import { toWirePod, type WirePod } from './to-wire-pod.js';
import { taskStateOf } from './to-wire-task.js';

/** An instance of a pod with what is known of its health. */
export interface ObservedPodInstance {
  readonly instance: Instance;
  /** Undefined: no health checks, or nothing known yet. */
  readonly healthy?: boolean;
  /** Of the containers that have a check and a result, by name. */
  readonly containerHealth?: ReadonlyMap<string, boolean>;
}

type PodInstanceState = 'PENDING' | 'STAGING' | 'STABLE' | 'DEGRADED' | 'TERMINAL';

/** One instance as JSON. */
export interface WirePodInstance {
  readonly id: string;
  readonly status: PodInstanceState;
  readonly statusSince: string;
  readonly agentHostname?: string;
  readonly agentId?: string;
  readonly agentRegion?: string;
  readonly agentZone?: string;
  readonly resources?: Readonly<Record<string, number>>;
  readonly networks: readonly { readonly name?: string; readonly addresses: readonly string[] }[];
  readonly containers: readonly Readonly<Record<string, unknown>>[];
  readonly specReference: string;
  readonly localVolumes: readonly unknown[];
  readonly lastUpdated: string;
  readonly lastChanged: string;
  readonly role: string;
}

/** The status of a pod as JSON. */
export interface WirePodStatus {
  readonly id: string;
  readonly spec: WirePod;
  readonly status: 'DEGRADED' | 'STABLE' | 'TERMINAL';
  readonly statusSince: string;
  readonly instances: readonly WirePodInstance[];
  /** The last one that ended badly. */
  readonly terminationHistory: readonly Readonly<Record<string, unknown>>[];
  readonly lastUpdated: string;
  readonly lastChanged: string;
}

/** How a pod does: stable when as many instances are as are declared, terminal while all are taken down. */
export function toWirePodStatus(
  app: PodApp,
  instances: readonly ObservedPodInstance[],
  about: { readonly nowEpochMs: number; readonly failure?: TaskFailure | undefined },
): WirePodStatus {
  const { nowEpochMs, failure } = about;
  const shown = instances.map((one) => toWirePodInstance(one, app, nowEpochMs));
  const stable = shown.filter(({ status }) => status === 'STABLE').length;
  const isLeaving = app.instances === 0 && shown.length > 0;
  const since = [app.version, ...shown.map(({ statusSince }) => statusSince)].reduce(
    (latest, one) => (latest < one ? one : latest),
  );
  return {
    id: app.id,
    spec: toWirePod(app),
    status: isLeaving ? 'TERMINAL' : stable >= app.instances ? 'STABLE' : 'DEGRADED',
    statusSince: since,
    instances: shown,
    terminationHistory: failure === undefined ? [] : [toTermination(failure)],
    lastUpdated: toIsoTime(nowEpochMs),
    lastChanged: since,
  };
}

/** `app` is the pod as declared now; of an instance of another version only what it says itself is shown. */
export function toWirePodInstance(
  observed: ObservedPodInstance,
  app: PodApp,
  nowEpochMs: number,
): WirePodInstance {
  const { instance } = observed;
  const { placement } = instance;
  const definition = app.version === instance.appVersion ? app : undefined;
  const since = toIsoTime(instance.sinceEpochMs);
  return {
    id: instance.id,
    status: stateOf(observed, definition),
    statusSince: since,
    ...definedFields({
      agentHostname: placement?.hostname,
      agentId: placement?.agentId,
      agentRegion: placement?.region,
      agentZone: placement?.zone,
      resources: definition === undefined ? undefined : resourcesOf(definition),
    }),
    networks: networksOf(instance, definition),
    containers: (instance.podTasks ?? []).map((task) =>
      toWireContainer(observed, task, definition),
    ),
    specReference: `/v2/pods${app.id}::versions/${instance.appVersion}`,
    localVolumes: [],
    lastUpdated: toIsoTime(nowEpochMs),
    lastChanged: since,
    role: app.role,
  };
}

const STATES: Readonly<Record<InstanceCondition, PodInstanceState>> = {
  Scheduled: 'PENDING',
  Provisioned: 'PENDING',
  Staging: 'STAGING',
  Starting: 'STAGING',
  Running: 'STABLE',
  Killing: 'TERMINAL',
  Unreachable: 'DEGRADED',
  UnreachableInactive: 'DEGRADED',
  Error: 'TERMINAL',
  Failed: 'TERMINAL',
  Finished: 'TERMINAL',
  Killed: 'TERMINAL',
  Gone: 'TERMINAL',
  Dropped: 'TERMINAL',
  Unknown: 'TERMINAL',
};

/** One with checks is stable when it is known to pass them. */
function stateOf(
  { instance, healthy }: ObservedPodInstance,
  definition: PodApp | undefined,
): PodInstanceState {
  const state = STATES[instance.condition];
  if (state !== 'STABLE') return state;
  const isChecked = (definition?.healthChecks.length ?? 0) > 0;
  return healthy === false || (isChecked && healthy !== true) ? 'DEGRADED' : 'STABLE';
}

const resourcesOf = ({ cpus, mem, disk, gpus }: PodApp): Readonly<Record<string, number>> => ({
  cpus: fromMilli(toMilli(cpus)),
  mem,
  disk,
  gpus,
});

function networksOf(
  { ipAddresses }: Instance,
  definition: PodApp | undefined,
): WirePodInstance['networks'] {
  if (ipAddresses.length === 0) return [];
  const name = definition?.networks[0]?.name;
  return [{ ...definedFields({ name }), addresses: ipAddresses.map(({ ipAddress }) => ipAddress) }];
}

function toWireContainer(
  { instance, containerHealth }: ObservedPodInstance,
  task: PodTask,
  definition: PodApp | undefined,
): Readonly<Record<string, unknown>> {
  const { container: name, condition, lastMessage } = task;
  const since = toIsoTime(task.sinceEpochMs);
  const declared = definition?.pod.containers.find((one) => one.name === name);
  const isChecked = declared?.healthCheck !== undefined;
  const healthy = containerHealth?.get(name) ?? false;
  const hasEnded = isTerminalCondition(condition);
  return {
    name,
    status: taskStateOf(condition) ?? 'TASK_STAGING',
    statusSince: since,
    containerId: task.taskId,
    endpoints: definition === undefined ? [] : toWireEndpoints(name, instance, definition, healthy),
    conditions: isChecked
      ? [
          {
            name: 'healthy',
            value: String(healthy),
            reason: 'health-reported-by-mesos',
            lastChanged: since,
            lastUpdated: since,
          },
        ]
      : [],
    ...definedFields({
      resources: declared?.resources,
      message: lastMessage === '' ? undefined : lastMessage,
    }),
    ...(hasEnded ? { termination: definedFields({ message: lastMessage }) } : {}),
    lastUpdated: since,
    lastChanged: since,
  };
}

/** `healthy` stands with the endpoint that the check asks. */
function toWireEndpoints(
  container: string,
  { hostPorts }: Instance,
  { pod }: PodApp,
  healthy: boolean,
): readonly Readonly<Record<string, unknown>>[] {
  const checked = pod.containers.find(({ name }) => name === container)?.healthCheck;
  const asked = checked?.http?.endpoint ?? checked?.tcp?.endpoint;
  return endpointsOf(pod).flatMap((one, index) => {
    if (one.container !== container) return [];
    const { name } = one.endpoint;
    return {
      name,
      ...definedFields({ allocatedHostPort: hostPorts[index] ?? undefined }),
      ...(name === asked ? { healthy } : {}),
    };
  });
}

function toTermination(failure: TaskFailure): Readonly<Record<string, unknown>> {
  const [, instanceId = failure.taskId] = /^(.*)\.[^.]+\.\d+$/.exec(failure.taskId) ?? [];
  return {
    instanceID: instanceId,
    terminatedAt: toIsoTime(failure.timestampEpochMs),
    message: failure.message,
    containers: [
      {
        containerId: failure.taskId,
        lastKnownState: failure.state,
        termination: { message: failure.message },
      },
    ],
  };
}
