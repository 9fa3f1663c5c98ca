import type { AgentId, AppId, Instance, Now } from '#core';
import type { InverseOffer } from '#mesos-v1';

/** Agents remembered that are about to be taken out of service. */
const MAX_DEPARTURES = 20_000;
/** What was not heard again for so long does not hold any more, milliseconds: the master repeats its question. */
const DEPARTURE_MEMORY_MS = 90_000;
/** From so long before its departure on an agent gets nothing new, and what is there moves, milliseconds. */
export const DEPARTURE_LEAD_MS = 300_000;
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
