import { type AgentId, type App, type AppId, isReleased, type Now } from '#core';
import { delayLeftMs, type QueueEntry } from '#deployment';
import { topLevelGroupOf } from '#marathon-v2';
import {
  explainWaiting,
  findAllRefusals,
  type MatchContext,
  type RefusalReason,
  type RepairContext,
  type SeenOffer,
  wantedPorts,
} from '#matcher';
import type { UnusedOffer, WaitingGroup } from './app-explanation.port.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { distinctValues, placedOf } from './handle-offers.js';
import { reservationsAwaited } from './launch-parked.js';
import { isRoleEnforced } from './prepare-launch.js';
import type { KeptOffer } from './seen-offers.js';

/** Agents looked at are fewer where each costs a look at every instance of the app, but at least so many. */
const MAX_COMPARISONS = 250_000;
const MIN_EXPLAINED_AGENTS = 20;
/** While something waits, what is free comes again every few seconds: what did not is in use elsewhere by now. */
const CURRENT_MS = 60_000;

/** Why instances of an app wait to be launched, from the offers its agents made last. */
export function explainEntry(
  context: EngineContext,
  draft: Draft,
  entry: QueueEntry,
  maxAgents: number,
): WaitingGroup {
  const { memory, state } = context;
  const { app, count, sinceEpochMs } = entry;
  const match = { ...matchContext(context, draft, app), ...reservationsAwaited(draft, entry) };
  const placedCount = match.placedOf(app.id).length;
  const kept = memory.seenOffers.newest(app.role, limitAgents(app, placedCount, maxAgents));
  const times = kept.map(({ seen }) => seen.epochMs);
  const delayLeft = delayLeftMs(memory.backOffs.get(app.id), app, draft.now);
  const failure = delayLeft > 0 ? state.failures.get(app.id) : undefined;
  return {
    app,
    count,
    sinceEpochMs,
    delayLeftMs: delayLeft,
    ...(failure === undefined ? {} : { failure }),
    explanation: explainWaiting(
      { app, count, placedCount },
      kept.map((one) => toSeenOffer(one, draft.now)),
      match,
    ),
    omittedAgents: memory.seenOffers.agentCount - kept.length,
    ...(times.length === 0
      ? {}
      : {
          newestOfferEpochMs: Math.max(...times),
          oldestOfferEpochMs: Math.min(...times),
        }),
  };
}

/** The newest offers that an app which waits did not use, with every reason. */
export function listUnusedOffers(
  context: EngineContext,
  draft: Draft,
  id: AppId,
  limit: number,
): readonly UnusedOffer[] {
  const { memory } = context;
  const entry = memory.queue.get(id);
  const app = entry?.app;
  const answers = memory.statistics.get(id)?.last;
  if (entry === undefined || app === undefined || answers === undefined) return [];
  const match = { ...matchContext(context, draft, app), ...reservationsAwaited(draft, entry) };
  const unused: UnusedOffer[] = [];
  for (const [agent, refusal] of [...answers].reverse()) {
    if (unused.length >= limit) break;
    const kept = memory.seenOffers.lastOf(agent, app.role);
    if (refusal === undefined || kept === undefined) continue;
    const { offer, attributes, seen } = kept;
    const now = new Set(findAllRefusals(offer, app, match).map(({ reason }) => reason));
    const reasons: readonly RefusalReason[] = now.size > 0 ? [...now] : [refusal.reason];
    unused.push({ offer, attributes, reasons, seenEpochMs: seen.epochMs });
  }
  return unused;
}

const toSeenOffer = ({ offer, seen }: KeptOffer, now: Now): SeenOffer => ({
  offer,
  seenEpochMs: seen.epochMs,
  isCurrent: now.monoMs - seen.monoMs <= CURRENT_MS,
});

function limitAgents(app: App, placedCount: number, maxAgents: number): number {
  const perAgent = Math.max(1, app.constraints.length * placedCount);
  const affordable = Math.max(MIN_EXPLAINED_AGENTS, Math.floor(MAX_COMPARISONS / perAgent));
  return Math.min(maxAgents, affordable);
}

/** What matching looks at, each look-up made once. */
function matchContext(context: EngineContext, draft: Draft, app: App): RepairContext {
  const placed = placedOf(context, draft, app.id);
  const distinct = new Map<string, number>();
  const match: MatchContext = {
    placedOf: () => placed,
    distinctValues: (field) => {
      const known = distinct.get(field) ?? distinctValues(context, field);
      distinct.set(field, known);
      return known;
    },
    seed: 0,
  };
  const holders = holdersOf(context, app);
  return {
    ...match,
    allowedRoles: allowedRolesOf(context, draft, app),
    holderOf: (agent, port) => holders.get(keyOf(agent, port)),
  };
}

/** As the rules of the API have it. */
function allowedRolesOf({ options }: EngineContext, draft: Draft, app: App): readonly string[] {
  const group = topLevelGroupOf(app.id);
  if (group === undefined) return [options.role, app.role];
  return isRoleEnforced(draft, app.id) ? [group] : [options.role, group, app.role];
}

/** The tasks of other apps that have the fixed ports of this one, by agent and port. O(all instances) for an app that has any. */
function holdersOf({ state }: EngineContext, app: App): ReadonlyMap<string, string> {
  const holders = new Map<string, string>();
  const ports = new Set(wantedPorts(app).filter((port) => typeof port === 'number'));
  if (ports.size === 0) return holders;
  for (const instance of state.instances()) {
    const { appId, placement, hostPorts, taskId } = instance;
    if (appId === app.id || isReleased(instance)) continue;
    for (const port of hostPorts) {
      if (port === null || placement === undefined || !ports.has(port)) continue;
      holders.set(keyOf(placement.agentId, port), taskId);
    }
  }
  return holders;
}

const keyOf = (agent: AgentId, port: number): string => `${agent} ${port}`;
