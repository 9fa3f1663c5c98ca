import { type AgentId, type App, type AppId, agentId, type Instance, type Now } from '#core';
import { drainTimeoutMs, isRoutedApp } from '#deployment';
import type { InverseOffer, WireOffer } from '#mesos-v1';
import type { EngineContext } from './engine-context.js';

/** Agents remembered that are about to be taken out of service. */
const MAX_DEPARTURES = 20_000;
/** What was not heard again for so long does not hold any more, milliseconds: the master repeats its question. */
const DEPARTURE_MEMORY_MS = 90_000;
/** The question is answered for so long. */
const ANSWER_SECONDS = 20;
/** From so long before its departure on an agent gets nothing new, and what is there moves, milliseconds. */
export const DEPARTURE_LEAD_MS = 300_000;
/** A replacement has so long to serve before draining has to begin, milliseconds. */
const REPLACEMENT_MS = 120_000;
/** Left for the end of a task beyond its grace period, milliseconds. */
const ENDING_MS = 5_000;
const DEFAULT_GRACE_SECONDS = 3;
const NANOS_PER_MS = 1_000_000;

type Unavailability = InverseOffer['unavailability'];

interface Departure {
  readonly startMonoMs: number;
  /** It is back. */
  readonly endMonoMs: number;
  readonly heardMonoMs: number;
}

/**
 * Agents that operators take out of service: maintenance and drains, as a framework hears of them. Each is forgotten when
 * the master says nothing of it any more.
 */
export class AgentDepartures {
  private readonly departures = new Map<AgentId, Departure>();
  private readonly apps = new Map<AgentId, ReadonlySet<AppId>>();

  note(agent: AgentId, unavailability: Unavailability, { epochMs, monoMs }: Now): void {
    const startMonoMs = monoMs + unavailability.start.nanoseconds / NANOS_PER_MS - epochMs;
    const durationMs = (unavailability.duration?.nanoseconds ?? Infinity) / NANOS_PER_MS;
    this.departures.delete(agent);
    const departure = { startMonoMs, endMonoMs: startMonoMs + durationMs, heardMonoMs: monoMs };
    this.departures.set(agent, departure);
    const [oldest] = this.departures.keys();
    if (this.departures.size > MAX_DEPARTURES && oldest !== undefined) this.forget(oldest);
  }

  /** It is offered as if nothing were to happen, or it is gone. */
  forget(agent: AgentId): void {
    this.departures.delete(agent);
    this.apps.delete(agent);
  }

  /** Which apps have something there. O(instances) while an agent departs, else nothing. */
  index(instances: Iterable<Instance>): void {
    this.apps.clear();
    if (this.departures.size === 0) return;
    const found = new Map<AgentId, Set<AppId>>();
    for (const { placement, appId } of instances) {
      if (placement === undefined || !this.departures.has(placement.agentId)) continue;
      const apps = found.get(placement.agentId) ?? new Set<AppId>();
      found.set(placement.agentId, apps.add(appId));
    }
    for (const [agent, apps] of found) this.apps.set(agent, apps);
  }

  /** How long until an agent goes, milliseconds, negative once it should be gone. Undefined: it stays, or is back. */
  leftMs(agent: AgentId, { monoMs }: Now): number | undefined {
    const departure = this.departures.get(agent);
    if (departure === undefined || departure.endMonoMs <= monoMs) return undefined;
    if (monoMs - departure.heardMonoMs > DEPARTURE_MEMORY_MS) return undefined;
    return departure.startMonoMs - monoMs;
  }

  /** Apps with something on agents that go within `leadMs`. What is out of date is dropped. O(agents that depart). */
  dueApps(now: Now, leadMs = DEPARTURE_LEAD_MS): ReadonlySet<AppId> {
    const due = new Set<AppId>();
    for (const [agent, { heardMonoMs }] of [...this.departures]) {
      if (now.monoMs - heardMonoMs > DEPARTURE_MEMORY_MS) {
        this.forget(agent);
        continue;
      }
      const leftMs = this.leftMs(agent, now) ?? Number.POSITIVE_INFINITY;
      if (leftMs > leadMs) continue;
      for (const app of this.apps.get(agent) ?? []) due.add(app);
    }
    return due;
  }
}

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
