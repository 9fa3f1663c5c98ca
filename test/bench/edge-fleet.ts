import type { WireApp, WireTask } from '#marathon-v2';

/** Apps and tasks as a controller lists them, for benches of the edge. Nothing of it runs. */

const SINCE = '2026-01-01T00:00:00.000Z';

/** Where a task is reached. */
export interface TaskPlace {
  readonly host: string;
  readonly port: number;
}

export const taskIdOf = (appId: string, { host, port }: TaskPlace): string =>
  `${appId.slice(1).replaceAll('/', '_')}.instance-${host.replaceAll('.', '-')}-${port}._app.1`;

/** One that runs and is alive. */
export function benchTask(appId: string, place: TaskPlace): WireTask {
  return {
    appId,
    id: taskIdOf(appId, place),
    host: place.host,
    ports: [place.port],
    servicePorts: [0],
    ipAddresses: [{ ipAddress: place.host, protocol: 'IPv4' }],
    slaveId: '0f3c9a52-7c8e-4b1d-9c55-2f6f6c1d2e11-S17',
    state: 'TASK_RUNNING',
    stagedAt: SINCE,
    startedAt: SINCE,
    version: SINCE,
    localVolumes: [],
    role: '*',
    healthCheckResults: [
      {
        alive: true,
        consecutiveFailures: 0,
        firstSuccess: SINCE,
        lastFailure: null,
        lastFailureCause: null,
        lastSuccess: SINCE,
        instanceId: taskIdOf(appId, place),
      },
    ],
  };
}

/** An app found by its host name and, where `servicePort` is above 0, on that port of the edge. */
export function benchApp(
  id: string,
  tasks: readonly WireTask[],
  extra: { readonly servicePort?: number; readonly labels?: Readonly<Record<string, string>> } = {},
): WireApp {
  return {
    id,
    labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: hostOf(id), ...extra.labels },
    instances: tasks.length,
    cpus: 0.1,
    mem: 32,
    disk: 0,
    gpus: 0,
    networks: [{ mode: 'host' }],
    portDefinitions: [{ port: extra.servicePort ?? 0, protocol: 'tcp', name: 'http', labels: {} }],
    // Not for HAProxy to carry out: its checks of 10,000 servers would be a load of their own.
    healthChecks: [
      {
        protocol: 'COMMAND',
        command: { value: 'true' },
        gracePeriodSeconds: 300,
        intervalSeconds: 60,
        timeoutSeconds: 20,
        maxConsecutiveFailures: 3,
        delaySeconds: 15,
      },
    ],
    requirePorts: false,
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
    version: SINCE,
    tasks,
  };
}

export const hostOf = (id: string): string =>
  `${id.slice(1).split('/').reverse().join('.')}.localhost`;

/** What most apps say, and what some do: prefixes, stickiness, another balance, more hosts. */
function labelsOf(number: number, id: string): Readonly<Record<string, string>> {
  return {
    ...(number % 5 === 1 && { HAPROXY_0_PATH: `/service/${number}` }),
    ...(number % 5 === 2 && { HAPROXY_0_STICKY: 'true' }),
    ...(number % 5 === 3 && { HAPROXY_0_BALANCE: 'leastconn', HAPROXY_0_BACKEND_WEIGHT: '10' }),
    ...(number % 5 === 4 && { HAPROXY_0_VHOST: `${hostOf(id)},www.${hostOf(id)}` }),
  };
}

export interface FleetSize {
  readonly apps: number;
  readonly instances: number;
  /** Each app has a port of its own at the edge too. */
  readonly hasServicePorts?: boolean;
}

const FIRST_SERVICE_PORT = 10_000;

/** `apps` apps with labels, whose tasks are at addresses of their own in 127.0.0.0/9, all on `port`. */
export function benchFleet(
  { apps, instances, hasServicePorts }: FleetSize,
  port: number,
): readonly WireApp[] {
  return Array.from({ length: apps }, (_, number) => {
    const id = `/bench/app-${number}`;
    const tasks = Array.from({ length: instances }, (_unused, index) =>
      benchTask(id, { host: addressOf(number * instances + index), port }),
    );
    const servicePort = hasServicePorts === true ? FIRST_SERVICE_PORT + number : 0;
    return benchApp(id, tasks, { servicePort, labels: labelsOf(number, id) });
  });
}

/** The n-th address of 127.1.0.0 to 127.63.255.255. */
export const addressOf = (number: number): string =>
  `127.${1 + ((number >> 16) % 63)}.${(number >> 8) & 255}.${number & 255}`;
