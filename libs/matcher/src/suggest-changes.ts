import type { AgentId, App } from '#core';
import { type AppChange, changeApp, changeOffer } from './app-change.js';
import type { FoundRefusal, Lack } from './find-refusals.js';
import { constrainingSites, matchOffer } from './match-offer.js';
import type { MatchableOffer, MatchContext, PlacedInstance, WaitingApp } from './offer.js';
import { type Repair, type RepairContext, repairsOf, subjectOf } from './repair.js';

/** The smallest changes come first; more than these would be a riddle of their own. */
const MAX_SUGGESTIONS = 5;
/** Of the agents that lack the same things those nearest are repaired, and of all at most so many. */
const MAX_REPAIRED_ALIKE = 10;
const MAX_REPAIRED = 100;
/** Agents and waiting instances tried to say how many instances a change places. */
const MAX_TRIED_AGENTS = 50;
const MAX_TRIED_INSTANCES = 1_000;

/** Changes which, made together, place at least one waiting instance: the matcher was asked. */
export interface Suggestion {
  readonly changes: readonly AppChange[];
  /** Where the first instance goes; absent when none needs a place any more. */
  readonly at?: { readonly agentId: AgentId; readonly hostname: string };
  /** Instances placed by it, at least, of those that wait; with fewer instances: that no longer wait. */
  readonly places: number;
}

/** An agent that refused, nearest first. */
export interface Refuser {
  readonly offer: MatchableOffer;
  readonly refusals: readonly FoundRefusal[];
  /** What it has was offered a moment ago, so it is there. */
  readonly isCurrent: boolean;
}

export interface SuggestionInput extends WaitingApp {
  /** Instances that have a place and keep it; with them and `count` less than the app wants, scaling down is no answer. */
  readonly placedCount: number;
}

/**
 * The smallest changes that would place a waiting instance, each tried with `matchOffer` against the offers as they are.
 * O(agents + {@link MAX_REPAIRED} * constraints * placed).
 */
export function suggestChanges(
  input: SuggestionInput,
  refusers: readonly Refuser[],
  context: RepairContext,
): readonly Suggestion[] {
  const offers = refusers.map(({ offer }) => offer);
  const suggestions: Suggestion[] = [];
  for (const { repair, refuser } of leastRepairs(input.app, refusers, context)) {
    if (suggestions.length >= MAX_SUGGESTIONS) break;
    const suggestion = tryRepair(input, repair, { refuser, offers, context });
    if (suggestion !== undefined) suggestions.push(suggestion);
  }
  const fewer = tryFewer(input, offers, context);
  return fewer === undefined ? suggestions : [...suggestions, fewer];
}

interface Candidate {
  readonly repair: Repair;
  readonly refuser: Refuser;
  readonly subjects: ReadonlySet<string>;
}

/** Of each set of subjects the cheapest repair, cheapest first; none that changes what a smaller one leaves alone. */
function leastRepairs(
  app: App,
  refusers: readonly Refuser[],
  context: RepairContext,
): readonly Candidate[] {
  const best = new Map<string, Candidate>();
  const search = { placed: constrainingSites(app, context.placedOf), context };
  for (const refuser of chooseToRepair(refusers)) {
    for (const repair of repairsOf(app, refuser.offer, refuser.refusals, search)) {
      const subjects = new Set(repair.changes.map(subjectOf));
      const key = [...subjects].sort().join('\n');
      const known = best.get(key);
      const candidate = { repair, refuser, subjects };
      if (known === undefined || isBetter(candidate, known)) best.set(key, candidate);
    }
  }
  const sorted = [...best.values()].sort((left, right) => left.repair.cost - right.repair.cost);
  return sorted.filter((candidate) => !sorted.some((other) => isEnough(other, candidate)));
}

/** Less would do, on an agent that is as sure to have it. */
const isEnough = (less: Candidate, more: Candidate): boolean =>
  (less.refuser.isCurrent || !more.refuser.isCurrent) && isWithin(less.subjects, more.subjects);

/** Whoever lacks more of the same than others needs a bigger change than they do. */
function chooseToRepair(nearestFirst: readonly Refuser[]): readonly Refuser[] {
  const alike = new Map<string, number>();
  const chosen: Refuser[] = [];
  for (const refuser of nearestFirst) {
    if (chosen.length >= MAX_REPAIRED) break;
    const kind = [...new Set(refuser.refusals.map(({ lack }) => nameOf(lack)))].join('\n');
    const count = (alike.get(kind) ?? 0) + 1;
    alike.set(kind, count);
    if (count <= MAX_REPAIRED_ALIKE) chosen.push(refuser);
  }
  return chosen;
}

function nameOf(lack: Lack): string {
  switch (lack.kind) {
    case 'scalar':
      return lack.name;
    case 'constraint':
      return lack.constraint.join(' ');
    case 'fixed-port':
      return `port ${lack.port}`;
    default:
      return lack.kind;
  }
}

const isBetter = (left: Candidate, right: Candidate): boolean =>
  left.refuser.isCurrent === right.refuser.isCurrent
    ? left.repair.cost < right.repair.cost
    : left.refuser.isCurrent;

const isWithin = (part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean =>
  part.size < whole.size && [...part].every((subject) => whole.has(subject));

interface Trial {
  readonly refuser: Refuser;
  readonly offers: readonly MatchableOffer[];
  readonly context: MatchContext;
}

function tryRepair(
  { app, count }: WaitingApp,
  { changes }: Repair,
  { refuser, offers, context }: Trial,
): Suggestion | undefined {
  const changed = changeApp(app, changes);
  const first = changeOffer(refuser.offer, changes);
  if (countPlaced({ app: changed, count: 1 }, [first], context) === 0) return undefined;
  const others = offers.filter((offer) => offer !== refuser.offer);
  const { agentId, hostname } = first;
  return {
    changes,
    at: { agentId, hostname },
    places: countPlaced({ app: changed, count }, [first, ...others], context),
  };
}

/** Fewer instances: those without a place are given up, and the matcher still finds one for the rest. */
function tryFewer(
  { app, count, placedCount }: SuggestionInput,
  offers: readonly MatchableOffer[],
  context: MatchContext,
): Suggestion | undefined {
  if (placedCount + count !== app.instances) return undefined;
  const fitting = countPlaced({ app, count }, offers, context);
  const to = placedCount + fitting;
  if (to < 1 || to >= app.instances) return undefined;
  const changes: readonly AppChange[] = [{ kind: 'instances', from: app.instances, to }];
  const fewer = changeApp(app, changes);
  const isPlaced = countPlaced({ app: fewer, count: fitting }, offers, context) === fitting;
  return isPlaced ? { changes, places: count - fitting } : undefined;
}

/** How many instances the offers take one after the other. At most {@link MAX_TRIED_AGENTS} are asked. */
export function countPlaced(
  { app, count }: WaitingApp,
  offers: readonly MatchableOffer[],
  context: MatchContext,
): number {
  const wanted = Math.min(count, MAX_TRIED_INSTANCES);
  const placed: PlacedInstance[] = [...context.placedOf(app.id)];
  const configVersion = app.versionInfo.lastConfigChangeAt;
  let left = wanted;
  for (const offer of offers.slice(0, MAX_TRIED_AGENTS)) {
    if (left === 0) break;
    const waiting = [{ app, count: left }];
    const { launches } = matchOffer(offer, waiting, { ...context, placedOf: () => placed });
    left -= launches.length;
    for (const _ of launches) placed.push({ configVersion, site: offer });
  }
  return wanted - left;
}
