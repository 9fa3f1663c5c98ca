import type { WireApp, WireHealthCheckResult, WireTask } from '#marathon-v2';
import { targetOf } from './app-ports.js';
import { cleanName, compareText } from './clean-name.js';
import { canonicalAddress } from './dns/ip-address.js';
import type { Endpoint, Route } from './route-table.js';

/** Task states that take traffic. LOST and UNREACHABLE stay: a partition is no proof of death. */
const ROUTED_STATES: ReadonlySet<string> = new Set([
  'TASK_RUNNING',
  'TASK_KILLING',
  'TASK_LOST',
  'TASK_UNREACHABLE',
]);

/** Health last seen per task. */
export type LastKnownHealth = ReadonlyMap<string, boolean>;

/**
 * Which tasks of an app take its traffic. Without health checks: those that run and are ready. Else those that are alive as
 * well. When none is, those that were alive and have not failed as often as the app itself calls dead: one late answer of
 * the only instance takes nothing out. Those dead by the app's own rule never come back that way. O(tasks).
 */
export function servingTasks(app: WireApp, lastKnownHealth: LastKnownHealth): ReadonlySet<string> {
  const unready = new Set(
    (app.readinessCheckResults ?? [])
      .filter((result) => !result.ready)
      .map((result) => result.taskId),
  );
  const candidates = (app.tasks ?? []).filter(
    (task) => ROUTED_STATES.has(task.state) && !isDraining(task) && !unready.has(task.id),
  );
  if ((app.healthChecks ?? []).length === 0) return toIds(candidates);
  const alive = candidates.filter((task) => isAlive(task, lastKnownHealth));
  return toIds(alive.length > 0 ? alive : candidates.filter((task) => isDoubtful(app, task)));
}

const toIds = (tasks: readonly WireTask[]): ReadonlySet<string> =>
  new Set(tasks.map(({ id }) => id));

/** Results that are missing say nothing: what was seen last stands. */
function isAlive(task: WireTask, lastKnownHealth: LastKnownHealth): boolean {
  const results = task.healthCheckResults ?? [];
  if (results.length === 0) return lastKnownHealth.get(task.id) ?? false;
  return results.some((result) => result.alive);
}

/** Was alive once, and no check has failed as often in a row as its app allows. */
function isDoubtful(app: WireApp, task: WireTask): boolean {
  const results = task.healthCheckResults ?? [];
  return results.length > 0 && results.every((result, index) => isWithinLimit(app, result, index));
}

function isWithinLimit(app: WireApp, result: WireHealthCheckResult, index: number): boolean {
  const limit = app.healthChecks?.[index]?.maxConsecutiveFailures || DEFAULT_FAILURES;
  const wasAlive = result.firstSuccess != null || result.lastSuccess != null;
  return wasAlive && result.consecutiveFailures < limit;
}

/** Of Marathon; also where an app has none ended for its failures. */
const DEFAULT_FAILURES = 3;

const isDraining = (task: WireTask): boolean =>
  task.draining !== undefined || task.state === 'TASK_KILLING';

/** The endpoints of one port, by name. Draining tasks stay as draining ones, whatever their health. */
export function findEndpoints(
  app: WireApp,
  { portIndex, check }: Pick<Route, 'portIndex' | 'check'>,
  serving: ReadonlySet<string>,
): readonly Endpoint[] {
  const byName = new Map<string, Endpoint>();
  for (const task of app.tasks ?? []) {
    if (!ROUTED_STATES.has(task.state)) continue;
    const isGoing = isDraining(task);
    if (!isGoing && !serving.has(task.id)) continue;
    const target = reachableTarget(targetOf(app, task, portIndex));
    if (target === undefined) continue;
    const asked = check?.port ?? (check && targetOf(app, task, check.portIndex)?.port);
    const checkPort = asked ?? target.port;
    addEndpoint(byName, {
      name: cleanName(`${target.address}_${target.port}`),
      ...target,
      taskId: task.id,
      state: isGoing ? 'draining' : 'ready',
      weight: 1,
      ...(checkPort === target.port ? {} : { checkPort }),
    });
  }
  return sortEndpoints(byName);
}

type Target = ReturnType<typeof targetOf>;

/**
 * With its address in the one form in which HAProxy tells it: another form would look like another address for ever. A name
 * that was not resolved leads nowhere.
 */
function reachableTarget(target: Target): Target {
  const address = target && canonicalAddress(target.address);
  if (target === undefined || address === undefined || IPV4_COMPATIBLE.test(address)) {
    return undefined;
  }
  return { ...target, address };
}

/** Nobody's any more (RFC 4291, 2.5.5.1), and told in another form. */
const IPV4_COMPATIBLE = /^::[0-9a-f]{1,4}:[0-9a-f]{1,4}$/;

/** Two tasks on one address: the one that is not on its way out is the real one. */
export function addEndpoint(byName: Map<string, Endpoint>, endpoint: Endpoint): void {
  if (byName.get(endpoint.name)?.state !== 'ready') byName.set(endpoint.name, endpoint);
}

export const sortEndpoints = (byName: ReadonlyMap<string, Endpoint>): readonly Endpoint[] =>
  [...byName.values()].sort((left, right) => compareText(left.name, right.name));
