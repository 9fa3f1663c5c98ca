import { type App, type AppId, type Instance, type InstanceId, isTerminalCondition } from '#core';
import {
  compareFields,
  DependencyCycleError,
  findConflicts,
  forecastApp,
  isDeparture,
  MAX_RUNNING_DEPLOYMENTS,
  plannedActions,
} from '#deployment';
import { forecastPlacement } from '#matcher';
import type { AppPreview, ChangePreview } from './change-preview.port.js';
import { type ChangeOptions, type PlannedChange, planChange } from './change-root.js';
import type { Previews, RootChange } from './controller-engine.port.js';
import { DependencyLook } from './dependency-look.js';
import { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { abilitiesOf } from './engine-ports.js';
import { distinctValues, placedOf } from './handle-offers.js';
import { toFacts } from './instance-facts.js';
import { GOES_ON, planRestoration } from './roll-back.js';
import { loadRoots } from './undo-deployment.js';
import { wantedCount } from './workloads.js';

/** Apps whose launches are placed in a preview, and offers they are tried on: the newest. */
const MAX_PLACED_APPS = 50;
const MAX_OFFERS = 500;
/** Waits foreseen in one answer. */
const MAX_HOLDS = 100;

/** Looks ahead over drafts that nobody stores: plans, kills and launches as they would be decided now. */
export function createPreviews(context: EngineContext): Previews {
  return {
    ofChange: (change) => previewChange(context, newDraft(context), change),
    ofKill: (ids) => previewKill(context, newDraft(context), ids),
    ofCancellation: async (id, { force }) => {
      const deployment = context.state.deployments.get(id);
      if (deployment === undefined) return undefined;
      if (force) return { steps: [], apps: [], conflicts: [] };
      const roots = await loadRoots(context, deployment);
      if (roots === undefined) {
        const refusal = `deployment ${id} cannot be undone: its revisions are no longer kept`;
        return { steps: [], apps: [], conflicts: [], refusal };
      }
      const draft = newDraft(context);
      if (draft.deployment(id)?.state !== 'Running') return undefined;
      const restoration = planRestoration(context, draft, { id, ...roots });
      if (!restoration.ok) {
        const refusal = `${restoration.reason}; ${GOES_ON}`;
        return { steps: [], apps: [], conflicts: [], refusal };
      }
      return previewChange(context, draft, restoration.change, { keepVersions: true });
    },
  };
}

const newDraft = ({ state, ports }: EngineContext): Draft => new Draft(state, ports.clock.now());

function previewChange(
  context: EngineContext,
  draft: Draft,
  change: RootChange,
  options: ChangeOptions = {},
): ChangePreview {
  let planned: PlannedChange;
  try {
    planned = planChange(context, draft, change, options);
  } catch (error) {
    if (!(error instanceof DependencyCycleError)) throw error;
    return { steps: [], apps: [], conflicts: [], refusal: error.message };
  }
  const { steps, touched, declared } = planned;
  const conflicts = findConflicts(draft.deployments(), touched).map(({ id }) => id);
  const running = draft.deployments().length - conflicts.length;
  const isFull = running >= MAX_RUNNING_DEPLOYMENTS && steps.length > 0;
  const ids = [...new Set([...touched, ...declared.map(({ id }) => id)])].sort();
  const sentenced = new Set(change.sentenced ?? []);
  const apps = ids.map((id) => previewApp(context, draft, { id, planned, sentenced }));
  return {
    steps,
    apps: placeLaunches(context, draft, apps, planned.target.apps),
    conflicts,
    ...(change.force ? {} : { holds: foreseeHolds(context, draft, planned) }),
    ...(isFull ? { refusal: `${MAX_RUNNING_DEPLOYMENTS} deployments run, which is the most` } : {}),
  };
}

/** What its apps would wait for beyond the deployment itself; a forced one does not. */
function foreseeHolds(
  context: EngineContext,
  draft: Draft,
  { original, version, delta, steps }: PlannedChange,
): readonly string[] {
  draft.putRevision(delta, version);
  const built = [...plannedActions({ steps }).values()].filter(
    ({ action }) => !isDeparture(action, original.apps.get(action.app)),
  );
  return new DependencyLook(context, draft)
    .foresee(
      { steps },
      built.map(({ action }) => action.app),
    )
    .slice(0, MAX_HOLDS);
}

function previewApp(
  context: EngineContext,
  draft: Draft,
  about: {
    readonly id: AppId;
    readonly planned: PlannedChange;
    readonly sentenced: ReadonlySet<InstanceId>;
  },
): AppPreview {
  const { id, planned, sentenced } = about;
  const before = planned.original.apps.get(id);
  const after = planned.target.apps.get(id);
  const actions = planned.steps.flatMap((step) => step.actions.filter(({ app }) => app === id));
  const wanted = after === undefined ? 0 : wantedCount(context, after);
  const { kill, keep, launch } = forecastApp({
    target: after === undefined ? undefined : { ...after, instances: wanted },
    isActedOn: actions.length > 0,
    instances: [...draft.instancesOf(id).values()].map((instance) =>
      toFacts(context, draft, instance, { routers: 'unknown', needsReadiness: false }),
    ),
    ...(sentenced.size === 0 ? {} : { sentenced }),
  });
  const differences =
    before === undefined || after === undefined
      ? []
      : compareFields(before, after, abilitiesOf(context.ports));
  const isRestarted =
    actions.some(({ kind }) => kind === 'RestartApplication') ||
    differences.some(({ change }) => change === 'restart');
  return {
    app: id,
    change: changeOf(before, after, { isRestarted, differences }),
    fields: differences.map(({ field }) => field),
    instancesBefore: before === undefined ? 0 : wantedCount(context, before),
    instancesAfter: wanted,
    kills: kill,
    keeps: keep,
    launches: launch,
  };
}

function changeOf(
  before: App | undefined,
  after: App | undefined,
  about: {
    readonly isRestarted: boolean;
    readonly differences: ReturnType<typeof compareFields>;
  },
): AppPreview['change'] {
  if (after === undefined) return 'removed';
  if (before === undefined) return 'new';
  if (about.isRestarted) return 'restart';
  if (about.differences.some(({ change }) => change === 'in-place')) return 'in-place';
  return about.differences.length > 0 ? 'scale' : 'none';
}

/** Each killed instance is replaced, as long as its app is declared and short of instances then. */
function previewKill(
  context: EngineContext,
  draft: Draft,
  ids: readonly InstanceId[],
): ChangePreview {
  const byApp = new Map<AppId, Instance[]>();
  for (const id of ids) {
    const instance = draft.instance(id);
    if (instance === undefined || isTerminalCondition(instance.condition)) continue;
    byApp.set(instance.appId, [...(byApp.get(instance.appId) ?? []), instance]);
  }
  const apps = [...byApp].map(([app, victims]): AppPreview => {
    const killed = new Set(victims.map(({ id }) => id));
    const keeps = [...draft.instancesOf(app).values()].filter(
      ({ id, goal, condition }) =>
        goal === 'Running' &&
        condition !== 'UnreachableInactive' &&
        !isTerminalCondition(condition) &&
        !killed.has(id),
    );
    const definition = draft.root.apps.get(app);
    const wanted = definition === undefined ? 0 : wantedCount(context, definition);
    return {
      app,
      change: 'none',
      fields: [],
      instancesBefore: wanted,
      instancesAfter: wanted,
      kills: [...killed],
      keeps: keeps.map(({ id }) => id),
      launches: Math.max(0, wanted - keeps.length),
    };
  });
  return {
    steps: [],
    apps: placeLaunches(context, draft, apps, draft.root.apps),
    conflicts: [],
  };
}

/** Where the launches would go, on what agents offered last. */
function placeLaunches(
  context: EngineContext,
  draft: Draft,
  apps: readonly AppPreview[],
  definitions: ReadonlyMap<AppId, App>,
): readonly AppPreview[] {
  const waiting = apps
    .flatMap(({ app: id, launches }) => {
      const app = definitions.get(id);
      return app === undefined || launches === 0 ? [] : [{ app, count: launches }];
    })
    .slice(0, MAX_PLACED_APPS);
  if (waiting.length === 0) return apps;
  const sights = context.memory.seenOffers.latest(MAX_OFFERS);
  const forecasts = forecastPlacement(
    sights.map(({ offer }) => offer),
    waiting,
    {
      placedOf: (id) => placedOf(context, draft, id),
      distinctValues: (field) => distinctValues(context, field),
      seed: context.memory.launchSeed,
    },
  );
  const oldest = sights.at(-1);
  const seen = oldest === undefined ? {} : { sinceEpochMs: oldest.seen.epochMs };
  return apps.map((app) => {
    const forecast = forecasts.get(app.app);
    if (forecast === undefined) return app;
    return { ...app, placement: { ...forecast, offers: sights.length, ...seen } };
  });
}
