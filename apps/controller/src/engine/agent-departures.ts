import type { AgentId, AppId, Now } from '#core';
import type { InverseOffer } from '#mesos-v1';

/** Agents remembered that are about to be taken out of service. */
const MAX_DEPARTURES = 20_000;
/** What was not heard again for so long does not hold any more, milliseconds: the master repeats its question. */
const DEPARTURE_MEMORY_MS = 90_000;
/** From so long before its departure on an agent gets nothing new, and what is there moves, milliseconds. */
export const DEPARTURE_LEAD_MS = 300_000;
const SAME_MOMENT_MS = 1_000;
const NANOS_PER_MS = 1_000_000;

type Unavailability = InverseOffer['unavailability'];

interface Departure {
  readonly startMonoMs: number;
  /** It is back. */
  readonly endMonoMs: number;
  readonly heardMonoMs: number;
  /** The inverse offer it was heard by last; absent: an offer told of it. */
  readonly inverseOfferId?: string;
}

/** That an app has to be looked at so long before an agent goes, milliseconds. */
export interface PlannedLook {
  readonly appId: AppId;
  readonly leadMs: number;
}

interface Looks {
  readonly apps: ReadonlySet<AppId>;
  /** The next one last. */
  readonly pending: { readonly appId: AppId; readonly atMonoMs: number }[];
}

/**
 * Agents that operators take out of service: maintenance and drains, as a framework hears of them. Each is forgotten when
 * the master says nothing of it any more. What runs there is looked at when something is to be done, not all the time.
 */
export class AgentDepartures {
  private readonly departures = new Map<AgentId, Departure>();
  private readonly looks = new Map<AgentId, Looks>();
  private readonly byInverseOffer = new Map<string, AgentId>();

  /** False: that is known already. */
  note(
    agent: AgentId,
    unavailability: Unavailability,
    about: { readonly now: Now; readonly inverseOfferId?: string },
  ): boolean {
    const { epochMs, monoMs } = about.now;
    const startMonoMs = monoMs + unavailability.start.nanoseconds / NANOS_PER_MS - epochMs;
    const durationMs = (unavailability.duration?.nanoseconds ?? Infinity) / NANOS_PER_MS;
    const endMonoMs = startMonoMs + durationMs;
    const before = this.departures.get(agent);
    this.remove(agent);
    this.departures.set(agent, {
      ...{ startMonoMs, endMonoMs, heardMonoMs: monoMs },
      ...(about.inverseOfferId === undefined ? {} : { inverseOfferId: about.inverseOfferId }),
    });
    if (about.inverseOfferId !== undefined) this.byInverseOffer.set(about.inverseOfferId, agent);
    const [oldest] = this.departures.keys();
    if (this.departures.size > MAX_DEPARTURES && oldest !== undefined) this.forget(oldest);
    return (
      before === undefined ||
      !isSameMoment(before.startMonoMs, startMonoMs) ||
      !isSameMoment(before.endMonoMs, endMonoMs)
    );
  }

  /** It is offered as if nothing were to happen, or it is gone. Returns the apps that have to be looked at for it. */
  forget(agent: AgentId): ReadonlySet<AppId> {
    const apps = this.looks.get(agent)?.apps;
    this.remove(agent);
    this.looks.delete(agent);
    return apps ?? NO_APPS;
  }

  /** The master takes a question back. Of one that another has replaced nothing follows. */
  rescind(inverseOfferId: string): ReadonlySet<AppId> {
    const agent = this.byInverseOffer.get(inverseOfferId);
    return agent === undefined ? NO_APPS : this.forget(agent);
  }

  /** Sets when what runs on an agent is looked at. What is overdue is due now. O(looks, sorted). */
  plan(agent: AgentId, looks: Iterable<PlannedLook>): void {
    const departure = this.departures.get(agent);
    if (departure === undefined) return;
    const { startMonoMs, endMonoMs } = departure;
    const planned = new Map<string, { readonly appId: AppId; readonly atMonoMs: number }>();
    for (const { appId, leadMs } of looks) {
      for (const atMonoMs of [startMonoMs - leadMs, endMonoMs]) {
        if (Number.isFinite(atMonoMs)) planned.set(`${appId} ${atMonoMs}`, { appId, atMonoMs });
      }
    }
    this.looks.set(agent, {
      apps: new Set([...planned.values()].map(({ appId }) => appId)),
      pending: [...planned.values()].sort((one, other) => other.atMonoMs - one.atMonoMs),
    });
  }

  /** How long until an agent goes, milliseconds, negative once it should be gone. Undefined: it stays, or is back. */
  leftMs(agent: AgentId, { monoMs }: Now): number | undefined {
    const departure = this.departures.get(agent);
    if (departure === undefined || departure.endMonoMs <= monoMs) return undefined;
    if (monoMs - departure.heardMonoMs > DEPARTURE_MEMORY_MS) return undefined;
    return departure.startMonoMs - monoMs;
  }

  /** Apps whose time for a look has come, each once. What is out of date is dropped. O(agents that depart + apps found). */
  dueApps({ monoMs }: Now): ReadonlySet<AppId> {
    const due = new Set<AppId>();
    for (const [agent, { heardMonoMs }] of [...this.departures]) {
      if (monoMs - heardMonoMs > DEPARTURE_MEMORY_MS) {
        for (const app of this.forget(agent)) due.add(app);
        continue;
      }
      const pending = this.looks.get(agent)?.pending ?? [];
      for (let next = pending.at(-1); next !== undefined && next.atMonoMs <= monoMs; ) {
        due.add(next.appId);
        pending.pop();
        next = pending.at(-1);
      }
    }
    return due;
  }

  private remove(agent: AgentId): void {
    const { inverseOfferId } = this.departures.get(agent) ?? {};
    if (inverseOfferId !== undefined) this.byInverseOffer.delete(inverseOfferId);
    this.departures.delete(agent);
  }
}

/** Two readings of the clock differ a little. */
const isSameMoment = (one: number, other: number): boolean =>
  one === other || Math.abs(one - other) <= SAME_MOMENT_MS;

const NO_APPS: ReadonlySet<AppId> = new Set();
