import {
  type App,
  type AppId,
  type DeploymentId,
  type Instance,
  type InstanceEvent,
  type InstanceId,
  isDormant,
  isLeftover,
  isParked,
  isPod,
} from '#core';
import {
  isAlive,
  isOutdated,
  type KnownRouters,
  mayHaveRouters,
  needsDraining,
  nextActions,
  type RolloutActions,
  setWanted,
  stageOf,
} from '#deployment';
import { beginDueActions, wakeDependents } from './begin-actions.js';
import { configVersionOf } from './definitions.js';
import { progressDeployments } from './deployment-progress.js';
import { countFailure, tellOfInstance } from './deployment-story.js';
import { type AppTarget, findDeployment, findTarget } from './deployment-targets.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import type { DeploymentMemory } from './engine-memory.js';
import { giveUpReserved } from './give-up-reserved.js';
import { followStage } from './hold-deployment.js';
import { agentOf, changeInstance } from './instance-changes.js';
import { toFacts } from './instance-facts.js';
import { startDraining } from './kill-instances.js';
import { appTerminated, unhealthyInstanceKill } from './marathon-events.js';
import { knownRouters } from './router-sights.js';
import { failJob, forgetDaemon, workloadInput } from './workloads.js';

/** Looks at each of the apps and does what its rollout says next; then moves deployments on. */
export function evaluateApps(context: EngineContext, draft: Draft, apps: readonly AppId[]): void {
  beginDueActions(context, draft, apps);
  const routers = knownRouters(context.memory, draft.now);
  const deployments = new Set<DeploymentId>();
  for (const id of apps) {
    evaluateApp(context, draft, id, routers);
    const deployment = findDeployment(draft, id);
    if (deployment !== undefined) deployments.add(deployment.id);
  }
  progressDeployments(context, draft, deployments);
  wakeDependents(context, draft, apps);
}

function evaluateApp(context: EngineContext, draft: Draft, id: AppId, routers: KnownRouters): void {
  const target = findTarget(draft, context.memory, id);
  if (target.kind === 'run') giveUpReserved(context, draft, target);
  const all = [...draft.instancesOf(id).values()];
  if (target.kind !== 'run') {
    clearApp(context, draft, { target, instances: all, id, routers });
    return;
  }
  const { app, mode, deployment } = target;
  const deploymentMemory =
    deployment === undefined ? undefined : context.memory.deployments.get(deployment.id);
  const original = deploymentMemory?.originals.get(id);
  const stage = deployment === undefined ? undefined : stageOf({ deployment, app, mode, original });
  const sentenced = deploymentMemory?.sentenced;
  if (mode !== 'stop') {
    // The count went down by those that are sentenced: they are nobody's surplus.
    const counted = all.filter(({ id: one }) => sentenced?.has(one) !== true);
    keepSurplus(context, draft, counted, app);
  }
  // What is only kept for later takes no part.
  const instances = all.filter((instance) => !isDormant(instance));
  if (mode === 'stop' || app.instances === 0) context.memory.backOffs.delete(id);
  const needsReadiness = mode !== 'steady' && mode !== 'stop' && app.readinessChecks.length > 0;
  if (needsReadiness) watchReadiness(context, draft, app, instances);
  const kind = workloadInput(context, draft, app, mode);
  const actions = nextActions({
    app,
    mode,
    instances: instances.map((instance) =>
      toFacts(context, draft, instance, { routers, needsReadiness }),
    ),
    hasRouters: mayHaveRouters(routers),
    ...(sentenced === undefined ? {} : { sentenced }),
    ...(stage === undefined ? {} : { stage }),
    limits: context.options.unhealthy,
    ...kind,
    now: draft.now,
  });
  // What is being drained is counted until it is killed.
  const present = instances.filter(({ goal }) => goal === 'Running');
  const named = present.filter(({ id: one }) => sentenced?.has(one) === true).length;
  const surplus = Math.max(0, present.length - app.instances - named);
  carryOut(context, draft, actions, { isForGood: mode === 'stop', surplus, sentenced });
  pruneDefinitions(context, draft, id);
  const launched = actions.launchesOld ? original : app;
  if (actions.launchesOld) prepareOld(context, original, deploymentMemory);
  const isQueued = launched !== undefined && launched.workload !== 'daemon';
  const revived = actions.launchesOld ? 0 : reviveAway(context, draft, all, actions.launch);
  want(context, draft, launched ?? app, isQueued ? actions.launch - revived : 0);
  context.memory.noteWaiting(id, deployment === undefined ? actions.waiting : []);
  if (deployment === undefined) return;
  if (!actions.launchesOld) deploymentMemory?.launchingOld.delete(id);
  if (!actions.finished) deploymentMemory?.waiting.set(id, actions.waiting);
  else {
    deploymentMemory?.waiting.delete(id);
    deploymentMemory?.finished.add(id);
    if (mode === 'stop') finishStop(context, draft, app);
  }
  failJob(context, draft, { deployment, app, job: kind.job });
  if (stage !== undefined) {
    // Failures may have been counted in it since.
    const counted = draft.deployment(deployment.id) ?? deployment;
    followStage(context, draft, { deployment: counted, app, stage, actions });
  }
  context.memory.touch(id);
}

