import {
  type App,
  type Constraint,
  countInRanges,
  normaliseRanges,
  portRanges,
  subtractRanges,
} from '#core';
import type { Site } from './constraints.js';
import {
  checkDocker,
  checkRole,
  constrainingSites,
  measureShortage,
  refuseByConstraint,
  refuseMaintenance,
  refuseRoles,
  refuseShortage,
  SCALARS,
  usablePools,
} from './match-offer.js';
import type { MatchableOffer, MatchContext, Refusal, ResourcePool } from './offer.js';
import { wantedPorts } from './ports.js';

export type ScalarName = (typeof SCALARS)[number][0];

/** What exactly is missing where a reason applies. Amounts of scalars are thousandths. */
export type Lack =
  | { readonly kind: 'role'; readonly offeredTo: string }
  | { readonly kind: 'docker' }
  | { readonly kind: 'constraint'; readonly constraint: Constraint }
  | { readonly kind: 'maintenance' }
  | { readonly kind: 'accepted-roles' }
  | {
      readonly kind: 'scalar';
      readonly name: ScalarName;
      readonly needMilli: number;
      readonly haveMilli: number;
    }
  | { readonly kind: 'fixed-port'; readonly port: number }
  | { readonly kind: 'port-count'; readonly need: number; readonly have: number };

export interface FoundRefusal extends Refusal {
  readonly lack: Lack;
}

/** What the search for refusals knows besides the offer and the app. */
export interface RefusalSearch {
  /** Where instances of the same configuration are; looked at only by constraints. */
  readonly placed: readonly Site[];
  readonly context: Pick<MatchContext, 'distinctValues'>;
}

/**
 * Every reason why the offer does not take one more instance; empty exactly when `matchOffer` places one. For
 * explanations: matching itself stops at the first. O(constraints * placed + ports * ranges).
 */
export function findRefusals(
  offer: MatchableOffer,
  app: App,
  search: RefusalSearch,
): readonly FoundRefusal[] {
  const found: FoundRefusal[] = [];
  const add = (refusal: Refusal | undefined, lack: Lack): void => {
    if (refusal !== undefined) found.push({ ...refusal, lack });
  };
  add(checkRole(offer, app), { kind: 'role', offeredTo: offer.allocatedRole ?? '*' });
  add(checkDocker(offer, app), { kind: 'docker' });
  for (const constraint of app.constraints) {
    const refusal = refuseByConstraint({ constraint, offer, app, ...search });
    add(refusal, { kind: 'constraint', constraint });
  }
  if (offer.isInMaintenance === true) add(refuseMaintenance(offer), { kind: 'maintenance' });
  const usable = usablePools(app, offer.pools);
  // Of nothing usable, everything else would be short too: that says nothing new.
  if (usable.length === 0) add(refuseRoles(app), { kind: 'accepted-roles' });
  else found.push(...findShortages(app, usable), ...findPortRefusals(app, usable));
  return found;
}

/** {@link findRefusals} with the look-ups of a match. */
export const findAllRefusals = (
  offer: MatchableOffer,
  app: App,
  context: MatchContext,
): readonly FoundRefusal[] =>
  findRefusals(offer, app, { placed: constrainingSites(app, context.placedOf), context });

function findShortages(app: App, pools: readonly ResourcePool[]): readonly FoundRefusal[] {
  return SCALARS.flatMap((scalar) => {
    const shortage = measureShortage(app, scalar[0], pools);
    if (shortage === undefined) return [];
    const lack: Lack = { kind: 'scalar', name: scalar[0], ...shortage };
    return [{ ...refuseShortage(scalar, shortage), lack }];
  });
}

/** As `assignPorts` takes them: fixed ones first, each at most once. */
function findPortRefusals(app: App, pools: readonly ResourcePool[]): readonly FoundRefusal[] {
  const wanted = wantedPorts(app);
  const found: FoundRefusal[] = [];
  let free = normaliseRanges(pools.flatMap((pool) => portRanges(pool.resources)));
  for (const port of wanted) {
    if (typeof port !== 'number') continue;
    const rest = subtractRanges(free, [{ begin: port, end: port }]);
    if (countInRanges(rest) === countInRanges(free)) {
      const detail = `needs port ${port}, which is not offered`;
      found.push({ reason: 'InsufficientPorts', detail, lack: { kind: 'fixed-port', port } });
    }
    free = rest;
  }
  const need = wanted.filter((port) => port === 'any').length;
  const have = countInRanges(free);
  if (need > have) {
    const detail = `needs ${need} ports, ${have} are left`;
    found.push({ reason: 'InsufficientPorts', detail, lack: { kind: 'port-count', need, have } });
  }
  return found;
}
