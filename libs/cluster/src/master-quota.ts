import { type Quantities } from '#allocator';
import {
  fromMilli,
  nameOfKey,
  type QuotaRecord,
  type Resources,
  type RoleName,
  roleName,
  scalarMilli,
  toMilli,
  traitsOfKey,
} from '#core';
import type { OperatorMutation, WireQuantities, WireQuotaRequest } from '#mesos-v1';
import { endAllocationPauseWithoutQuota } from './master-allocation-pause.js';
import type { MasterTurn } from './master-events.js';
import { isRoleName } from './master-framework-info.js';
import { rescindOffer, scheduleAllocation } from './master-offers.js';
import { type OperatorVerdict, refuse } from './master-operator-decision.js';
import type { MasterState, Offer } from './master-state.js';
import { isWithin } from './master-weights.js';

type QuotaCall = Extract<
  OperatorMutation,
  { readonly type: 'UPDATE_QUOTA' | 'SET_QUOTA' | 'REMOVE_QUOTA' }
>;

/** Roles that may have a quota. */
export const MAX_QUOTA_ROLES = 1_000;
const MAX_QUANTITIES = 100;

/** UPDATE_QUOTA, and the older SET_QUOTA (a guarantee that is the limit too) and REMOVE_QUOTA. */
export function decideQuota(state: MasterState, call: QuotaCall): OperatorVerdict {
  const { quotas: known } = state.operator;
  switch (call.type) {
    case 'UPDATE_QUOTA': {
      const { quota_configs, force } = call.update_quota;
      const quotas: QuotaRecord[] = [];
      for (const { role, guarantees, limits } of quota_configs) {
        const quota = readQuota(role, guarantees ?? {}, limits ?? {});
        if (typeof quota === 'string') return refuse(400, quota);
        if (quotas.some((one) => one.role === quota.role)) {
          return refuse(400, `quota of role ${role} is given twice`);
        }
        quotas.push(quota);
      }
      return judge(state, quotas, { force: force === true });
    }
    case 'SET_QUOTA': {
      const { role, guarantee, force } = call.set_quota.quota_request;
      const amounts = readGuarantee(guarantee);
      if (typeof amounts === 'string') return refuse(400, amounts);
      const quota = readQuota(role, amounts, amounts);
      if (typeof quota === 'string') return refuse(400, quota);
      if (known.has(quota.role)) {
        return refuse(400, `role ${role} has a quota already; remove it first, or update it`);
      }
      return judge(state, [quota], { force: force === true });
    }
    case 'REMOVE_QUOTA': {
      const role = roleName(call.remove_quota.role);
      if (!known.has(role)) return refuse(400, `role ${role} has no quota`);
      return toDecision([], [role]);
    }
    default:
      return call satisfies never;
  }
}

/**
 * Quota is in force: offers that a limit no longer allows are rescinded, and, where a guarantee is not met, offers of
 * roles without one, until what is missing is free.
 */
export function applyQuotas(
  turn: MasterTurn,
  {
    quotas,
    removed,
  }: {
    readonly quotas: readonly QuotaRecord[];
    readonly removed: readonly RoleName[];
  },
): void {
  const { operator, allocator } = turn.state;
  for (const role of removed) {
    operator.quotas.delete(role);
    allocator.setQuota(role, undefined);
  }
  for (const quota of quotas) {
    operator.quotas.set(quota.role, quota);
    allocator.setQuota(quota.role, quota);
  }
  endAllocationPauseWithoutQuota(turn);
  for (const quota of quotas) {
    rescindAboveLimit(turn, quota);
    rescindForGuarantee(turn, quota);
  }
  scheduleAllocation(turn);
}

