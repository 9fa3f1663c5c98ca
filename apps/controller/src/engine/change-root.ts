import {
  type App,
  type AppId,
  type Deployment,
  type DeploymentId,
  type DeploymentStep,
  deploymentId,
  type GroupId,
  isParked,
  nextRoot,
  type RootDelta,
  type RootGroup,
} from '#core';
import {
  affectedApps,
  type ControllerAbilities,
  DependencyCycleError,
  findConflicts,
  isOutdated,
  MAX_RUNNING_DEPLOYMENTS,
  planDeployment,
  settleLimits,
  stampApp,
} from '#deployment';
import { changedGroup } from '#marathon-v2';
import { checkEvents } from './changed-checks.js';
import type { RootChange, RootChangeOutcome } from './controller-engine.port.js';
import { configVersionOf } from './definitions.js';
import { deadlineLeftMs } from './deployment-deadline.js';
import { cancelRunning, finishDeployment } from './deployment-progress.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { abilitiesOf } from './engine-ports.js';
import { followEdits } from './follow-edits.js';
import { forgetWishes } from './forget-wishes.js';
import { deploymentStepEvent, groupChanged } from './marathon-events.js';
import { nameRestarts } from './name-restarts.js';
import { rememberDeployment } from './remember-deployment.js';

/** What a job made of a change: an outcome, or what `apply` or the planning threw, for the caller. */
export type ChangeResult =
  | { readonly kind: 'outcome'; readonly outcome: RootChangeOutcome }
  | { readonly kind: 'refused'; readonly error: unknown };

export interface ChangeOptions {
  /** A rollback brings definitions back as they were, version included, so that what still runs them stays. */
  readonly keepVersions?: boolean;
  readonly rollbackOf?: DeploymentId;
}

/** Makes a new revision and the deployment that leads to it, or says why not. Changes nothing unless accepted. */
export function applyRootChange(
  context: EngineContext,
  draft: Draft,
  change: RootChange,
  options: ChangeOptions = {},
): ChangeResult {
  let planned: PlannedChange;
  try {
    planned = planChange(context, draft, change, options);
  } catch (error) {
    return error instanceof DependencyCycleError
      ? outcome({ kind: 'impossible', reason: error.message })
      : { kind: 'refused', error };
  }
  const { original, version, delta, changed, restart, steps, touched } = planned;
  const conflicts = findConflicts(draft.deployments(), touched);
  if (conflicts.length > 0 && !change.force) {
    return outcome({ kind: 'locked', deployments: conflicts.map(({ id }) => id) });
  }
  const running = draft.deployments().length - conflicts.length;
  if (running >= MAX_RUNNING_DEPLOYMENTS && steps.length > 0) {
    return outcome({ kind: 'too-many-deployments', limit: MAX_RUNNING_DEPLOYMENTS });
  }
  const id = deploymentId(context.ports.newId());
  for (const conflict of conflicts) {
    cancelRunning(context, draft, conflict, `replaced by deployment ${id}`);
  }
  const isEmpty = changed.length + delta.putGroups.length + delta.removeGroups.length === 0;
  if (!isEmpty) draft.putRevision(delta, version);
  keepReplaced(context, original, delta);
  resetBackOffs(context, delta, restart);
  const limits = options.rollbackOf === undefined ? limitsOf(draft, planned, change) : undefined;
  const deployment: Deployment = {
    id,
    version,
    originalRevision: original.revision,
    targetRevision: draft.root.revision,
    affectedApps: touched,
    steps,
    currentStep: 0,
    ...(steps.length === 0 ? {} : { underWay: [] }),
    state: 'Running',
    ...(change.reason === undefined ? {} : { reason: change.reason }),
    startedAtEpochMs: draft.now.epochMs,
    phases: steps.length === 0 ? [] : [{ step: 0, startedAtEpochMs: draft.now.epochMs }],
    ...(change.by === undefined ? {} : { by: change.by }),
    ...(change.force ? { isForced: true } : {}),
    ...(options.rollbackOf === undefined ? {} : { rollbackOf: options.rollbackOf }),
    ...limits,
  };
  // Other edges, other things to wait for.
  draft.after(() => context.evaluateSoon(context.memory.dependencyWatches.waiting()));
  const edited = editedInPlace(original, delta);
  draft.after(() => followEdits(context, edited));
  startDeployment(context, draft, deployment, { planned, change });
  const restarts = nameRestarts(context, draft, planned);
  return outcome({
    ...{ kind: 'accepted', deploymentId: id, version },
    ...{ restarts, putApps: planned.declared },
  });
}

