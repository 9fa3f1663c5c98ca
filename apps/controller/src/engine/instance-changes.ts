import type {
  App,
  Instance,
  InstanceEffect,
  InstanceEvent,
  Placement,
  TaskFailure,
  TaskId,
} from '#core';
import { isLeftover, isParked, isTerminalCondition, reduceInstance, tasksOf } from '#core';
import { growBackOff, touchBackOff, wantOneFewer } from '#deployment';
import { definitionOf } from './definitions.js';
import { countFailure, tellOfInstance } from './deployment-story.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { askForLeftovers } from './leftovers.js';
import { drainingChanged, instanceChanged } from './marathon-events.js';
import { settleWorkload } from './workloads.js';

/** Why an instance ended, for the app's last task failure. */
export interface EndReport {
  /** Which of a pod's tasks; absent: the instance as a whole. */
  readonly taskId?: TaskId;
  readonly state: string;
  readonly message: string;
}

/**
 * Applies an event to an instance in the draft and settles what follows: the row, events, the back-off, what is kept in
 * memory. Returns the instance as it is now, or undefined when it is gone.
 */
export function changeInstance(
  context: EngineContext,
  draft: Draft,
  instance: Instance,
  event: InstanceEvent,
  report?: EndReport,
): Instance | undefined {
  const { state, effects } = reduceInstance(instance, event, draft.now);
  const isGone =
    !isParked(state) && effects.some(({ kind }) => kind === 'ended' || kind === 'expunge');
  if (isGone) draft.deleteInstance(instance);
  else if (state !== instance) draft.putInstance(state);
  const [endedAs = state.condition] = effects.flatMap((effect) =>
    effect.kind === 'parked' ? effect.endedAs : [],
  );
  for (const effect of effects) {
    settle({ context, draft, before: instance, state, endedAs, effect, report });
  }
  // At once: an offer answered before the next look must not be taken for what was to stand in for it.
  if (!isGone && isBack(instance, state)) {
    wantOneFewer(context.memory.queue, instance.appId, draft.now);
  }
  const isParking = effects.some(({ kind }) => kind === 'parked');
  const isTold = isParking || effects.some(({ kind }) => kind === 'condition-changed');
  if (!isGone && !isTold && state.goal !== instance.goal) draft.emit(instanceChanged(state));
  if (isGone || isParking) draft.after(() => forgetInstance(context, instance));
  if (isGone || effects.length > 0) draft.after(() => context.evaluateSoon([instance.appId]));
  return isGone ? undefined : state;
}

/** It was given up for lost, and is there. */
const isBack = (before: Instance, { condition }: Instance): boolean =>
  before.condition === 'UnreachableInactive' &&
  condition !== 'UnreachableInactive' &&
  !isTerminalCondition(condition);

interface Settlement {
  readonly context: EngineContext;
  readonly draft: Draft;
  readonly before: Instance;
  readonly state: Instance;
  /** How its task ended, if it did: one that lives on is Scheduled by now. */
  readonly endedAs: Instance['condition'];
  readonly effect: InstanceEffect;
  readonly report: EndReport | undefined;
}

function settle(settlement: Settlement): void {
  const { context, draft, state, effect } = settlement;
  switch (effect.kind) {
    case 'condition-changed':
      draft.emit(instanceChanged(state));
      if (state.condition === 'Killing' && state.draining !== undefined) {
        tellOfInstance(draft, state, 'drained');
      }
      draft.after(() => touchLaunch(context, state));
      return;
    case 'started':
      tellOfInstance(draft, state, 'running');
      draft.after(() => context.memory.startedHere.add(state.id));
      return;
    case 'parked':
      draft.emit(instanceChanged({ ...settlement.before, condition: effect.endedAs }));
      draft.emit(instanceChanged(state));
      if (isLeftover(state)) draft.after(() => askForLeftovers(context));
      return;
    case 'drain-started':
      draft.emit(drainingChanged(state));
      tellOfInstance(draft, state, 'draining');
      return;
    case 'kill':
      draft.effect({ kind: 'kill-instance', instanceId: state.id });
      return;
    case 'expunge':
      settleWorkload(context, draft, state, { isCounted: false, isLost: true });
      draft.emit(instanceChanged({ ...state, condition: 'Gone' }));
      tellOfInstance(draft, state, 'killed', 'given up while unreachable');
      return;
    case 'ended':
    case 'container-failed':
      settleEnd(settlement, effect);
      return;
    default:
      effect satisfies never;
  }
}

