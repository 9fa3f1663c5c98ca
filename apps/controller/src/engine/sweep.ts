import { type AppId, type Instance, isUnreachableCondition, type Now } from '#core';
import { currentBackOff } from '#deployment';
import { definitionOf } from './definitions.js';
import { countFailure } from './deployment-story.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { failIfDue } from './fail-deployment.js';
import { changeInstance } from './instance-changes.js';
import { reviewLeftovers } from './leftovers.js';
import { referencesOf } from './reconciler.js';
import { knownRouters } from './router-sights.js';
import { StandIns } from './stand-ins.js';
import { endDrainedStrangers } from './strangers.js';
import { dueDaemons } from './workloads.js';

/**
 * What time alone brings about, looked at twice a second: unreachable and overdue instances, drain deadlines, kills to
 * repeat, forgotten back-offs, reconciliation. Looks only at what is not settled. O(unsettled instances).
 */
export function sweep(context: EngineContext): void {
  const { state, ports, options } = context;
  const now = ports.clock.now();
  knownRouters(context.memory, now);
  const due: Instance['id'][] = [];
  const apps = new Set<AppId>();
  for (const id of state.unsettled) {
    const instance = state.instance(id);
    if (instance === undefined) continue;
    if (isDue(context, instance, now)) due.push(id);
    if (isDoubtful(context, instance, now)) {
      for (const reference of referencesOf(instance)) context.reconciler.doubt(reference);
    }
    if (instance.draining !== undefined && instance.goal === 'Running') apps.add(instance.appId);
  }
  for (const instance of context.health.condemned()) apps.add(instance.appId);
  for (const id of dueDaemons(context, now)) apps.add(id);
  for (const id of context.memory.departures.dueApps(now)) apps.add(id);
  if (due.length > 0) void settle(context, due);
  for (const deployment of state.deployments.values()) failIfDue(context, deployment, now);
  if (apps.size > 0) context.evaluateSoon(apps);
  forgetBackOffs(context);
  endDrainedStrangers(context);
  context.kills.pump();
  context.reconciler.tick();
  if (options.scaleCheckIntervalMs > 0 && now.monoMs >= context.nextScaleCheck.atMonoMs) {
    context.nextScaleCheck.atMonoMs = now.monoMs + options.scaleCheckIntervalMs;
    context.evaluateSoon(state.everyApp());
    reviewLeftovers(context);
  }
}

/** One at a time: a store that is away must not find a queue full of the same question. */
async function settle(context: EngineContext, due: readonly Instance['id'][]): Promise<void> {
  const { commits, memory, ports } = context;
  if (memory.isSettlingDue) return;
  memory.isSettlingDue = true;
  try {
    await commits.submit({
      whenUnavailable: 'retry',
      run: (draft) => settleDue(context, draft, due),
    });
  } catch (error) {
    ports.log?.warn('sweep is not stored', { reason: String(error) });
  } finally {
    memory.isSettlingDue = false;
  }
}

function isDue(context: EngineContext, instance: Instance, now: Now): boolean {
  if (isUnreachableCondition(instance.condition)) {
    // One with a reservation waits for its agent, unless it is to be given up.
    return instance.reservation === undefined || instance.goal === 'Decommissioned';
  }
  return instance.goal === 'Running' && isOverdue(context, instance, now);
}

/** Nothing was heard of a launch that was to reserve something: it may not have been carried out. */
function isDoubtful({ options, memory }: EngineContext, instance: Instance, now: Now): boolean {
  const { reservation, condition } = instance;
  if (condition !== 'Provisioned' || reservation === undefined || reservation.isConfirmed) {
    return false;
  }
  return memory.elapsed.inConditionMs(instance, now) > options.reservationTimeoutMs;
}

function isOverdue({ options, memory }: EngineContext, instance: Instance, now: Now): boolean {
  const ageMs = memory.elapsed.inConditionMs(instance, now);
  if (instance.condition === 'Provisioned') return ageMs > options.launchConfirmTimeoutMs;
  const isStarting = instance.condition === 'Staging' || instance.condition === 'Starting';
  return isStarting && ageMs > options.launchTimeoutMs;
}

function settleDue(context: EngineContext, draft: Draft, ids: readonly Instance['id'][]): void {
  const standIns = new StandIns(context, draft);
  for (const id of ids) {
    const instance = draft.instance(id);
    if (instance === undefined) continue;
    if (isUnreachableCondition(instance.condition)) {
      const unreachableStrategy = definitionOf(context, draft.root, instance)
        ?.unreachableStrategy ?? { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 };
      const awayMs = context.memory.elapsed.inConditionMs(instance, draft.now);
      changeInstance(context, draft, instance, {
        kind: 'time-passed',
        unreachableStrategy,
        awayMs,
        isReplaced: standIns.areThere(instance.appId),
      });
    } else if (isOverdue(context, instance, draft.now)) {
      context.ports.log?.warn(`task ${instance.taskId} is overdue and killed`, {
        condition: instance.condition,
      });
      // A launch nobody confirms says nothing of what was to be launched.
      if (instance.condition !== 'Provisioned') {
        countFailure(draft, instance, `overdue: it stayed ${instance.condition}`);
      }
      changeInstance(context, draft, instance, { kind: 'stop', isComingBack: true });
    }
  }
}

function forgetBackOffs({ memory, state, ports }: EngineContext): void {
  const now = ports.clock.now();
  for (const [id, backOff] of memory.backOffs) {
    const app = state.root.apps.get(id);
    if (app === undefined || currentBackOff(backOff, app, now) === undefined) {
      memory.backOffs.delete(id);
    }
  }
}
