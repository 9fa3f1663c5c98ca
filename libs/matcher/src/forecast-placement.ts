import type { AgentId, AppId } from '#core';
import { matchOffer } from './match-offer.js';
import type { MatchableOffer, MatchContext, PlacedInstance, Refusal, WaitingApp } from './offer.js';

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
  const open = offers.map((offer) => ({ offer }));
  const forecasts = new Map<AppId, PlacementForecast>();
  for (const one of waiting) forecasts.set(one.app.id, placeApp(open, one, context));
  return forecasts;
}

function placeApp(
  open: readonly { offer: MatchableOffer }[],
  { app, count }: WaitingApp,
  context: MatchContext,
): PlacementForecast {
  const placed: PlacedInstance[] = [...context.placedOf(app.id)];
  const counts = new Map<MatchableOffer['agentId'], { hostname: string; count: number }>();
  const refusals = new Map<number, Refusal>();
  let left = Math.min(count, MAX_FORECAST_LAUNCHES);
  for (const pass of ['share', 'rest'] as const) {
    for (const [index, target] of open.entries()) {
      if (left === 0) break;
      const share = pass === 'rest' ? left : Math.ceil(left / (open.length - index));
      const match = matchOffer(target.offer, [{ app, count: share }], {
        ...context,
        placedOf: () => placed,
      });
      target.offer = { ...target.offer, pools: match.remaining };
      const refusal = match.refusals.get(app.id);
      if (refusal !== undefined) refusals.set(index, refusal);
      if (match.launches.length === 0) continue;
      const { agentId, hostname } = target.offer;
      const site = { configVersion: app.versionInfo.lastConfigChangeAt, site: target.offer };
      for (const _ of match.launches) placed.push(site);
      const known = counts.get(agentId)?.count ?? 0;
      counts.set(agentId, { hostname, count: known + match.launches.length });
      left -= match.launches.length;
    }
  }
  return {
    placements: [...counts].map(([agentId, where]) => ({ agentId, ...where })),
    unplaced: left,
    refusals: left === 0 ? [] : countAlike([...refusals.values()]),
  };
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
