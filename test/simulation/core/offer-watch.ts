import { MAX_BACKOFF_MS, PATIENCE_ROUNDS } from '#allocator';
import type { MasterAgent, MasterEffect, MasterEvent, MasterState } from '#cluster';
import {
  addResources,
  agentId,
  containsResources,
  type FrameworkId,
  formatResources,
  frameworkId,
  isEmptyResources,
  noResources,
  offerId,
  type Resources,
  subtractResources,
} from '#core';
import { decodeResources, type Filters, type WireOffer } from '#mesos-v1';
import type { World } from '../world.js';
import { entitledTo } from './entitlement-watch.js';
import { launchesOf, tasksOf } from './launches.js';
import { answerOf, type LifeWatch, type WatchedTurn } from './life-watch.js';
import { Refusals } from './refusals.js';

/** Rounds that may pass over what a framework may have. */
const MAX_ROUNDS = 2;
/** Ticks, one a second, in which there may be no round at all for it. */
const MAX_TICKS = 3;

interface ToldOffer {
  readonly frameworkId: FrameworkId;
  readonly agentId: string;
  readonly role: string;
  readonly resources: Resources;
}

interface Client {
  readonly frameworkId: FrameworkId;
  readonly role: string;
  readonly key: string;
}

/**
 * The offers of one life of a master, as its frameworks see them: each resource in at most one, none used twice, none of
 * what was refused or is suppressed, each withdrawal told. And progress: an active, unsuppressed, unfiltered framework
 * gets what is free within two rounds.
 */
const LONGEST_SILENCE_MS = 3_600_000;

export class OfferWatch implements LifeWatch {
  private readonly told = new Map<string, ToldOffer>();
  private readonly suppressed = new Set<string>();
  private readonly refusals = new Refusals();
  /** Refusals since a client last took something or said that it wants more. */
  private readonly declined = new Map<string, number>();
  private readonly passedOver = new Map<string, { rounds: number; ticks: number }>();
  private readonly rolesOf = new Map<FrameworkId, readonly string[]>();
  /** Streams by framework, as of the last event. */
  private readonly streams = new Map<FrameworkId, string>();

  constructor(private readonly world: World) {}

  after(turn: WatchedTurn): void {
    const { state, event } = turn;
    if (event.kind === 'framework-stored') this.subscribed(state, event);
    if (event.kind === 'framework-updated') this.updated(state, event);
    this.followStreams(state);
    this.followAgents(state);
    this.checkStream(turn);
    const taken = this.readCall(turn);
    for (const effect of turn.effects) this.readEffect(turn, effect);
    this.checkUse(turn, taken);
    this.compareLedger(state);
    if (event.kind === 'allocate') this.checkProgress(turn, 'rounds');
    if (event.kind === 'tick') this.checkProgress(turn, 'ticks');
  }

  /** Filters of what came back are void, and the suppressed roles are those it gave. */
  private subscribed(
    state: MasterState,
    event: Extract<MasterEvent, { readonly kind: 'framework-stored' }>,
  ): void {
    const framework = state.frameworks.get(event.frameworkId);
    this.rolesOf.set(event.frameworkId, framework?.roles ?? []);
    for (const role of framework?.roles ?? []) {
      const key = keyOf(event.frameworkId, role);
      this.forgetRefusals(key);
      const isSuppressed = event.call.subscribe.suppressed_roles?.includes(role) === true;
      if (isSuppressed) this.suppressed.add(key);
      else this.suppressed.delete(key);
    }
  }

  /** Refusals stay, but in roles that were suppressed, or not there, before. */
  private updated(
    state: MasterState,
    event: Extract<MasterEvent, { readonly kind: 'framework-updated' }>,
  ): void {
    const roles: readonly string[] = state.frameworks.get(event.frameworkId)?.roles ?? [];
    for (const role of new Set([...(this.rolesOf.get(event.frameworkId) ?? []), ...roles])) {
      const key = keyOf(event.frameworkId, role);
      const isSuppressed =
        !roles.includes(role) || event.update.suppressed_roles?.includes(role) === true;
      if (isSuppressed) this.suppressed.add(key);
      else if (this.suppressed.delete(key)) this.forgetRefusals(key);
    }
    this.rolesOf.set(event.frameworkId, roles);
  }

