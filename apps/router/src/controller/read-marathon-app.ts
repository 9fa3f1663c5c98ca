import type { WireApp, WireTask } from '#marathon-v2';
import { UNREADABLE } from '#routing';
import { isPort, isRecord, readPorts, shown, WITHOUT_PORTS } from './read-ports.js';

/**
 * An app as any server that speaks Marathon's API writes it: what this router relies on and what is missing is filled in, as
 * Marathon means it; null means absent. What cannot be read of it is told in `UNREADABLE`; an app whose id or ports cannot be
 * read has no ports. Undefined: it is no app. The same object where nothing is missing. O(size).
 */
export function readMarathonApp(given: unknown): WireApp | undefined {
  if (!isRecord(given) || typeof given['id'] !== 'string') return undefined;
  const problems: string[] = [];
  const filled = fillApp(given, problems);
  const isKnown = ID.test(given['id']);
  if (!isKnown) problems.push(`id: ${shown(given['id'])} is not the path of an app`);
  const { fields, problems: ofPorts } = isKnown ? readPorts(filled) : WITHOUT_PORTS;
  problems.push(...ofPorts);
  const app = Object.keys(fields).length === 0 ? filled : { ...filled, ...fields };
  return (problems.length === 0 ? app : { ...app, [UNREADABLE]: problems }) as unknown as WireApp;
}

/** Ids stand in names and files of HAProxy. */
const ID = /^\/[A-Za-z0-9._/-]{1,1000}$/;

function fillApp(given: Fields, problems: string[]): Fields {
  const { tasks, ...definition } = given;
  const read = withoutNulls(definition);
  const value =
    read === definition ? given : { ...(read as Fields), ...(tasks != null && { tasks }) };
  const { labels, healthChecks, readinessCheckResults } = value;
  const filled = {
    ...(isTextRecord(labels) ? {} : { labels: textsOf(labels) }),
    ...filledList('healthChecks', healthChecks, (check) => readHealthCheck(check, problems)),
    ...filledList('tasks', tasks ?? undefined, readTask),
    ...filledList('readinessCheckResults', readinessCheckResults, recordOf),
    ...(Array.isArray(value['networks']) ? {} : networksBefore15(value)),
  };
  return Object.keys(filled).length === 0 ? value : { ...value, ...filled };
}

/** Before Marathon 1.5 networks and mappings stood below `docker` and `ipAddress`, and ports alone could stand for definitions. */
function networksBefore15(app: Fields): Fields {
  const { ipAddress, ports, portDefinitions } = app;
  const container = isRecord(app['container']) ? app['container'] : {};
  const docker = isRecord(container['docker']) ? container['docker'] : {};
  const network = docker['network'];
  if (network !== 'BRIDGE' && network !== 'USER' && !isRecord(ipAddress)) {
    return {
      networks: [{ mode: 'host' }],
      ...(portDefinitions === undefined &&
        Array.isArray(ports) && { portDefinitions: ports.map(toDefinition) }),
    };
  }
  const given = [container['portMappings'], docker['portMappings'], discoveredPorts(ipAddress)];
  const mappings = given.find((list) => Array.isArray(list) && list.length > 0) ?? [];
  return {
    networks: [{ mode: network === 'BRIDGE' ? 'container/bridge' : 'container' }],
    container: { ...container, portMappings: mappings },
  };
}

const toDefinition = (port: unknown): Fields => ({ port: Number(port), protocol: 'tcp' });

/** What an instance with an address of its own listens on there. */
function discoveredPorts(ipAddress: unknown): readonly Fields[] {
  const discovery = isRecord(ipAddress) ? ipAddress['discovery'] : undefined;
  const ports = isRecord(discovery) ? discovery['ports'] : undefined;
  const list: readonly unknown[] = Array.isArray(ports) ? ports : [];
  return list.filter(isRecord).map(({ number, ...port }) => ({ ...port, containerPort: number }));
}

type Fields = Readonly<Record<string, unknown>>;

/** The same object where there is none. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.filter((item) => item !== null).map(withoutNulls);
    const isSame = items.length === value.length && items.every((item, at) => item === value[at]);
    return isSame ? value : items;
  }
  let changed: Record<string, unknown> | undefined;
  for (const [name, field] of Object.entries(value)) {
    const read = withoutNulls(field);
    if (read === field && field !== null) continue;
    changed ??= { ...value };
    if (field === null) delete changed[name];
    else changed[name] = read;
  }
  return changed ?? value;
}

const recordOf = (value: unknown): Fields | undefined => (isRecord(value) ? value : undefined);

const isTextRecord = (value: unknown): boolean =>
  isRecord(value) && Object.values(value).every((text) => typeof text === 'string');

const textsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(isRecord(value) ? value : {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );

/** Nothing where the list is absent or good as it is; else the list of what could be read. */
function filledList(
  name: string,
  value: unknown,
  read: (item: unknown) => Fields | undefined,
): Fields {
  if (value === undefined) return {};
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  const good = items.flatMap((item) => read(item) ?? []);
  const isSame = items.length === good.length && good.every((item, index) => item === items[index]);
  return isSame && Array.isArray(value) ? {} : { [name]: good };
}

/** Marathon's defaults. */
const CHECK_DEFAULTS = {
  protocol: 'HTTP',
  gracePeriodSeconds: 300,
  intervalSeconds: 60,
  timeoutSeconds: 20,
  maxConsecutiveFailures: 3,
} as const;

function readHealthCheck(value: unknown, problems: string[]): Fields | undefined {
  if (!isRecord(value)) return undefined;
  const missing = Object.entries(CHECK_DEFAULTS).filter(
    ([name, fallback]) => typeof value[name] !== typeof fallback,
  );
  const check = missing.length === 0 ? value : { ...value, ...Object.fromEntries(missing) };
  const bad = Object.entries(CHECK_FIELDS).filter(
    ([name, isGood]) => check[name] !== undefined && !isGood(check[name]),
  );
  if (bad.length === 0) return check;
  problems.push(...bad.map(([name]) => `healthChecks.${name}: ${shown(check[name])} is not used`));
  return { ...check, ...Object.fromEntries(bad.map(([name]) => [name, undefined])) };
}

const CHECK_FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  path: (value) => typeof value === 'string',
  port: isPort,
  portIndex: isPort,
};

/** Without id or host it leads nowhere. Without a state it runs when it was started: Marathon tells states since 0.14. */
function readTask(value: unknown): Fields | undefined {
  if (!isRecord(value)) return undefined;
  const { id, host, state, healthCheckResults: results } = value;
  if (typeof id !== 'string' || typeof host !== 'string') return undefined;
  const filled = {
    ...(typeof state === 'string' ? {} : { state: stateOf(value) }),
    ...filledList('healthCheckResults', results ?? undefined, recordOf),
    ...(results === null ? { healthCheckResults: [] } : {}),
    ...filledList('ipAddresses', value['ipAddresses'], readIpAddress),
    ...filledPorts(value['ports']),
  };
  return Object.keys(filled).length === 0 ? value : { ...value, ...filled };
}

const stateOf = ({ startedAt }: Fields): WireTask['state'] =>
  typeof startedAt === 'string' ? 'TASK_RUNNING' : 'TASK_STAGING';

const readIpAddress = (value: unknown): Fields | undefined =>
  isRecord(value) && typeof value['ipAddress'] === 'string' ? value : undefined;

/** Where one cannot be read nothing listens, and the others keep their places. */
function filledPorts(value: unknown): Fields {
  if (!Array.isArray(value)) return { ports: [] };
  return value.every(isPort) ? {} : { ports: value.map((port) => (isPort(port) ? port : 0)) };
}
