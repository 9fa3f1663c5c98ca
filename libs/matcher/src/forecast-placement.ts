import type { AgentId, App, AppId } from '#core';
import { matchOffer } from './match-offer.js';
import type { MatchableOffer, MatchContext, PlacedInstance, Refusal, WaitingApp } from './offer.js';
import { SpreadOrder, SpreadRound, SpreadTally } from './spread-order.js';

/** Instances of one app that are placed in a forecast at most; more are said to be beyond it. */
export const MAX_FORECAST_LAUNCHES = 1_000;

/** Where the launches of one app would go. */
export interface PlacementForecast {
  readonly placements: readonly {
    readonly agentId: AgentId;
    readonly hostname: string;
    readonly count: number;
  }[];
  /** What no offer has room for. */
  readonly unplaced: number;
  /** Why not one more, with how many offers say so, most frequent first. */
  readonly refusals: readonly (Refusal & { readonly offers: number })[];
}

/**
 * Plays the matcher over offers that were seen, spreading instances as a round of offers does; the apps in the order given.
 * Places at most {@link MAX_FORECAST_LAUNCHES} of each. O(apps * offers + launches).
 */
export function forecastPlacement(
  offers: readonly MatchableOffer[],
  waiting: readonly WaitingApp[],
  context: MatchContext,
): ReadonlyMap<AppId, PlacementForecast> {
  const round = new SpreadRound(offers.map((offer): Open => ({ offer })));
  const forecasts = new Map<AppId, PlacementForecast>();
  for (const one of waiting) forecasts.set(one.app.id, placeApp(round, one, context));
  return forecasts;
}

interface Open {
  offer: MatchableOffer;
}

function placeApp(
  round: SpreadRound<Open>,
  { app, count }: WaitingApp,
  context: MatchContext,
): PlacementForecast {
  const placed: PlacedInstance[] = [...context.placedOf(app.id)];
  const { tally, occupied } = countPlaced(app, placed);
  const counts = new Map<AgentId, { hostname: string; count: number }>();
  const refusals: Refusal[] = [];
  const order = new SpreadOrder(round, app, tally);
  let left = Math.min(count, MAX_FORECAST_LAUNCHES);
  for (let target = order.best(); target !== undefined && left > 0; target = order.best()) {
    const match = matchOffer(target.offer, [{ app, count: 1 }], {
      ...context,
      placedOf: () => placed,
      occupiedBy: () => occupied,
    });
    if (match.launches.length === 0) {
      refusals.push(...match.refusals.values());
      order.drop();
      continue;
    }
    target.offer = { ...target.offer, pools: match.remaining };
    const { agentId, hostname } = target.offer;
    placed.push({ configVersion: app.versionInfo.lastConfigChangeAt, site: target.offer });
    tally.add(target.offer);
    occupied.add(agentId);
    counts.set(agentId, { hostname, count: (counts.get(agentId)?.count ?? 0) + 1 });
    left -= 1;
  }
  return {
    placements: [...counts].map(([agentId, where]) => ({ agentId, ...where })),
    unplaced: left,
    refusals: left === 0 ? [] : countAlike(refusals),
  };
}

/** Where the app is already, for spreading, and the agents where a daemon is: old instances are about to go. */
function countPlaced(
  app: App,
  placed: readonly PlacedInstance[],
): { readonly tally: SpreadTally; readonly occupied: Set<AgentId> } {
  const tally = new SpreadTally();
  const occupied = new Set<AgentId>();
  for (const { configVersion, site } of placed) {
    const { agentId } = site;
    if (agentId === undefined || configVersion !== app.versionInfo.lastConfigChangeAt) continue;
    tally.add({ ...site, agentId });
    occupied.add(agentId);
  }
  return { tally, occupied };
}

function countAlike(
  refusals: readonly Refusal[],
): readonly (Refusal & { readonly offers: number })[] {
  const counts = new Map<string, Refusal & { readonly offers: number }>();
  for (const refusal of refusals) {
    const key = `${refusal.reason} ${refusal.detail}`;
    counts.set(key, { ...refusal, offers: (counts.get(key)?.offers ?? 0) + 1 });
  }
  return [...counts.values()].sort((left, right) => right.offers - left.offers);
}