  /** A stream that ends takes its offers with it. */
  private followStreams(state: MasterState): void {
    for (const [id, streamId] of this.streams) {
      if (state.frameworks.get(id)?.streamId === streamId) continue;
      this.streams.delete(id);
      for (const [offer, told] of this.told) if (told.frameworkId === id) this.told.delete(offer);
    }
    for (const { id, streamId } of state.frameworks.values()) {
      if (streamId !== undefined) this.streams.set(id, streamId);
    }
  }

  /** An agent that was given up begins anew. */
  private followAgents(state: MasterState): void {
    for (const { id, condition } of state.agents.values()) {
      if (condition === 'unreachable') this.refusals.forgetAgent(id);
    }
  }

  /** Only the stream that was opened last speaks for a framework. */
  private checkStream(turn: WatchedTurn): void {
    const { event } = turn;
    if (event.kind !== 'scheduler-call' || answerOf(turn) !== 202) return;
    const id = event.call.framework_id.value;
    if (this.streams.get(frameworkId(id)) === event.streamId) return;
    this.world.violate(`${event.call.type} of ${id} is taken over a stream that was replaced`);
  }

  /** The offers this call uses up, or was wrong to think it could. */
  private readCall(turn: WatchedTurn): readonly (ToldOffer | undefined)[] {
    const { event, now } = turn;
    if (event.kind !== 'scheduler-call' || answerOf(turn) !== 202) return [];
    const id = frameworkId(event.call.framework_id.value);
    switch (event.call.type) {
      case 'ACCEPT': {
        const { offer_ids, filters } = event.call.accept;
        const taken = offer_ids.map(({ value }) => this.take(id, value));
        const offers = taken.filter((offer) => offer !== undefined);
        const [first] = offers;
        if (first !== undefined && offers.length === taken.length) {
          this.declined.delete(keyOf(id, first.role));
          const { operations = [] } = event.call.accept;
          // What executors take is charged by what the master knows of them.
          const isConverted = operations.some(
            (one) => one.type !== 'LAUNCH' || tasksOf(one).some(({ executor }) => executor),
          );
          const used = isConverted ? undefined : launchedBy(turn);
          this.refuse(offers, { filters, now, minMs: 0, used });
        }
        return taken;
      }
      case 'DECLINE': {
        const { offer_ids, filters } = event.call.decline;
        const minMs = turn.state.config.minRefuseMs;
        for (const { value } of offer_ids) {
          const offer = this.take(id, value);
          if (offer === undefined) continue;
          const key = keyOf(id, offer.role);
          this.declined.set(key, (this.declined.get(key) ?? 0) + 1);
          this.refuse([offer], { filters, now, minMs, used: noResources });
        }
        return [];
      }
      case 'SUPPRESS':
      case 'REVIVE': {
        const { call } = event;
        const named = call.type === 'REVIVE' ? call.revive?.roles : call.suppress?.roles;
        const own = turn.state.frameworks.get(id)?.roles ?? [];
        for (const role of named === undefined || named.length === 0 ? own : named) {
          const key = keyOf(id, role);
          if (call.type === 'SUPPRESS') this.suppressed.add(key);
          else {
            this.suppressed.delete(key);
            this.forgetRefusals(key);
          }
        }
        return [];
      }
      default:
        return [];
    }
  }

  private take(framework: FrameworkId, id: string): ToldOffer | undefined {
    const offer = this.told.get(id);
    if (offer?.frameworkId !== framework) return undefined;
    this.told.delete(id);
    return offer;
  }

