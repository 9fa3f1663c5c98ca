import type { ExecutorTable, InstanceId } from '#core';
import { SchedulerCallError, type SchedulerDriver } from '#framework';
import type { EngineContext } from './engine-context.js';
import type { EngineEffect } from './engine-effect.js';
import { changeInstance } from './instance-changes.js';

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
    'kill-instance': async ({ instanceId }) => {
      const instance = context.state.instance(instanceId);
      if (instance !== undefined) context.kills.request(instance);
    },
    'kill-task': async ({ taskId, agentId }) => {
      await attempt('KILL', () =>
        call({
          type: 'KILL',
          kill: {
            task_id: { value: taskId },
            ...(agentId === undefined ? {} : { agent_id: { value: agentId } }),
          },
        }),
      );
    },
    'revive-offers': async () => {
      if (!(await attempt('REVIVE', () => call({ type: 'REVIVE' })))) context.demand.failed();
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
        operations: [{ type: 'LAUNCH', launch: { task_infos: effect.tasks } }],
        filters: { refuse_seconds: effect.refuseSeconds },
      },
    });
  } catch (error) {
    await settleFailedAccept(context, effect.instanceIds, error);
  } finally {
    for (const id of effect.instanceIds) context.memory.accepting.delete(id);
  }
}

/** Certainly not sent: the instances never existed. Perhaps sent: the master is asked. */
async function settleFailedAccept(
  context: EngineContext,
  ids: readonly InstanceId[],
  error: unknown,
): Promise<void> {
  const isCertain = error instanceof SchedulerCallError && error.code !== 'UNAVAILABLE';
  context.ports.log?.warn('ACCEPT did not reach the master', {
    instances: ids.length,
    reason: String(error),
  });
  if (!isCertain) {
    for (const id of ids) {
      const instance = context.state.instance(id);
      if (instance === undefined) continue;
      const { taskId, placement } = instance;
      context.reconciler.doubt({
        taskId,
        ...(placement === undefined ? {} : { agentId: placement.agentId }),
      });
    }
    return;
  }
  await context.commits
    .submit({
      whenUnavailable: 'retry',
      run: (draft) => {
        for (const id of ids) {
          const instance = draft.instance(id);
          if (instance?.condition !== 'Provisioned') continue;
          const message = 'the launch did not reach the master';
          const event = {
            kind: 'status',
            state: 'TASK_DROPPED',
            reason: 'REASON_INVALID_OFFERS',
            message,
          } as const;
          changeInstance(context, draft, instance, event, { state: 'TASK_DROPPED', message });
        }
      },
    })
    .catch((failure: unknown) => {
      // Only a stopped engine rejects: the next one finds the instances provisioned and reconciles.
      context.ports.log?.warn('dropped launches are not stored', { reason: String(failure) });
    });
}
