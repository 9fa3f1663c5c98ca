import { type App, isPod, type TaskId } from '#core';
import type { InstanceFacts } from './instance-facts.js';

/**
 * A router not heard of for longer does not hold a kill up. Whoever listens only just began to (or was frozen) must have
 * listened this long before silence means anything.
 */
export const ROUTER_SILENCE_MS = 5_000;
/** How long whoever listens only just began to waits for the first router to be heard. */
export const ROUTER_RETURN_MS = 15_000;

/** How long a task may stay out of rotation before it is killed, unless its app says otherwise. */
export const DEFAULT_DRAIN_SECONDS = 30;
/** Upper bound of the label, seconds. */
export const MAX_DRAIN_SECONDS = 3_600;
/** App label: seconds a task may drain; 0 kills at once. */
export const DRAIN_LABEL = 'PACER_DRAIN_SECONDS';

/** What was last heard of one router. */
export interface RouterSight {
  readonly heardMonoMs: number;
  readonly drainedTasks: ReadonlySet<string>;
}

/** The routers that count; `unknown` while it is too early to say that one which is silent is gone. */
export type KnownRouters = readonly RouterSight[] | 'unknown';

/** The drain timeout of an app, milliseconds: its label if that is a number of 0..3600 seconds, else 30 s. */
export function drainTimeoutMs(app: Pick<App, 'labels'> | undefined): number {
  const label = app?.labels[DRAIN_LABEL]?.trim() ?? '';
  const seconds = label === '' ? Number.NaN : Number(label);
  const isValid = Number.isFinite(seconds) && seconds >= 0 && seconds <= MAX_DRAIN_SECONDS;
  return (isValid ? seconds : DEFAULT_DRAIN_SECONDS) * 1000;
}

/**
 * Whether requests may reach instances of this app through a router: it has a TCP port and does not ask to be killed at
 * once. Its labels do not decide: a router of the group `*` serves the service ports of apps that say nothing of the edge,
 * and goes on serving what it has until it has heard of a change of labels. So the routers are asked, and one that never
 * had an instance says so as soon as it has heard that it drains. Nothing is known of what an absent app asked for.
 */
export function isRoutedApp(app: App | undefined): boolean {
  if (app === undefined) return true;
  if (app.workload === 'job' || isPod(app) || drainTimeoutMs(app) === 0) return false;
  const ports = [...app.portDefinitions, ...(app.container?.portMappings ?? [])];
  return ports.some(({ protocol }) => protocol.split(',').includes('tcp'));
}

/** Whether requests may be under way to an instance that is to go: then it is taken out of rotation first. */
export const needsDraining = (
  { condition, isKilling, isRouted }: Pick<InstanceFacts, 'condition' | 'isKilling' | 'isRouted'>,
  { hasRouters }: { readonly hasRouters: boolean },
): boolean => hasRouters && isRouted && condition === 'Running' && !isKilling;

/** The routers that count now. */
export const recentRouters = (
  routers: Iterable<RouterSight>,
  nowMonoMs: number,
): readonly RouterSight[] =>
  [...routers].filter((router) => nowMonoMs - router.heardMonoMs <= ROUTER_SILENCE_MS);

/** Whether there may be a router, so that draining makes sense. */
export const mayHaveRouters = (routers: KnownRouters): boolean =>
  routers === 'unknown' || routers.length > 0;

/**
 * Whether a draining task may be killed: every recent router has drained it (none: nobody needs it), or time is up.
 * While the routers are unknown, only time ends it.
 */
export function isDrained(
  task: { readonly taskId: TaskId; readonly deadlineMonoMs: number },
  routers: KnownRouters,
  nowMonoMs: number,
): boolean {
  if (nowMonoMs >= task.deadlineMonoMs) return true;
  return routers !== 'unknown' && routers.every((router) => router.drainedTasks.has(task.taskId));
}