  private refuse(
    offers: readonly ToldOffer[],
    given: {
      readonly filters: Filters | undefined;
      readonly now: WatchedTurn['now'];
      readonly minMs: number;
      /** Undefined: what is left has other traits than what was offered. */
      readonly used: Resources | undefined;
    },
  ): void {
    const [first] = offers;
    if (first === undefined) return;
    const seconds = given.filters?.refuse_seconds ?? 5;
    const refuseMs = Math.max(given.minMs, (seconds < 0 ? 5 : seconds) * 1000);
    const offered = offers.reduce((sum, offer) => addResources(sum, offer.resources), noResources);
    const { used = noResources } = given;
    if (refuseMs === 0 || !containsResources(offered, used)) return;
    const key = keyOf(first.frameworkId, first.role);
    const untilMonoMs = given.now.monoMs + refuseMs;
    // What is left of an offer counts too, so that patience may end a little earlier.
    const isChronic = (this.declined.get(key) ?? 0) > PATIENCE_ROUNDS - 3;
    const longestMs = given.now.monoMs + (isChronic ? MAX_BACKOFF_MS : 0);
    this.refusals.add(key, first.agentId, {
      resources: subtractResources(offered, used),
      untilMonoMs: given.used === undefined ? 0 : untilMonoMs,
      mayLastUntilMonoMs: Math.max(untilMonoMs, longestMs),
    });
  }

  private forgetRefusals(key: string): void {
    this.refusals.forget(key);
    this.declined.delete(key);
  }

  private readEffect(turn: WatchedTurn, effect: MasterEffect): void {
    const { state, now } = turn;
    if (effect.kind !== 'send-to-framework') return;
    if (effect.event.type === 'RESCIND') {
      const id = effect.event.rescind.offer_id.value;
      if (turn.event.kind === 'tick') this.ranOut(turn, this.told.get(id));
      this.told.delete(id);
    }
    if (effect.event.type !== 'OFFERS') return;
    for (const offer of effect.event.offers.offers) {
      this.checkOffer(state, offer, now.monoMs);
      if (this.streams.get(frameworkId(offer.framework_id.value)) !== effect.streamId) {
        this.world.violate(`offer ${offer.id.value} goes to another stream than its framework's`);
      }
    }
  }

  /** Silence is a refusal, and a longer one each time. */
  private ranOut({ state, now }: WatchedTurn, offer: ToldOffer | undefined): void {
    if (offer === undefined) return;
    const { frameworkId, role, resources } = offer;
    const leastMs = Math.min(10 * state.config.offerTimeoutMs, LONGEST_SILENCE_MS);
    // In the same moment an agent may have been found silent, which withdraws its offers too.
    const isCertain = state.agents.get(agentId(offer.agentId))?.condition === 'connected';
    this.refusals.add(keyOf(frameworkId, role), offer.agentId, {
      resources,
      untilMonoMs: isCertain ? now.monoMs + leastMs : 0,
      mayLastUntilMonoMs: now.monoMs + LONGEST_SILENCE_MS,
    });
  }

  private checkOffer(state: MasterState, wire: WireOffer, monoMs: number): void {
    const id = wire.id.value;
    const offer = state.offers.get(offerId(id));
    if (offer === undefined) return void this.world.violate(`offer ${id} is in no ledger`);
    const { frameworkId, agentId, role } = offer;
    const key = keyOf(frameworkId, role);
    const resources = decodeResources(wire.resources);
    this.told.set(id, { frameworkId, agentId, role, resources });
    this.passedOver.delete(agentId);
    const problem = this.findFault(state, { offer, resources, key, monoMs });
    if (problem === undefined) return;
    const amount = formatResources(resources);
    this.world.violate(
      `${amount} of ${agentId} are offered to ${frameworkId} in ${role}: ${problem}`,
    );
  }