/** A quota whose parts are sound in themselves; else the mistake. */
function readQuota(
  role: string,
  guarantees: WireQuantities,
  limits: WireQuantities,
): QuotaRecord | string {
  if (!isRoleName(role)) return `role ${JSON.stringify(role)} is invalid`;
  if (role === '*') return 'the default role * cannot have a quota';
  if (role.includes('/')) return `role ${role} is nested; only top-level roles can have a quota`;
  const quota = { role: roleName(role), guarantees: {}, limits: {} };
  for (const [what, given] of [
    ['guarantees', guarantees],
    ['limits', limits],
  ] as const) {
    const amounts = readQuantities(`quota of role ${role}: ${what}`, given);
    if (typeof amounts === 'string') return amounts;
    quota[what] = amounts;
  }
  return checkGuaranteeWithinLimit(quota) ?? quota;
}

function readQuantities(what: string, given: WireQuantities): Quantities | string {
  const entries = Object.entries(given);
  if (entries.length > MAX_QUANTITIES) {
    return `${what} name ${entries.length} resources; at most ${MAX_QUANTITIES} are allowed`;
  }
  for (const [name, { value }] of entries) {
    if (name === '' || name === '__proto__' || name.includes('{')) {
      return `${what}: ${JSON.stringify(name)} names no resource`;
    }
    if (!(value >= 0)) return `${what}.${name} is ${value}, below 0`;
    if (value > 0 && toMilli(value) === 0) {
      return `${what}.${name} is ${value}, below 0.001, the least that counts`;
    }
  }
  return Object.fromEntries(entries.map(([name, { value }]) => [name, toMilli(value)]));
}

function checkGuaranteeWithinLimit({ role, guarantees, limits }: QuotaRecord): string | undefined {
  for (const [name, milli] of Object.entries(guarantees)) {
    const limit = amountOf(limits, name);
    if (limit !== undefined && milli > limit) {
      return `quota of role ${role}: guarantees.${name} is ${fromMilli(milli)}, above its limit ${fromMilli(limit)}`;
    }
  }
  return undefined;
}

function readGuarantee(resources: WireQuotaRequest['guarantee']): WireQuantities | string {
  if (resources.length === 0) return 'guarantee is empty';
  const amounts = new Map<string, { readonly value: number }>();
  for (const one of resources) {
    const { name } = one;
    if (one.type !== 'SCALAR')
      return `guarantee: ${name} is ${one.type}; only scalars are possible`;
    const isPlain =
      (one.role ?? '*') === '*' &&
      (one.reservations ?? []).length === 0 &&
      one.disk === undefined &&
      one.revocable === undefined;
    if (!isPlain) return `guarantee: ${name} has a role, a reservation, a disk or is revocable`;
    if (amounts.has(name)) return `guarantee: ${name} is given twice`;
    if (one.scalar === undefined) return `guarantee: ${name} has no scalar value`;
    amounts.set(name, { value: one.scalar.value });
  }
  return Object.fromEntries(amounts);
}

/** Compared with what is used and what the cluster has, unless forced. */
function judge(
  state: MasterState,
  quotas: readonly QuotaRecord[],
  options: { readonly force: boolean },
): OperatorVerdict {
  const after = new Map(state.operator.quotas);
  for (const quota of quotas) after.set(quota.role, quota);
  if (after.size > MAX_QUOTA_ROLES) {
    return refuse(400, `${after.size} roles would have a quota; at most ${MAX_QUOTA_ROLES} may`);
  }
  if (!options.force) {
    const problem =
      checkCapacity(state, [...after.values()]) ??
      quotas.map((quota) => checkConsumption(state, quota)).find((one) => one !== undefined);
    if (problem !== undefined) return refuse(400, `${problem}; force sets it all the same`);
  }
  // A quota that says nothing is none.
  const isEmpty = (quota: QuotaRecord) =>
    Object.keys(quota.guarantees).length === 0 && Object.keys(quota.limits).length === 0;
  return toDecision(
    quotas.filter((quota) => !isEmpty(quota)),
    quotas.filter(isEmpty).map(({ role }) => role),
  );
}