/** A rollback has none: nothing is left to fall back to. */
function limitsOf(
  draft: Draft,
  { original, steps }: PlannedChange,
  change: RootChange,
): Pick<Deployment, 'limits' | 'deadlineEpochMs'> {
  const ids = affectedApps(steps).filter((id) => draft.root.apps.has(id));
  const limits = settleLimits(
    ids.flatMap((id) => draft.root.apps.get(id) ?? []),
    { createsApp: ids.some((id) => !original.apps.has(id)), override: change.limits },
  );
  if (limits === undefined || ids.length === 0) return {};
  if (limits.deadlineSeconds === undefined) return { limits };
  return { limits, deadlineEpochMs: draft.now.epochMs + limits.deadlineSeconds * 1000 };
}

/** What a change comes to, before anything of it is done. */
export interface PlannedChange {
  readonly original: RootGroup;
  readonly target: RootGroup;
  readonly version: string;
  readonly delta: RootDelta;
  /** The deepest that holds everything the request names. */
  readonly group: GroupId;
  /** Apps put by the request, changed or not, as they are stored. */
  readonly declared: readonly App[];
  /** Apps with another definition than before. */
  readonly changed: readonly AppId[];
  readonly restart: ReadonlySet<AppId>;
  readonly steps: readonly DeploymentStep[];
  /** Apps with another definition or an action, in order of id: no other deployment may touch them. */
  readonly touched: readonly AppId[];
}

/** What the change comes to; nothing happens yet. Throws what `apply` throws, and DependencyCycleError. */
export function planChange(
  context: EngineContext,
  draft: Draft,
  change: RootChange,
  options: ChangeOptions,
): PlannedChange {
  const original = draft.root;
  const version = nextVersion(original.version, draft.now.epochMs);
  const requested = change.apply(original, version);
  const restart = new Set(change.restart ?? []);
  const abilities = abilitiesOf(context.ports);
  const stamping = { version, restart, options, abilities };
  const { delta, declared } = stampDelta(original, requested, stamping);
  const target = nextRoot(original, delta, version);
  const changed = [...delta.putApps.map(({ id }) => id), ...delta.removeApps];
  const leftBehind = declared
    .map(({ id }) => id)
    .filter((id) => hasOutdatedInstances(context, draft, target, id));
  const steps = planDeployment(original, target, {
    only: [...changed, ...leftBehind],
    restart: new Set([...restart, ...leftBehind]),
    abilities,
  });
  const touched = [...new Set([...affectedApps(steps), ...changed])].sort();
  const group = changedGroup(requested);
  return { original, target, version, delta, group, declared, changed, restart, steps, touched };
}

const outcome = (value: RootChangeOutcome): ChangeResult => ({ kind: 'outcome', outcome: value });

/** Versions order as text and never repeat, even when the clock stands still or goes back. */
export function nextVersion(previous: string, nowEpochMs: number): string {
  const previousMs = Date.parse(previous);
  const floorMs = Number.isNaN(previousMs) ? 0 : previousMs + 1;
  return new Date(Math.max(Math.floor(nowEpochMs), floorMs)).toISOString();
}

