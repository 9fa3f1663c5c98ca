import {
  type AgentId,
  type App,
  type Constraint,
  executorShareOf,
  isResident,
  toMilli,
} from '#core';
import { type AppChange, changeApp, changeOffer } from './app-change.js';
import { fieldValue, type Site } from './constraints.js';
import { type FoundRefusal, findRefusals, type Lack, type ScalarName } from './find-refusals.js';
import type { MatchableOffer, MatchContext } from './offer.js';

/** What repairs may look at and use. */
export interface RepairContext extends MatchContext {
  /** Roles the app may be given. */
  readonly allowedRoles: readonly string[];
  /** The task of ours that has this port of the agent, by its id. */
  readonly holderOf?: (agent: AgentId, port: number) => string | undefined;
}

export interface RepairSearch {
  /** Where instances of the same configuration are. */
  readonly placed: readonly Site[];
  readonly context: RepairContext;
}

/** Each round may show what the refusals of the one before hid. */
const MAX_ROUNDS = 4;
/** The least cpus (thousandths) and memory (thousandths of MiB) of a task that make sense, as Mesos has them. */
const LEAST: Readonly<Record<ScalarName, number>> = { cpus: 10, mem: 32_000, disk: 0, gpus: 0 };
const WHOLE_GPU = 1_000;

export interface Repair {
  readonly changes: readonly AppChange[];
  /** How big the changes are together: one for each, and more for those that change what the app is. */
  readonly cost: number;
}

/** The ways in which the app could be changed to fit this offer, each complete; empty when there is none. */
export function repairsOf(
  app: App,
  offer: MatchableOffer,
  refusals: readonly FoundRefusal[],
  search: RepairSearch,
): readonly Repair[] {
  const wider = widenRoles(app, offer);
  const freed = freePorts(offer, refusals, search.context);
  const starts: readonly (readonly AppChange[])[] = [
    [],
    ...(wider === undefined ? [] : [[wider]]),
    ...(freed.length === 0 ? [] : [freed]),
  ];
  return starts.flatMap((start) => {
    const changes = complete({ app, offer, ...search }, start);
    return changes === undefined ? [] : [{ changes, cost: costOf(app, changes) }];
  });
}

function complete(at: Situation, start: readonly AppChange[]): readonly AppChange[] | undefined {
  const changes = [...start];
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const app = changeApp(at.app, changes);
    const left = findRefusals(changeOffer(at.offer, changes), app, at);
    if (left.length === 0) return changes;
    const known = new Set(changes.map(subjectOf));
    for (const { lack } of left) {
      const change = changeFor(lack, { ...at, app });
      if (change === undefined) return undefined;
      const subject = subjectOf(change);
      if (!known.has(subject)) changes.push(change);
      known.add(subject);
    }
  }
  return undefined;
}

interface Situation extends RepairSearch {
  readonly app: App;
  readonly offer: MatchableOffer;
}

function changeFor(lack: Lack, at: Situation): AppChange | undefined {
  const { app, offer, context } = at;
  switch (lack.kind) {
    case 'role':
      return context.allowedRoles.includes(lack.offeredTo) && app.acceptedResourceRoles.length === 0
        ? { kind: 'role', from: app.role, to: lack.offeredTo }
        : undefined;
    case 'docker':
    case 'maintenance':
    case 'reservation':
    case 'port-count':
      return undefined;
    case 'constraint':
      return relax(lack.constraint, at);
    case 'accepted-roles':
      return widenRoles(app, offer);
    case 'scalar':
      return lower(lack, app);
    case 'fixed-port':
      return app.pod !== undefined ||
        app.container?.portMappings?.some(({ hostPort }) => hostPort === lack.port)
        ? { kind: 'any-host-port', port: lack.port }
        : { kind: 'ports-not-required' };
    default:
      return lack satisfies never;
  }
}

/** One more of the value where a number limits it; else the constraint has to go. */
function relax(constraint: Constraint, { offer, placed }: Situation): AppChange {
  const [field, operator] = constraint;
  const value = fieldValue(offer, field);
  if (operator !== 'MAX_PER' || value === undefined) {
    return { kind: 'constraint-dropped', constraint };
  }
  const count = placed.filter((site) => fieldValue(site, field) === value).length;
  const to: Constraint = [field, operator, String(count + 1)];
  return { kind: 'constraint-relaxed', constraint, to };
}

/** Resources of an app with persistent volumes may not change; nothing is lowered below what makes sense. */
function lower(lack: Extract<Lack, { kind: 'scalar' }>, app: App): AppChange | undefined {
  const { name, needMilli, haveMilli } = lack;
  const ofExecutor = toMilli(executorShareOf(app)[name]);
  const free = haveMilli - ofExecutor;
  const leftMilli = name === 'gpus' ? free - (free % WHOLE_GPU) : free;
  if (isResident(app) || leftMilli < leastOf(app, name)) return undefined;
  return { kind: 'resource', name, fromMilli: needMilli - ofExecutor, toMilli: leftMilli };
}

/** A pod takes for its executor what it takes for that, and for each container what makes sense. */
function leastOf({ pod, executorResources }: App, name: ScalarName): number {
  if (pod === undefined) return LEAST[name];
  const own = name === 'gpus' ? 0 : toMilli(executorResources?.[name] ?? 0);
  return own + pod.containers.length * LEAST[name];
}

/** Accepts the roles the offer has resources of, as far as an app may: its own and the unreserved ones. */
function widenRoles(app: App, offer: MatchableOffer): AppChange | undefined {
  const from = app.acceptedResourceRoles;
  if (from.length === 0 || isResident(app)) return undefined;
  const more = ['*', app.role].filter(
    (role) => !from.includes(role) && offer.pools.some((pool) => pool.role === role),
  );
  return more.length === 0
    ? undefined
    : { kind: 'accepted-roles', from, to: [...new Set([...from, ...more])] };
}

/** The missing ports that tasks of ours have; none unless all of them do. */
function freePorts(
  offer: MatchableOffer,
  refusals: readonly FoundRefusal[],
  { holderOf }: RepairContext,
): AppChange[] {
  const changes: AppChange[] = [];
  for (const { lack } of refusals) {
    if (lack.kind !== 'fixed-port') continue;
    const holder = holderOf?.(offer.agentId, lack.port);
    if (holder === undefined) return [];
    changes.push({ kind: 'port-freed', port: lack.port, hostname: offer.hostname, holder });
  }
  return changes;
}

/** What a change is about: two repairs with the same subjects differ in amounts only. */
export function subjectOf(change: AppChange): string {
  switch (change.kind) {
    case 'resource':
      return change.name;
    case 'constraint-dropped':
    case 'constraint-relaxed':
      return `constraint ${change.constraint.join(' ')}`;
    case 'any-host-port':
    case 'port-freed':
      return `${change.kind} ${change.port}`;
    default:
      return change.kind;
  }
}

const costOf = (app: App, changes: readonly AppChange[]): number =>
  changes.reduce((sum, change) => sum + 1 + weightOf(app, change), 0);

function weightOf(app: App, change: AppChange): number {
  switch (change.kind) {
    case 'resource':
      return (change.fromMilli - change.toMilli) / change.fromMilli;
    case 'constraint-relaxed':
      return Math.min(1, Number(change.to[2]) / Math.max(1, app.instances));
    case 'constraint-dropped':
    case 'role':
      return 1;
    default:
      return 0.5;
  }
}