function toDecision(quotas: readonly QuotaRecord[], removed: readonly RoleName[]): OperatorVerdict {
  if (quotas.length === 0 && removed.length === 0) return { kind: 'answer', status: 200 };
  return {
    kind: 'decide',
    changes: [
      ...quotas.map((quota) => ({ kind: 'put-quota', quota }) as const),
      ...removed.map((role) => ({ kind: 'remove-quota', role }) as const),
    ],
    decision: { kind: 'quotas', quotas, removed },
  };
}

function checkCapacity(state: MasterState, quotas: readonly QuotaRecord[]): string | undefined {
  const sums = new Map<string, number>();
  for (const { guarantees } of quotas) {
    for (const [name, milli] of Object.entries(guarantees)) {
      sums.set(name, (sums.get(name) ?? 0) + milli);
    }
  }
  for (const [name, milli] of sums) {
    const capacity = capacityOf(state, name);
    if (milli > capacity) {
      return `all guarantees of ${name} together are ${fromMilli(milli)}, above the cluster's ${fromMilli(capacity)}`;
    }
  }
  return undefined;
}

/** What agents that are not lost have of it, whatever its reservations; nothing revocable. */
function capacityOf(state: MasterState, name: string): number {
  let sum = 0;
  for (const { condition, total } of state.agents.values()) {
    if (condition === 'unreachable') continue;
    for (const [key, milli] of Object.entries(total.scalars)) {
      if (nameOfKey(key) === name && !traitsOfKey(key).isRevocable) sum += milli;
    }
  }
  return sum;
}

/** Offers are not counted: those above the limit are rescinded. */
function checkConsumption(state: MasterState, { role, limits }: QuotaRecord): string | undefined {
  const { consumed } = state.allocator.roleUsage(role);
  for (const [name, limit] of Object.entries(limits)) {
    let used = amountOf(consumed, name) ?? 0;
    for (const offer of state.offers.values()) {
      if (isWithin(offer.role, role)) used -= unreservedOf(offer.resources, name);
    }
    if (used > limit) {
      return `role ${role} uses ${fromMilli(used)} ${name}, above the limit ${fromMilli(limit)}`;
    }
  }
  return undefined;
}

function rescindAboveLimit(turn: MasterTurn, { role, limits }: QuotaRecord): void {
  const { state } = turn;
  for (const [name, limit] of Object.entries(limits)) {
    for (const offer of [...state.offers.values()].reverse()) {
      if ((amountOf(state.allocator.roleUsage(role).consumed, name) ?? 0) <= limit) break;
      if (isWithin(offer.role, role) && unreservedOf(offer.resources, name) > 0) {
        rescindOffer(turn, offer);
      }
    }
  }
}

function rescindForGuarantee(turn: MasterTurn, { role, guarantees }: QuotaRecord): void {
  const { state } = turn;
  const { consumed } = state.allocator.roleUsage(role);
  for (const [name, guarantee] of Object.entries(guarantees)) {
    let missing = guarantee - (amountOf(consumed, name) ?? 0);
    if (missing <= 0) continue;
    for (const id of state.agents.keys()) {
      missing -= unreservedOf(state.allocator.availableOn(id), name);
    }
    for (const offer of [...state.offers.values()]) {
      if (missing <= 0) break;
      const amount = unreservedOf(offer.resources, name);
      if (amount === 0 || isGuaranteed(state, offer)) continue;
      missing -= amount;
      rescindOffer(turn, offer);
    }
  }
}

/** Whether the offer's role has a guarantee of its own. */
const isGuaranteed = (state: MasterState, offer: Offer): boolean => {
  const quota = state.operator.quotas.get(roleName(offer.role.split('/', 1)[0] ?? ''));
  return quota !== undefined && Object.values(quota.guarantees).some((milli) => milli > 0);
};

/** The part that counts against a quota as soon as it is allocated. */
const unreservedOf = (resources: Resources, name: string): number => scalarMilli(resources, name);

const amountOf = (amounts: Quantities, name: string): number | undefined =>
  Object.hasOwn(amounts, name) ? amounts[name] : undefined;
