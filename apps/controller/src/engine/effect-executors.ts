import type { AppId, ExecutorTable, Instance, InstanceId } from '#core';
import { SchedulerCallError, type SchedulerDriver } from '#framework';
import type { OfferOperation } from '#mesos-v1';
import { definitionOf } from './definitions.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import type { EngineEffect } from './engine-effect.js';
import { changeInstance, delayLaunches, type EndReport, toFailure } from './instance-changes.js';
import { noteReleased } from './leftovers.js';
import { referencesOf } from './reconciler.js';
import { toKillPolicy } from './task-info.js';

/** What carrying out effects needs beyond the context. */
export interface ExecutorPorts {
  readonly context: EngineContext;
  readonly driver: () => SchedulerDriver | undefined;
}

/** The engine's executor table. Failures to reach the master are settled here: everything is asked again or reconciled. */
export function createExecutors({ context, driver }: ExecutorPorts): ExecutorTable<EngineEffect> {
  const call: SchedulerDriver['call'] = async (request) => {
    const current = driver();
    if (current === undefined) throw new SchedulerCallError('DISCONNECTED', 'not started');
    await current.call(request);
  };
  const attempt = async (what: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      context.ports.log?.warn(`${what} did not reach the master`, { reason: String(error) });
      return false;
    }
  };
  return {
    'publish-events': async ({ events }) => {
      context.ports.sink.publish(events);
    },
    'accept-offer': async (effect) => {
      await acceptOffer(context, call, effect);
    },
    'decline-offers': async ({ offerIds, refuseSeconds }) => {
      await attempt('DECLINE', () =>
        call({
          type: 'DECLINE',
          decline: {
            offer_ids: offerIds.map((value) => ({ value })),
            filters: { refuse_seconds: refuseSeconds },
          },
        }),
      );
    },
    'accept-inverse-offers': async ({ ids, refuseSeconds }) => {
      const accept_inverse_offers = {
        inverse_offer_ids: ids.map((value) => ({ value })),
        filters: { refuse_seconds: refuseSeconds },
      };
      await attempt('ACCEPT_INVERSE_OFFERS', () =>
        call({ type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers }),
      );
    },
    'kill-instance': async ({ instanceId }) => {
      const instance = context.state.instance(instanceId);
      if (instance !== undefined) context.kills.request(instance);
    },
    'kill-task': async ({ taskId, agentId, graceSeconds }) => {
      await attempt('KILL', () =>
        call({
          type: 'KILL',
          kill: {
            task_id: { value: taskId },
            ...(agentId === undefined ? {} : { agent_id: { value: agentId } }),
            ...(graceSeconds === undefined ? {} : { kill_policy: toKillPolicy(graceSeconds) }),
          },
        }),
      );
    },
    'shut-down-executor': async ({ executorId, agentId }) => {
      const shutdown = { executor_id: { value: executorId }, agent_id: { value: agentId } };
      await attempt('SHUTDOWN', () => call({ type: 'SHUTDOWN', shutdown }));
    },
    'revive-offers': async ({ roles }) => {
      const revive = roles === undefined ? {} : { revive: { roles } };
      const isSent = await attempt('REVIVE', () => call({ type: 'REVIVE', ...revive }));
      if (!isSent) context.demand.failed();
    },
    'suppress-offers': async () => {
      if (!(await attempt('SUPPRESS', () => call({ type: 'SUPPRESS' })))) context.demand.failed();
    },
    'reconcile-tasks': async ({ tasks }) => {
      await attempt('RECONCILE', () =>
        call({
          type: 'RECONCILE',
          reconcile: {
            tasks: tasks.map(({ taskId, agentId }) => ({
              task_id: { value: taskId },
              ...(agentId === undefined ? {} : { agent_id: { value: agentId } }),
            })),
          },
        }),
      );
    },
  };
}