/** The app is not declared (any more): nothing is launched, what is left ends, out of rotation first as anywhere. */
function clearApp(
  context: EngineContext,
  draft: Draft,
  about: {
    readonly target: AppTarget;
    readonly instances: readonly Instance[];
    readonly id: AppId;
    readonly routers: KnownRouters;
  },
): void {
  const { target, instances, id, routers } = about;
  if (context.memory.queue.delete(id)) context.demand.update({ isNew: false });
  forgetDaemon(context, id);
  for (const instance of instances) {
    const isLeaving = target.kind === 'gone' || instance.draining !== undefined;
    if (isLeaving && instance.goal !== 'Decommissioned') {
      endStray(context, draft, instance, routers);
    }
  }
  if (target.kind !== 'gone' || !instances.every(isLeftover)) return;
  context.memory.forgetApp(id);
  context.memory.pruneDefinitions(id, () => false);
  draft.deleteJob(id);
}

/** Of an app that is not declared: what is reserved for it goes with it. */
function endStray(
  context: EngineContext,
  draft: Draft,
  instance: Instance,
  routers: KnownRouters,
): void {
  const facts = toFacts(context, draft, instance, { routers, needsReadiness: false });
  if (facts.draining?.isDone === false && !facts.isKilling && isAlive(facts)) return;
  const hasRouters = mayHaveRouters(routers);
  if (facts.draining === undefined && needsDraining(facts, { hasRouters })) {
    startDraining(context, draft, instance, { isForGood: true });
  } else changeInstance(context, draft, instance, { kind: 'decommission' });
}

function finishStop(context: EngineContext, draft: Draft, app: App): void {
  const { id } = app;
  if (!isPod(app)) draft.emit(appTerminated(id));
  draft.deleteJob(id);
  context.memory.forgetApp(id);
  context.memory.pruneDefinitions(id, () => false);
}

function watchReadiness(
  context: EngineContext,
  draft: Draft,
  app: App,
  instances: readonly Instance[],
): void {
  const [check] = app.readinessChecks;
  if (check === undefined) return;
  for (const instance of instances) {
    if (instance.condition !== 'Running') continue;
    const isOld = isOutdated(configVersionOf(context, draft.root, instance), app);
    if (isOld) context.readiness.forget(instance.id);
    else {
      context.readiness.watch(instance, app, check);
      tellReady(context, draft, instance);
    }
  }
}

/** Once, and not of what was ready before this engine began. */
function tellReady({ readiness, memory }: EngineContext, draft: Draft, instance: Instance): void {
  if (readiness.verdictOf(instance.id) !== 'ready' || memory.toldReady.has(instance.id)) return;
  if (!memory.startedHere.has(instance.id)) return;
  tellOfInstance(draft, instance, 'ready');
  draft.after(() => memory.toldReady.add(instance.id));
}

/**
 * `sentenced` are not to be launched again, for the count went down by them, nor are `surplus` of the others that are ended;
 * `isForGood`: none is, and nothing is kept for them.
 */
interface Ending {
  readonly isForGood: boolean;
  readonly surplus: number;
  readonly sentenced: ReadonlySet<InstanceId> | undefined;
}

