import { type AgentId, type App, agentId, type Instance, type Now } from '#core';
import { drainTimeoutMs, isRoutedApp } from '#deployment';
import type { Refusal } from '#matcher';
import type { InverseOffer, WireOffer } from '#mesos-v1';
import { DEPARTURE_LEAD_MS } from './agent-departures.js';
import type { EngineContext } from './engine-context.js';

/** The question is answered for so long. */
const ANSWER_SECONDS = 20;
/** A replacement has so long to serve before draining has to begin, milliseconds. */
const REPLACEMENT_MS = 120_000;
/** Left for the end of a task beyond its grace period, milliseconds. */
const ENDING_MS = 5_000;
const DEFAULT_GRACE_SECONDS = 3;
/** An hour of draining, and what comes before it. */
const MAX_LEAD_MS = 3_600_000 + REPLACEMENT_MS;

/** Offers say of an agent when it goes, or by saying nothing that it stays. */
export function noteOffered({ memory, ports }: EngineContext, offers: readonly WireOffer[]): void {
  const now = ports.clock.now();
  for (const { agent_id, unavailability } of offers) {
    const agent = agentId(agent_id.value);
    if (unavailability === undefined) memory.departures.forget(agent);
    else memory.departures.note(agent, unavailability, now);
  }
}

/** Takes in what the master asks for, and agrees: what is there will have moved by then. */
export function noteInverseOffers(context: EngineContext, offers: readonly InverseOffer[]): void {
  const { memory, ports, state } = context;
  const now = ports.clock.now();
  for (const { agent_id, unavailability } of offers) {
    if (agent_id !== undefined) {
      memory.departures.note(agentId(agent_id.value), unavailability, now);
    }
  }
  memory.departures.index(state.instances());
  context.evaluateSoon(memory.departures.dueApps(now, MAX_LEAD_MS));
  void context.execute({
    kind: 'accept-inverse-offers',
    ids: offers.map(({ id }) => id.value),
    refuseSeconds: ANSWER_SECONDS,
  });
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
  const drainMs = isRoutedApp(app) ? drainTimeoutMs(app) : 0;
  if (leftMs <= drainMs + endingMs(app)) return 'now';
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
