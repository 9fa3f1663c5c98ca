import type { WireApp, WireTask } from '#marathon-v2';

/**
 * An app as any server that speaks Marathon's API writes it: what this router relies on and what is missing is filled in, as
 * Marathon means it. Undefined: it is no app. The same object where nothing is missing. O(tasks).
 */
export function readMarathonApp(value: unknown): WireApp | undefined {
  if (!isRecord(value) || typeof value['id'] !== 'string') return undefined;
  const { labels, healthChecks, tasks, readinessCheckResults } = value;
  const filled = {
    ...(isTextRecord(labels) ? {} : { labels: textsOf(labels) }),
    ...filledList('healthChecks', healthChecks, readHealthCheck),
    ...filledList('tasks', tasks, readTask),
    ...filledList('readinessCheckResults', readinessCheckResults, recordOf),
  };
  return (Object.keys(filled).length === 0 ? value : { ...value, ...filled }) as unknown as WireApp;
}

type Fields = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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

function readHealthCheck(value: unknown): Fields | undefined {
  if (!isRecord(value)) return undefined;
  const missing = Object.entries(CHECK_DEFAULTS).filter(
    ([name, fallback]) => typeof value[name] !== typeof fallback,
  );
  return missing.length === 0 ? value : { ...value, ...Object.fromEntries(missing) };
}

/** Without id or host it leads nowhere. Without a state it runs when it was started: Marathon tells states since 0.14. */
function readTask(value: unknown): Fields | undefined {
  if (!isRecord(value)) return undefined;
  const { id, host, state, healthCheckResults: results } = value;
  if (typeof id !== 'string' || typeof host !== 'string') return undefined;
  const filled = {
    ...(typeof state === 'string' ? {} : { state: stateOf(value) }),
    ...filledList('healthCheckResults', results ?? undefined, recordOf),
    ...(results === null ? { healthCheckResults: [] } : {}),
    ...filledList('ipAddresses', value['ipAddresses'], recordOf),
    ...filledNumbers('ports', value['ports']),
  };
  return Object.keys(filled).length === 0 ? value : { ...value, ...filled };
}

const stateOf = ({ startedAt }: Fields): WireTask['state'] =>
  typeof startedAt === 'string' ? 'TASK_RUNNING' : 'TASK_STAGING';

const filledNumbers = (name: string, value: unknown): Fields =>
  value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'number'))
    ? {}
    : { [name]: [] };