function stampDelta(
  original: RootGroup,
  requested: RootDelta,
  about: {
    readonly version: string;
    readonly restart: ReadonlySet<AppId>;
    readonly options: ChangeOptions;
    readonly abilities: ControllerAbilities;
  },
): { readonly delta: RootDelta; readonly declared: readonly App[] } {
  const { version, restart, options, abilities } = about;
  const stamp = (app: App): App =>
    options.keepVersions
      ? app
      : stampApp(original.apps.get(app.id), app, version, {
          restart: restart.has(app.id),
          abilities,
        });
  const declared = requested.putApps.map(stamp);
  const requestedIds = new Set(declared.map(({ id }) => id));
  const alsoRestarted = [...restart].flatMap((id) => {
    const app = original.apps.get(id);
    return app === undefined || requestedIds.has(id) ? [] : [stamp(app)];
  });
  const isChanged = (app: App): boolean =>
    options.keepVersions === true || app !== original.apps.get(app.id);
  const delta = {
    ...requested,
    putApps: [...declared, ...alsoRestarted].filter(isChanged),
    removeApps: requested.removeApps.filter((id) => original.apps.has(id)),
    removeGroups: requested.removeGroups.filter((id) => original.groups.has(id)),
  };
  return { delta, declared };
}

/** A deployment stopped half-way leaves a mixture; declaring the app again, even unchanged, finishes the work. */
function hasOutdatedInstances(
  context: EngineContext,
  draft: Draft,
  target: RootGroup,
  id: AppId,
): boolean {
  const app = target.apps.get(id);
  if (app === undefined) return false;
  for (const instance of draft.instancesOf(id).values()) {
    // Whatever it ran before it ended, it is launched as what is declared.
    if (isParked(instance)) continue;
    if (isOutdated(configVersionOf(context, draft.root, instance), app)) return true;
  }
  return false;
}

/** Apps whose instances go on by another definition, with the one before. */
function editedInPlace(original: RootGroup, delta: RootDelta): ReadonlyMap<AppId, App> {
  const edited = new Map<AppId, App>();
  for (const app of delta.putApps) {
    const before = original.apps.get(app.id);
    if (before === undefined || isOutdated(before.versionInfo.lastConfigChangeAt, app)) continue;
    edited.set(app.id, before);
  }
  return edited;
}

/** Definitions that are replaced may still run: they are needed for their health checks. */
function keepReplaced({ memory }: EngineContext, original: RootGroup, delta: RootDelta): void {
  for (const id of [...delta.putApps.map((app) => app.id), ...delta.removeApps]) {
    const before = original.apps.get(id);
    if (before !== undefined) memory.keepDefinition(before);
  }
}

function resetBackOffs(
  { memory }: EngineContext,
  delta: RootDelta,
  restart: ReadonlySet<AppId>,
): void {
  for (const id of [...restart, ...delta.removeApps]) memory.backOffs.delete(id);
}

function startDeployment(
  context: EngineContext,
  draft: Draft,
  deployment: Deployment,
  about: { readonly planned: PlannedChange; readonly change: RootChange },
): void {
  const { change } = about;
  const { original, delta, group } = about.planned;
  for (const event of change.eventsOf?.(about.planned.declared) ?? []) draft.emit(event);
  draft.emit(groupChanged(group, deployment.version));
  for (const event of checkEvents(original, delta)) draft.emit(event);
  draft.emit(deploymentStepEvent('deployment_info', deployment, 0));
  if (deployment.steps.length === 0) {
    finishDeployment(context, draft, deployment);
    return;
  }
  draft.putDeployment(deployment);
  forgetWishes(context, draft, deployment.affectedApps);
  // Set at once: a look at the app in the same transaction needs it. Dropped again should the store refuse.
  rememberDeployment(context, deployment, original, change.sentenced ?? []);
  deadlineLeftMs(context.memory, deployment, draft.now);
  draft.after(() => context.evaluateSoon(deployment.affectedApps));
}
