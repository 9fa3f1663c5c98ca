import type { Explanation } from '#allocator';
import type { MasterFramework, MasterState } from '#cluster';
import {
  addResources,
  type FrameworkId,
  fromMilli,
  noResources,
  quantitiesOf,
  frameworkId as toFrameworkId,
} from '#core';
import { toUnits } from './role-views.js';

/** What may be asked for of the explanation. */
export interface ExplainQuery {
  readonly frameworkId?: string;
  readonly role?: string;
}

/**
 * Per framework and role: its share, what it has, and why it did not get the rest, in counts. `waits_for` counts agents as
 * they stand; `passed_over` counts how often it was passed over in the last rounds.
 */
export function viewExplanation(state: MasterState, query: ExplainQuery = {}): object {
  const { frameworkId } = query;
  const explained = state.allocator
    .explain({
      ...(frameworkId === undefined ? {} : { frameworkId: toFrameworkId(frameworkId) }),
      offeredOn: (id) => state.agents.get(id)?.offers ?? [],
    })
    .filter(
      ({ role }) =>
        query.role === undefined || role === query.role || role.startsWith(`${query.role}/`),
    );
  return {
    frameworks: [...byFramework(explained)].map(([id, roles]) => {
      const framework = state.frameworks.get(id);
      const suppressed = new Set(state.allocator.suppressedRoles(id));
      return {
        id,
        name: framework?.info.name ?? '',
        connected: framework?.streamId !== undefined,
        roles: roles.map((one) => ({
          role: one.role,
          suppressed: suppressed.has(one.role),
          dominant_share: one.dominantShare,
          role_share: one.roleShare,
          weight: one.weight,
          held: toUnits(one.held),
          offered: offeredTo(framework, one.role),
          agents: one.agents,
          waits_for: one.reasons,
          passed_over: one.passedOver,
        })),
      };
    }),
  };
}

function byFramework(explained: readonly Explanation[]): Map<FrameworkId, Explanation[]> {
  const grouped = new Map<FrameworkId, Explanation[]>();
  for (const one of explained) {
    const known = grouped.get(one.frameworkId);
    if (known === undefined) grouped.set(one.frameworkId, [one]);
    else known.push(one);
  }
  return grouped;
}

/** The part of what it holds that is not used yet, in how many offers. */
function offeredTo(framework: MasterFramework | undefined, role: string): object {
  const offers = [...(framework?.offers ?? [])].filter((offer) => offer.role === role);
  const sum = offers.reduce((all, { resources }) => addResources(all, resources), noResources);
  return {
    offers: offers.length,
    resources: Object.fromEntries(
      [...quantitiesOf(sum)].map(([name, milli]) => [name, fromMilli(milli)]),
    ),
  };
}