async function acceptOffer(
  context: EngineContext,
  call: SchedulerDriver['call'],
  effect: Extract<EngineEffect, { kind: 'accept-offer' }>,
): Promise<void> {
  try {
    await call({
      type: 'ACCEPT',
      accept: {
        offer_ids: [{ value: effect.offerId }],
        operations: toOperations(effect),
        filters: { refuse_seconds: effect.refuseSeconds },
      },
    });
    for (const id of effect.instanceIds) noteAccepted(context, id);
    await noteReleased(context, effect.released);
  } catch (error) {
    await settleFailedAccept(context, effect, error);
  } finally {
    for (const id of effect.instanceIds) context.memory.accepting.delete(id);
  }
}

/** What is reserved and given back first; then tasks of apps in one LAUNCH, and each instance of a pod as a group of its own. */
const toOperations = ({
  operations,
  tasks,
  groups,
}: Extract<EngineEffect, { kind: 'accept-offer' }>): readonly OfferOperation[] => [
  ...operations,
  ...(tasks.length === 0 ? [] : [{ type: 'LAUNCH', launch: { task_infos: tasks } } as const]),
  ...groups.map(
    (group) =>
      ({
        type: 'LAUNCH_GROUP',
        launch_group: { executor: group.executor, task_group: { tasks: group.tasks } },
      }) as const,
  ),
];

function noteAccepted({ state, memory }: EngineContext, id: InstanceId): void {
  const app = state.instance(id)?.appId;
  if (app !== undefined) memory.refusedLaunches.delete(app);
}

/** Certainly not carried out: the instances never existed. Perhaps carried out: the master is asked. */
async function settleFailedAccept(
  context: EngineContext,
  { offerId, instanceIds }: Extract<EngineEffect, { kind: 'accept-offer' }>,
  error: unknown,
): Promise<void> {
  const code = error instanceof SchedulerCallError ? error.code : 'UNAVAILABLE';
  const reason = error instanceof Error ? error.message : String(error);
  context.ports.log?.warn('ACCEPT failed', { instances: instanceIds.length, reason });
  if (code === 'UNAVAILABLE') {
    for (const id of instanceIds) doubt(context, id);
    return;
  }
  const isRefused = code === 'REFUSED';
  const message = isRefused
    ? `the master refused the launch: ${reason}`
    : 'the launch did not reach the master';
  try {
    await context.commits.submit({
      whenUnavailable: 'retry',
      run: (draft) => dropLaunches(context, draft, instanceIds, { message, isRefused }),
    });
  } catch (failure) {
    // Only a stopped engine rejects: the next one finds the instances provisioned and reconciles.
    context.ports.log?.warn('dropped launches are not stored', { reason: String(failure) });
  }
  // A master that refuses the call leaves its offer open, and what it holds is nobody's.
  if (isRefused) {
    const refuseSeconds = context.options.shortRefuseSeconds;
    await context.execute({ kind: 'decline-offers', offerIds: [offerId], refuseSeconds });
  }
}

function doubt({ state, reconciler }: EngineContext, id: InstanceId): void {
  const instance = state.instance(id);
  if (instance === undefined) return;
  for (const reference of referencesOf(instance)) reconciler.doubt(reference);
}

/** A refusal may be about the stream, and over with it; an app refused twice in a row is delayed like one that fails. */
function dropLaunches(
  context: EngineContext,
  draft: Draft,
  ids: readonly InstanceId[],
  { message, isRefused }: { readonly message: string; readonly isRefused: boolean },
): void {
  const dropped = new Map<AppId, Instance>();
  const report = { state: 'TASK_DROPPED', message } as const;
  for (const id of ids) {
    const instance = draft.instance(id);
    if (instance?.condition !== 'Provisioned') continue;
    const event = { kind: 'status', reason: 'REASON_INVALID_OFFERS', ...report } as const;
    changeInstance(context, draft, instance, event, report);
    dropped.set(instance.appId, instance);
  }
  if (!isRefused) return;
  for (const instance of dropped.values()) noteRefusal(context, draft, instance, report);
}

function noteRefusal(
  context: EngineContext,
  draft: Draft,
  instance: Instance,
  report: EndReport,
): void {
  const { refusedLaunches } = context.memory;
  draft.putFailure(toFailure(draft, instance, report));
  const app = definitionOf(context, draft.root, instance);
  draft.after(() => {
    if (refusedLaunches.has(instance.appId) && app !== undefined) delayLaunches(context, app);
    refusedLaunches.add(instance.appId);
  });
}