/** The agent of a failed task: its sandbox outlives the instance. */
export const agentOf = ({
  agentId,
  agentUrl,
}: Placement): Pick<TaskFailure, 'agentId' | 'agentUrl'> => ({
  agentId,
  ...(agentUrl === undefined ? {} : { agentUrl }),
});

function settleEnd(
  { context, draft, before, state, endedAs, report }: Settlement,
  ended: Extract<InstanceEffect, { kind: 'ended' | 'container-failed' }>,
): void {
  const app = draft.root.apps.get(state.appId);
  // A container that fails takes the others with it: how it ended is how the instance did.
  const condition = ended.kind === 'ended' ? endedAs : ended.condition;
  const isOurDoing = before.goal !== 'Running';
  const isJob = definitionOf(context, draft.root, state)?.workload === 'job';
  const hasFinished = isJob && condition === 'Finished';
  if (hasFinished) tellOfInstance(draft, before, 'finished');
  else tellEnd(draft, before, { condition, isCounted: ended.counted, report, isOurDoing });
  if (ended.failed) {
    draft.putFailure(toFailure(draft, before, report ?? { state: condition, message: '' }));
  }
  const end = { isCounted: ended.counted, isLost: false };
  const delaysApp = settleWorkload(context, draft, state, end);
  if (ended.counted && delaysApp && app !== undefined) {
    draft.after(() => delayLaunches(context, definitionOf(context, draft.root, state) ?? app));
  }
}

/** Ends that say something about what was launched; where its agent or the way to it broke, another may fare better. */
const OWN_ENDS: ReadonlySet<Instance['condition']> = new Set(['Failed', 'Error', 'Finished']);

function tellEnd(
  draft: Draft,
  instance: Instance,
  about: {
    readonly condition: Instance['condition'];
    readonly isCounted: boolean;
    readonly report: EndReport | undefined;
    readonly isOurDoing: boolean;
  },
): void {
  const { condition, isCounted, report, isOurDoing } = about;
  const message = [report?.state ?? condition, report?.message ?? ''].join(' ').trim();
  if (isCounted && OWN_ENDS.has(condition)) countFailure(draft, instance, message);
  else tellOfInstance(draft, instance, isOurDoing ? 'killed' : 'failed', message);
}

/** What is kept as the app's last task failure. */
export const toFailure = (
  { now }: Draft,
  { appId, appVersion, taskId: ownTaskId, placement }: Instance,
  { state, message, taskId = ownTaskId }: EndReport,
): TaskFailure => ({
  appId,
  taskId,
  host: placement?.hostname ?? '',
  ...(placement === undefined ? {} : agentOf(placement)),
  state,
  message,
  version: appVersion,
  timestampEpochMs: now.epochMs,
});

/** Something of the app went wrong: its next launch waits, longer each time. */
export function delayLaunches({ memory, ports, demand }: EngineContext, app: App): void {
  memory.backOffs.set(app.id, growBackOff(memory.backOffs.get(app.id), app, ports.clock.now()));
  demand.update({ isNew: false });
}

/** Progress of a launch keeps an existing back-off young. */
function touchLaunch({ memory, ports }: EngineContext, instance: Instance): void {
  const backOff = memory.backOffs.get(instance.appId);
  if (backOff === undefined) return;
  if (['Provisioned', 'Staging', 'Starting', 'Running'].includes(instance.condition)) {
    memory.backOffs.set(instance.appId, touchBackOff(backOff, ports.clock.now()));
  }
}

function forgetInstance(context: EngineContext, instance: Instance): void {
  context.health.forget(instance.id);
  context.readiness.forget(instance.id);
  context.checks.forget(instance.id);
  context.kills.settle(instance.id);
  for (const { taskId } of tasksOf(instance)) context.reconciler.answered(taskId);
  context.memory.accepting.delete(instance.id);
  context.memory.startedHere.delete(instance.id);
  context.memory.checkResults.delete(instance.id);
  context.memory.toldReady.delete(instance.id);
  context.memory.elapsed.forget(instance.id);
  if (instance.placement !== undefined) {
    context.memory.freePorts(instance.placement.agentId, instance.hostPorts);
  }
}
