import type { MasterAgent, MasterEffect, MasterState } from '#cluster';
import {
  fromMilli,
  nameOfKey,
  offerId,
  quantitiesOf,
  type Resources,
  type RoleName,
  reservedRole,
  roleName,
} from '#core';
import { decodeResources } from '#mesos-v1';
import type { World } from '../world.js';
import { launchesOf } from './launches.js';
import type { LifeWatch, WatchedTurn } from './life-watch.js';

/** Who may have what: reservations go to their role and those below it, and no offer takes a role above its quota. */
export class EntitlementWatch implements LifeWatch {
  constructor(private readonly world: World) {}

  after({ state, effects }: WatchedTurn): void {
    for (const effect of effects) this.readEffect(state, effect);
  }

  private readEffect(state: MasterState, effect: MasterEffect): void {
    for (const { task } of launchesOf(effect)) {
      const role = task.resources[0]?.allocation_info?.role ?? '*';
      this.checkReservations(decodeResources(task.resources), role, `task ${task.task_id.value}`);
    }
    if (effect.kind !== 'send-to-framework' || effect.event.type !== 'OFFERS') return;
    for (const { id } of effect.event.offers.offers) {
      const offer = state.offers.get(offerId(id.value));
      if (offer === undefined) continue;
      this.checkReservations(offer.resources, offer.role, `offer ${offer.id}`);
      this.checkQuota(state, topOf(offer.role), offer.resources);
    }
  }

  private checkReservations(resources: Resources, role: string, what: string): void {
    const keys = [...Object.keys(resources.scalars), ...Object.keys(resources.ranges)];
    for (const key of keys) {
      const reserved = reservedRole(key);
      if (reserved === undefined || isWithin(role, reserved)) continue;
      this.world.violate(
        `${what} of ${role} has ${nameOfKey(key)} that is reserved to ${reserved}`,
      );
    }
  }

  /** What an offer has of a name with a limit is within it, with all that counts. */
  private checkQuota(state: MasterState, role: RoleName, offered: Resources): void {
    const limits = state.operator.quotas.get(role)?.limits ?? {};
    for (const [name, limit] of Object.entries(limits)) {
      if ((offered.scalars[name] ?? 0) === 0) continue;
      const consumed = consumedBy(state, role, name);
      if (consumed <= limit) continue;
      this.world.violate(
        `${role} has ${fromMilli(consumed)} ${name} with an offer, above its limit ${fromMilli(limit)}`,
      );
    }
  }
}

/**
 * What of an agent a role may count on; undefined: nothing, or nobody can say. With guarantees some of what is free is
 * kept for those that have not got theirs.
 */
export function entitledTo(
  state: MasterState,
  agent: MasterAgent,
  role: string,
): Resources | undefined {
  const { operator, removals, allocationPause } = state;
  const isOffered =
    agent.condition === 'connected' &&
    !agent.isMarking &&
    agent.activation === undefined &&
    !removals.scheduled.has(agent.id) &&
    allocationPause === undefined;
  if (!isOffered) return undefined;
  const quotas = [...operator.quotas.values()];
  const hasGuarantees = quotas.some(({ guarantees }) => Object.keys(guarantees).length > 0);
  if (hasGuarantees) return undefined;
  const available = state.allocator.availableOn(agent.id);
  const limits = operator.quotas.get(topOf(role))?.limits ?? {};
  const scalars: Record<string, number> = {};
  for (const [key, milli] of Object.entries(available.scalars)) {
    const reserved = reservedRole(key);
    if (reserved !== undefined && !isWithin(role, reserved)) continue;
    const limit = reserved === undefined ? limits[key] : undefined;
    const room = limit === undefined ? milli : limit - consumedBy(state, topOf(role), key);
    if (room > 0) scalars[key] = Math.min(milli, room);
  }
  const resources = { scalars, ranges: available.ranges };
  const quantities = quantitiesOf(resources);
  const hasCpus = (quantities.get('cpus') ?? 0) >= MIN_CPU_MILLI;
  const hasMem = (quantities.get('mem') ?? 0) >= MIN_MEM_MILLI;
  const isEnough = quotas.length > 0 ? hasCpus && hasMem : hasCpus || hasMem;
  return isEnough ? resources : undefined;
}

/** The least that is offered: both of them where there is a quota, else one. */
const MIN_CPU_MILLI = 10;
const MIN_MEM_MILLI = 32_000;

/** All reservations to the role and below it, and what is allocated there unreserved. */
export function consumedBy(state: MasterState, role: string, name: string): number {
  let sum = 0;
  for (const agent of state.agents.values()) {
    if (agent.condition === 'unreachable' || agent.condition === 'recovering') continue;
    for (const [key, milli] of Object.entries(agent.total.scalars)) {
      const reserved = reservedRole(key);
      const isOurs = reserved !== undefined && isWithin(reserved, role);
      if (isOurs && nameOfKey(key) === name) sum += milli;
    }
    for (const task of agent.tasks) {
      if (task.holdsResources && isWithin(task.role, role))
        sum += task.resources.scalars[name] ?? 0;
    }
    for (const executor of agent.executors.values()) {
      if (isWithin(executor.role, role)) sum += executor.resources.scalars[name] ?? 0;
    }
    for (const offer of agent.offers) {
      if (isWithin(offer.role, role)) sum += offer.resources.scalars[name] ?? 0;
    }
  }
  return sum;
}

export const topOf = (role: string): RoleName => roleName(role.split('/', 1)[0] ?? '');

export const isWithin = (role: string, ancestor: string): boolean =>
  role === ancestor || role.startsWith(`${ancestor}/`);
