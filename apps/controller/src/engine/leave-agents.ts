import { type AgentId, type App, agentId, type Instance, type Now } from '#core';
import { drainTimeoutMs, isRoutedApp } from '#deployment';
import type { Refusal } from '#matcher';
import type { InverseOffer, WireOffer } from '#mesos-v1';
import { DEPARTURE_LEAD_MS, type PlannedLook } from './agent-departures.js';
import { definitionOf } from './definitions.js';
import type { EngineContext } from './engine-context.js';

/** The question is answered for so long. */
const ANSWER_SECONDS = 20;
/** A replacement has so long to serve before draining has to begin, milliseconds. */
const REPLACEMENT_MS = 120_000;
/** Left for the end of a task beyond its grace period, milliseconds. */
const ENDING_MS = 5_000;
const DEFAULT_GRACE_SECONDS = 3;

/** Offers say of an agent when it goes, or by saying nothing that it stays. */
export function noteOffered(context: EngineContext, offers: readonly WireOffer[]): void {
  const { departures } = context.memory;
  const now = context.ports.clock.now();
  for (const { agent_id, unavailability } of offers) {
    const agent = agentId(agent_id.value);
    if (unavailability === undefined) context.evaluateSoon(departures.forget(agent));
    else if (departures.note(agent, unavailability, { now })) planLooks(context, agent);
  }
}

/**
 * Takes in what the master asks for, and agrees: what is there will have moved by then. Each time it asks, what is due there is
 * looked at once more: it may have been launched since.
 */
export function noteInverseOffers(context: EngineContext, offers: readonly InverseOffer[]): void {
  const { memory, ports } = context;
  const now = ports.clock.now();
  for (const { id, agent_id, unavailability } of offers) {
    if (agent_id === undefined) continue;
    const agent = agentId(agent_id.value);
    memory.departures.note(agent, unavailability, { now, inverseOfferId: id.value });
    planLooks(context, agent);
  }
  context.evaluateSoon(memory.departures.dueApps(now));
  void context.execute({
    kind: 'accept-inverse-offers',
    ids: offers.map(({ id }) => id.value),
    refuseSeconds: ANSWER_SECONDS,
  });
}

/** The master takes a question back: the agent stays, unless it asks again. */
export function noteRescinded(context: EngineContext, inverseOfferId: string): void {
  context.evaluateSoon(context.memory.departures.rescind(inverseOfferId));
}

/** What is there is looked at when it is to move, and when it cannot wait any longer. O(instances there). */
function planLooks(context: EngineContext, agent: AgentId): void {
  const { memory, state } = context;
  const looks = new Map<string, PlannedLook>();
  for (const instance of state.instancesOn(agent)) {
    const { appId } = instance;
    const app = definitionOf(context, state.root, instance);
    for (const leadMs of [leadMsOf(app), lastMomentMs(app)]) {
      looks.set(`${appId} ${leadMs}`, { appId, leadMs });
    }
  }
  memory.departures.plan(agent, looks.values());
}

/**
 * Whether an instance has to leave its agent. Services move, their replacement first; what belongs to its agent (daemons,
 * what has volumes there) stays until it has to be drained; jobs run on until they are ended, and run again elsewhere.
 */
export function evictionOf(
  { memory }: Pick<EngineContext, 'memory'>,
  instance: Instance,
  app: App | undefined,
  now: Now,
): 'when-replaced' | 'now' | undefined {
  const { placement, reservation } = instance;
  const leftMs = placement && memory.departures.leftMs(placement.agentId, now);
  if (leftMs === undefined || app?.workload === 'job') return undefined;
  if (leftMs <= lastMomentMs(app)) return 'now';
  if (reservation !== undefined || app?.workload === 'daemon') return undefined;
  return leftMs <= leadMsOf(app) ? 'when-replaced' : undefined;
}

/** What is launched there would have to leave at once. */
export const AGENT_IS_LEAVING: Refusal = {
  reason: 'AgentMaintenance',
  detail: 'the agent is taken out of service before an instance could be drained there',
};

/** Whether an instance launched there would have to leave at once. */
export function isTooLateFor(
  { memory }: Pick<EngineContext, 'memory'>,
  agent: AgentId,
  app: App,
  now: Now,
): boolean {
  const leftMs = memory.departures.leftMs(agent, now);
  return leftMs !== undefined && leftMs <= leadMsOf(app);
}

const leadMsOf = (app: App | undefined): number =>
  Math.max(DEPARTURE_LEAD_MS, (isRoutedApp(app) ? drainTimeoutMs(app) : 0) + REPLACEMENT_MS);

/** So long before its agent goes an instance has to be drained at the latest. */
const lastMomentMs = (app: App | undefined): number =>
  (isRoutedApp(app) ? drainTimeoutMs(app) : 0) + endingMs(app);

/** The drain time of an instance: what its app says, but its end comes before that of its agent, if that is still ahead. */
export function drainMsOf(
  { memory }: Pick<EngineContext, 'memory'>,
  instance: Instance,
  app: App | undefined,
  now: Now,
): number {
  const timeoutMs = drainTimeoutMs(app);
  const { placement } = instance;
  const leftMs = (placement && memory.departures.leftMs(placement.agentId, now)) ?? 0;
  // Of little time left, half is for the requests.
  return leftMs <= 0
    ? timeoutMs
    : Math.min(timeoutMs, Math.max(leftMs / 2, leftMs - endingMs(app)));
}

const endingMs = (app: App | undefined): number =>
  ENDING_MS + (app?.taskKillGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS) * 1000;
