import { assert, nameOfKey, type Resources, type RoleName, reservedRole, roleName } from '#core';
import { addToSum, type Sums } from './quantities.js';
import type { Quota } from './traits.js';

/** `eng` for `eng/dev`: quota stands on these and covers what is below. */
export function topLevelRole(role: RoleName): RoleName {
  const slash = role.indexOf('/');
  return slash < 0 ? role : roleName(role.slice(0, slash));
}

/** Neither reserved nor revocable: what quota bounds and headroom holds back. Only such keys are bare names. */
export const isPlainKey = (key: string): boolean => !key.includes('{');

/**
 * What top-level roles consume, are guaranteed and may have at most, and how much of the free resources is held back
 * for guarantees that are not met. Consumed are all reservations of a role and of those below, allocated or not, and
 * what their frameworks have been allocated unreserved and not revocable. Everything is kept up to date by each
 * change, O(names). Owns and mutates its state.
 */
export class QuotaLedger {
  private readonly quotas = new Map<RoleName, StandingQuota>();
  private readonly consumed = new Map<RoleName, Sums>();
  private readonly unreserved = new Map<RoleName, Sums>();
  private readonly reserved = new Map<RoleName, Sums>();
  /** Free, plain, on active agents. */
  private readonly free: Sums = new Map();
  /** Guarantees not met, over all roles. */
  private readonly required: Sums = new Map();
  /** Roles that were kept from something by their limit. */
  private readonly short = new Set<RoleName>();
  /** Roles with quota whose room grew after they, or everybody, had been kept from something. */
  private readonly gained = new Set<RoleName>();
  private surplusLastRound: ReadonlyMap<string, number> = new Map();
  private isHeadroomShort = false;

  get hasQuotas(): boolean {
    return this.quotas.size > 0;
  }

  /** Whether some guarantee is not met. */
  get hasUnmetGuarantees(): boolean {
    return this.required.size > 0;
  }

  quotaOf(role: RoleName): Quota | undefined {
    return this.quotas.get(role)?.given;
  }

  quotaRoles(): Iterable<RoleName> {
    return this.quotas.keys();
  }

  /** Roles something is reserved or allocated to. */
  rolesInUse(): readonly RoleName[] {
    const roles = [...this.unreserved, ...this.reserved];
    return roles
      .filter(([, sums]) => [...sums.values()].some((sum) => sum > 0))
      .map(([role]) => role);
  }

  /** `undefined` takes the quota away. */
  setQuota(role: RoleName, quota: Quota | undefined): void {
    assert(!role.includes('/'), `quota of ${role}: only top-level roles have one`);
    this.requireGuarantees(role, -1);
    if (quota === undefined) this.quotas.delete(role);
    else this.quotas.set(role, toStanding(quota));
    this.requireGuarantees(role, 1);
    this.short.delete(role);
  }

  /** An agent's total came or went: what is reserved on it counts for the roles. */
  changeTotal(total: Resources, sign: 1 | -1): void {
    for (const key in total.scalars) {
      if (isPlainKey(key)) continue;
      const role = reservedRole(key);
      if (role === undefined) continue;
      const milli = sign * (total.scalars[key] ?? 0);
      addToSum(sumsOf(this.reserved, roleName(role)), nameOfKey(key), milli);
      this.consume(topLevelRole(roleName(role)), nameOfKey(key), milli);
    }
  }

  /** Something was allocated to (1) or came back from (-1) a framework in `role`. */
  changeAllocated(role: RoleName, amount: Resources, sign: 1 | -1): void {
    const top = topLevelRole(role);
    for (const key in amount.scalars) {
      if (!isPlainKey(key)) continue;
      const milli = sign * (amount.scalars[key] ?? 0);
      addToSum(sumsOf(this.unreserved, role), key, milli);
      this.consume(top, key, milli);
    }
  }

  /** What is free on an active agent came or went. */
  changeFree(amount: Resources, sign: 1 | -1): void {
    for (const key in amount.scalars) {
      if (isPlainKey(key)) addToSum(this.free, key, sign * (amount.scalars[key] ?? 0));
    }
  }

  /**
   * How much of `milli` free a role may take: not above its limit, and above its own unmet guarantee only from what
   * no guarantee holds back. Remembers who was kept from something, see {@link takeGained}.
   */
  room(top: RoleName, name: string, milli: number): number {
    const upToLimit = this.upToLimit(top, name);
    if (upToLimit < milli) this.short.add(top);
    const fromHeadroom = this.unmetGuarantee(top, name) + this.surplus(name);
    if (fromHeadroom < milli) this.isHeadroomShort = true;
    return Math.max(0, Math.min(milli, upToLimit, fromHeadroom));
  }

  /** The room there would be with `returnedMilli` more free; nobody is remembered for it. */
  tryRoom(top: RoleName, name: string, milli: number, returnedMilli: number): number {
    const fromHeadroom = this.unmetGuarantee(top, name) + this.surplus(name, returnedMilli);
    return Math.max(0, Math.min(milli, this.upToLimit(top, name), fromHeadroom));
  }