function carryOut(
  context: EngineContext,
  draft: Draft,
  actions: RolloutActions,
  { isForGood, surplus, sentenced }: Ending,
): void {
  for (const id of actions.drain) {
    const instance = draft.instance(id);
    if (instance === undefined) continue;
    noteUnhealthyKill(context, draft, instance);
    startDraining(context, draft, instance, { isForGood: false });
  }
  let others = 0;
  for (const id of actions.kill) {
    const isSentenced = sentenced?.has(id) === true;
    const ending = { kind: 'stop', isComingBack: !isSentenced && others >= surplus } as const;
    if (!isSentenced) others += 1;
    const isGivenUp = isForGood || draft.instance(id)?.draining?.isForGood === true;
    kill(context, draft, id, isGivenUp ? { kind: 'decommission' } : ending);
  }
}

function kill(context: EngineContext, draft: Draft, id: InstanceId, event: InstanceEvent): void {
  const instance = draft.instance(id);
  if (instance === undefined) return;
  if (instance.draining === undefined) noteUnhealthyKill(context, draft, instance);
  changeInstance(context, draft, instance, event);
  const stopped = draft.instance(id);
  // Nothing will be heard of it that would lead to another look.
  if (stopped !== undefined && isDormant(stopped)) {
    draft.after(() => context.evaluateSoon([stopped.appId]));
  }
}

/**
 * Instances that were stopped where nobody sees them are wanted again before new ones are made, as those that ended are:
 * each has its volume. Returns how many.
 */
function reviveAway(
  context: EngineContext,
  draft: Draft,
  instances: readonly Instance[],
  launch: number,
): number {
  const parked = instances.filter((one) => isParked(one) && one.goal !== 'Decommissioned').length;
  const away = instances
    .filter((one) => isDormant(one) && !isParked(one) && one.goal === 'Stopped')
    .slice(0, Math.max(0, launch - parked));
  for (const instance of away) {
    context.kills.settle(instance.id);
    changeInstance(context, draft, instance, { kind: 'revive' });
  }
  return away.length;
}

/** Of those that wait to be launched again where their volumes are, as many are only kept as there are too many by now. */
function keepSurplus(
  context: EngineContext,
  draft: Draft,
  all: readonly Instance[],
  app: App,
): void {
  const waiting = all
    .filter((one) => isParked(one) && one.goal === 'Running')
    .sort((left, right) => left.sinceEpochMs - right.sinceEpochMs);
  const others = all.filter((one) => !isDormant(one)).length;
  const surplus = waiting.length === 0 ? 0 : others + waiting.length - app.instances;
  for (const instance of waiting.slice(0, Math.max(0, surplus))) {
    changeInstance(context, draft, instance, { kind: 'stop', isComingBack: false });
  }
}

/** An instance given up for its health leaves its mark: the event and the app's last failure. */
function noteUnhealthyKill(context: EngineContext, draft: Draft, instance: Instance): void {
  const condemned = context.health.condemnedOf(instance.id);
  if (condemned === undefined || instance.placement === undefined) return;
  draft.emit(unhealthyInstanceKill(instance, condemned.cause));
  countFailure(draft, instance, `unhealthy: ${condemned.cause}`);
  draft.putFailure({
    appId: instance.appId,
    taskId: instance.taskId,
    host: instance.placement.hostname,
    ...agentOf(instance.placement),
    state: 'TASK_KILLED',
    message: `Task was killed since health check failed. Reason: ${condemned.cause}`,
    version: instance.appVersion,
    timestampEpochMs: draft.now.epochMs,
  });
}

/** What was there before the deployment is launched again, free of the delay that its new definition has earned. */
function prepareOld(
  { memory }: EngineContext,
  original: App | undefined,
  deploymentMemory: DeploymentMemory | undefined,
): void {
  if (original === undefined) return;
  memory.keepDefinition(original);
  if (deploymentMemory?.launchingOld.has(original.id) !== false) return;
  deploymentMemory.launchingOld.add(original.id);
  memory.backOffs.delete(original.id);
}

/** Declares how many instances wait; offers are asked for when that is more than before. */
function want({ memory, demand }: EngineContext, draft: Draft, app: App, launch: number): void {
  const hadEntry = memory.queue.has(app.id);
  const isNew = setWanted(memory.queue, app, launch, draft.now);
  if (launch === 0) memory.statistics.delete(app.id);
  if (isNew || hadEntry !== memory.queue.has(app.id)) {
    memory.touch(app.id);
    demand.update({ isNew });
  }
}

function pruneDefinitions(context: EngineContext, draft: Draft, id: AppId): void {
  const used = new Set<string>();
  for (const instance of draft.instancesOf(id).values()) used.add(instance.appVersion);
  context.memory.pruneDefinitions(id, (version) => used.has(version));
}