  private findFault(
    state: MasterState,
    given: {
      readonly offer: ToldOffer;
      readonly resources: Resources;
      readonly key: string;
      readonly monoMs: number;
    },
  ): string | undefined {
    const { offer, resources, key, monoMs } = given;
    const isRight =
      containsResources(offer.resources, resources) &&
      containsResources(resources, offer.resources);
    if (!isRight) return `in the ledger they are ${formatResources(offer.resources)}`;
    const roles: readonly string[] = state.frameworks.get(offer.frameworkId)?.roles ?? [];
    if (!roles.includes(offer.role)) return 'it does not have the role';
    if (this.suppressed.has(key)) return 'the role is suppressed';
    if (this.refusals.covers(key, offer.agentId, { resources, monoMs })) return 'it refused them';
    const agent = state.agents.get(agentId(offer.agentId));
    if (agent?.condition !== 'connected') return 'the agent is away';
    return agent.activation === undefined ? undefined : 'the agent is deactivated';
  }

  private checkUse({ effects }: WatchedTurn, taken: readonly (ToldOffer | undefined)[]): void {
    if (!taken.includes(undefined)) return;
    const isUsed = effects.some((effect) => launchesOf(effect).length > 0);
    if (isUsed) this.world.violate('tasks are launched on an offer that was used or withdrawn');
  }

  /** What frameworks were told is what the ledger holds. */
  private compareLedger(state: MasterState): void {
    if (this.told.size === state.offers.size) return;
    const known = new Set<string>(state.offers.keys());
    const lost = [...this.told.keys()].filter((id) => !known.has(id));
    const untold = [...known].filter((id) => !this.told.has(id));
    this.world.violate(
      `frameworks hold offers the ledger has not: [${lost}]; it has others: [${untold}]`,
    );
  }

  private checkProgress({ state, now }: WatchedTurn, unit: 'rounds' | 'ticks'): void {
    const clients = this.clients(state);
    for (const agent of state.agents.values()) {
      const waiting = this.findWaiting(state, agent, { clients, monoMs: now.monoMs });
      if (waiting === undefined) {
        this.passedOver.delete(agent.id);
        continue;
      }
      const count = this.passedOver.get(agent.id) ?? { rounds: 0, ticks: 0 };
      this.passedOver.set(agent.id, count);
      count[unit] += 1;
      if (count.rounds <= MAX_ROUNDS && count.ticks <= MAX_TICKS) continue;
      const { client, resources } = waiting;
      this.world.violate(
        `${formatResources(resources)} of ${agent.id} are free and ${client.frameworkId} gets none in ${client.role}, for ${count.rounds} rounds and ${count.ticks} s`,
      );
    }
  }

  /** Somebody who may have some of the agent, and has not refused it. */
  private findWaiting(
    state: MasterState,
    agent: MasterAgent,
    given: { readonly clients: readonly Client[]; readonly monoMs: number },
  ): { readonly client: Client; readonly resources: Resources } | undefined {
    if (isEmptyResources(state.allocator.availableOn(agent.id))) return undefined;
    for (const client of given.clients) {
      const resources = entitledTo(state, agent, client.role);
      if (resources === undefined) continue;
      const offer = { resources, monoMs: given.monoMs };
      if (!this.refusals.mayCover(client.key, agent.id, offer)) return { client, resources };
    }
    return undefined;
  }

  private clients(state: MasterState): readonly Client[] {
    const clients: Client[] = [];
    for (const { id, streamId, roles } of state.frameworks.values()) {
      if (streamId === undefined) continue;
      for (const role of roles) {
        const key = keyOf(id, role);
        if (!this.suppressed.has(key)) clients.push({ frameworkId: id, role, key });
      }
    }
    return clients;
  }
}

const keyOf = (framework: FrameworkId, role: string): string => `${framework} ${role}`;

/** What the tasks that are launched in this turn, and the executors that are started for them, take. */
function launchedBy({ effects }: WatchedTurn): Resources {
  let sum = noResources;
  for (const effect of effects) {
    for (const { task, newExecutor } of launchesOf(effect)) {
      sum = addResources(sum, decodeResources(task.resources));
      if (newExecutor !== undefined)
        sum = addResources(sum, decodeResources(newExecutor.resources));
    }
  }
  return sum;
}