  /** What is missing to a role's guarantee of a name. */
  unmetGuarantee(top: RoleName, name: string): number {
    const guarantee = this.quotas.get(top)?.guarantees.get(name) ?? 0;
    return guarantee === 0 ? 0 : Math.max(0, guarantee - this.consumedOf(top, name));
  }

  hasUnmetGuarantee(top: RoleName): boolean {
    for (const name of this.quotas.get(top)?.guarantees.keys() ?? []) {
      if (this.unmetGuarantee(top, name) > 0) return true;
    }
    return false;
  }

  /** What a role may still consume of a name; infinite without a limit. May be below zero. */
  upToLimit(top: RoleName, name: string): number {
    const limit = this.quotas.get(top)?.limits.get(name);
    return limit === undefined ? Number.POSITIVE_INFINITY : limit - this.consumedOf(top, name);
  }

  /** Whether a reservation of `converted` instead of `consumed` keeps within the limits of its roles. */
  allowsConversion(consumed: Resources, converted: Resources): boolean {
    const more = new Map<RoleName, Sums>();
    for (const [amount, sign] of [
      [converted, 1],
      [consumed, -1],
    ] as const) {
      for (const key in amount.scalars) {
        const role = reservedRole(key);
        if (role === undefined) continue;
        const sums = sumsOf(more, topLevelRole(roleName(role)));
        const name = nameOfKey(key);
        sums.set(name, (sums.get(name) ?? 0) + sign * (amount.scalars[key] ?? 0));
      }
    }
    for (const [top, sums] of more) {
      for (const [name, milli] of sums) {
        if (milli > 0 && milli > this.upToLimit(top, name)) return false;
      }
    }
    return true;
  }

  /** Whether a round could give more than the last because of what was given back. */
  get hasNews(): boolean {
    return this.gained.size > 0 || this.hasMoreSurplus();
  }

  /** Roles with quota that may take more since the last call. */
  takeGained(): readonly RoleName[] {
    const gained = [...this.gained];
    this.gained.clear();
    return gained;
  }

  /** Whether headroom kept somebody from something, and holds back less since {@link endRound}. */
  hasMoreSurplus(): boolean {
    if (!this.isHeadroomShort) return false;
    for (const name of this.free.keys()) {
      if (this.surplus(name) > (this.surplusLastRound.get(name) ?? 0)) return true;
    }
    return false;
  }

  /** All free agents are about to be looked at anew. */
  forgetShortage(): void {
    this.isHeadroomShort = false;
  }

  /** Notes the surplus that the round left. */
  endRound(): void {
    if (!this.isHeadroomShort) return;
    this.surplusLastRound = new Map(
      [...this.free.keys()].map((name) => [name, this.surplus(name)]),
    );
  }

  /** Reserved to a role and to those below it. O(roles). */
  reservedTo(role: RoleName): ReadonlyMap<string, number> {
    return sumBelow(this.reserved, role);
  }

  /** Counts against quota: reservations of a role and of those below, and their unreserved allocations. O(roles). */
  consumedBy(role: RoleName): ReadonlyMap<string, number> {
    const sums = sumBelow(this.unreserved, role);
    for (const [name, milli] of sumBelow(this.reserved, role)) addToSum(sums, name, milli);
    return sums;
  }

  private surplus(name: string, returnedMilli = 0): number {
    const free = (this.free.get(name) ?? 0) + returnedMilli;
    return Math.max(0, free - (this.required.get(name) ?? 0));
  }

  private consumedOf(top: RoleName, name: string): number {
    return this.consumed.get(top)?.get(name) ?? 0;
  }

  private consume(top: RoleName, name: string, milli: number): void {
    const quota = this.quotas.get(top);
    const before = quota === undefined ? 0 : this.unmetGuarantee(top, name);
    addToSum(sumsOf(this.consumed, top), name, milli);
    if (quota === undefined) return;
    addToSum(this.required, name, this.unmetGuarantee(top, name) - before);
    if (milli < 0 && (this.isHeadroomShort || this.short.delete(top))) this.gained.add(top);
  }

  private requireGuarantees(role: RoleName, sign: 1 | -1): void {
    for (const name of this.quotas.get(role)?.guarantees.keys() ?? []) {
      addToSum(this.required, name, sign * this.unmetGuarantee(role, name));
    }
  }
}

/** A quota as it is read in the inner loop: names come from outside and may be `constructor`. */
interface StandingQuota {
  readonly given: Quota;
  readonly guarantees: ReadonlyMap<string, number>;
  readonly limits: ReadonlyMap<string, number>;
}

const toStanding = (given: Quota): StandingQuota => ({
  given,
  guarantees: new Map(Object.entries(given.guarantees)),
  limits: new Map(Object.entries(given.limits)),
});

function sumsOf(byRole: Map<RoleName, Sums>, role: RoleName): Sums {
  const known = byRole.get(role);
  if (known !== undefined) return known;
  const sums: Sums = new Map();
  byRole.set(role, sums);
  return sums;
}

function sumBelow(byRole: ReadonlyMap<RoleName, Sums>, role: RoleName): Sums {
  const sums: Sums = new Map();
  for (const [each, amounts] of byRole) {
    if (each !== role && !each.startsWith(`${role}/`)) continue;
    for (const [name, milli] of amounts) addToSum(sums, name, milli);
  }
  return sums;
}
