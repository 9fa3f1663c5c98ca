import type { SchedulerHandlers } from '#framework';
import type { EngineContext } from './engine-context.js';
import { FRAMEWORK_REMOVED, forgetFramework } from './forget-framework.js';
import { tellMessage } from './framework-messages.js';
import { handleOffers } from './handle-offers.js';
import { noteInverseOffers, noteOffered, noteRescinded } from './leave-agents.js';
import { askForLeftovers } from './leftovers.js';
import { handleStatus } from './status-updates.js';

/** What the engine does when the master speaks. */
export function createHandlers(
  context: EngineContext,
  onFatal: (error: Error) => void,
): SchedulerHandlers {
  const { ports, commits } = context;
  return {
    onSubscribed: async (frameworkId, master) => {
      context.memory.master = master;
      await commits.submit({
        whenUnavailable: 'retry',
        run: (draft) => {
          const isKnown = draft.frameworkId === frameworkId;
          if (!isKnown) draft.putFrameworkId(frameworkId);
          draft.emit(
            isKnown
              ? { eventType: 'scheduler_reregistered_event', master }
              : { eventType: 'scheduler_registered_event', frameworkId, master },
          );
        },
      });
      context.demand.connected();
      context.kills.resend();
      context.reconciler.begin();
      askForLeftovers(context);
    },
    // Not awaited: updates that follow need not wait for the answer to the offers.
    onOffers: (offers) => {
      noteOffered(context, offers);
      void handleOffers(context, offers);
    },
    onInverseOffers: (offers) => noteInverseOffers(context, offers),
    onRescindInverseOffer: (id) => noteRescinded(context, id),
    // An offer that is gone when it is accepted comes back as TASK_DROPPED or TASK_LOST.
    onRescind: () => undefined,
    onUpdate: (status) => handleStatus(context, status),
    // What happened to its tasks comes as status updates.
    onFailure: ({ agentId, executorId }) => {
      if (agentId !== undefined && executorId === undefined) {
        context.memory.seenOffers.forget(agentId);
      }
      ports.log?.info('an agent or an executor was lost', { agentId });
    },
    onMessage: (message) => tellMessage(context, message),
    onError: async (message) => {
      try {
        // Else every start would offer the master the id it has refused.
        if (message === FRAMEWORK_REMOVED) await forgetFramework(context);
      } finally {
        onFatal(new Error(`the master refused this framework: ${message}`));
      }
    },
    onDisconnected: (reason) => {
      ports.log?.warn('disconnected from the master', { reason });
      context.demand.disconnected();
      context.reconciler.pause();
      commits
        .submit({
          whenUnavailable: 'retry',
          run: (draft) => draft.emit({ eventType: 'scheduler_disconnected_event' }),
        })
        .catch((error: unknown) =>
          ports.log?.warn('the disconnection is not stored', { reason: String(error) }),
        );
    },
  };
}
