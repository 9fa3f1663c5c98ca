import { agentId, frameworkId, offerId } from '#core';
import { type CoreMutants, withAllocator, withEffects } from './mutant.js';

/** Of so many rounds asked for, one is lost. */
const LOST_ROUND = 30;

/** Bugs of the master's ledgers and of its allocator. */
export const LEDGER_MUTANTS: CoreMutants = {
  'a master that takes refused resources back twice': withAllocator((allocator) => {
    const release = allocator.release.bind(allocator);
    allocator.release = (allocation, refuse) => {
      release(allocation, refuse);
      if (refuse !== undefined) release(allocation);
    };
  }),
  'a master that leaves accepted offers in its ledger': {
    wrapReduce: (reduce) => (state, event, now) => {
      const isAccept = event.kind === 'scheduler-call' && event.call.type === 'ACCEPT';
      const ids = isAccept && event.call.type === 'ACCEPT' ? event.call.accept.offer_ids : [];
      const offers = ids.flatMap(({ value }) => state.offers.get(offerId(value)) ?? []);
      const reduced = reduce(state, event, now);
      for (const offer of offers) state.offers.set(offer.id, offer);
      return reduced;
    },
  },
  'a master that rescinds without telling': withEffects((effects) =>
    effects.filter(
      (effect) => effect.kind !== 'send-to-framework' || effect.event.type !== 'RESCIND',
    ),
  ),
  'a master that ignores REVIVE': withAllocator((allocator) => {
    allocator.revive = () => undefined;
  }),
  'a master that suppresses a framework which came back, as it was before': withAllocator(
    (allocator) => {
      const add = allocator.addFramework.bind(allocator);
      allocator.addFramework = (id, given) => {
        const suppressedRoles = [...given.suppressedRoles, ...allocator.suppressedRoles(id)];
        add(id, { ...given, suppressedRoles });
      };
    },
  ),
  'a master that goes on offering roles a framework has left': withAllocator((allocator) => {
    allocator.updateFramework = () => undefined;
  }),
  'a master that offers again what was refused': withAllocator((allocator) => {
    const release = allocator.release.bind(allocator);
    allocator.release = (allocation) => release(allocation);
  }),
  'a master that loses a round now and then': {
    wrapReduce: (reduce) => {
      let asked = 0;
      return (state, event, now) => {
        const { effects } = reduce(state, event, now);
        const kept = effects.filter((effect) => {
          if (effect.kind !== 'schedule-allocation') return true;
          if (effect.delayMs !== state.config.allocationDelayMs) return true;
          asked += 1;
          return asked % LOST_ROUND !== 0;
        });
        return { state, effects: kept };
      };
    },
  },
  'a master that knows no limits of quota': withAllocator((allocator) => {
    const setQuota = allocator.setQuota.bind(allocator);
    allocator.setQuota = (role, quota) => setQuota(role, quota && { ...quota, limits: {} });
  }),
  'a master that forgets quota when it takes over': {
    wrapReduce: (reduce) => (state, event, now) => {
      if (event.kind !== 'recover') return reduce(state, event, now);
      return reduce(state, { ...event, snapshot: { ...event.snapshot, quotas: [] } }, now);
    },
  },
  'a master that offers what is reserved to everybody': withAllocator((allocator) => {
    allocator.convert = () => true;
  }),
  'a master that offers agents which are drained': {
    wrapReduce: (reduce) => (state, event, now) => {
      const reduced = reduce(state, event, now);
      if (event.kind === 'operator-decided' && event.decision.kind === 'activation') {
        state.allocator.setAgentActive(event.decision.id, { isActive: true });
      }
      return reduced;
    },
  },
  'a master that does not count what returning tasks hold': withAllocator((allocator) => {
    allocator.adopt = () => undefined;
  }),
  'a master that offers agents which are away': withAllocator((allocator) => {
    allocator.setAgentActive = () => undefined;
  }),
  'a master that forgets what it was to kill when an agent comes back': {
    wrapReduce: (reduce) => (state, event, now) => {
      if (event.kind === 'agent-stored' || event.kind === 'agent-subscribe') {
        const id = event.subscription.agent_info.id?.value ?? '';
        for (const task of state.agents.get(agentId(id))?.tasks ?? []) delete task.kill;
      }
      return reduce(state, event, now);
    },
  },
  'a master that answers for agents it waits for': {
    wrapReduce: (reduce) => (state, event, now) => {
      if (event.kind !== 'scheduler-call') return reduce(state, event, now);
      const { recoveringAgents } = state;
      state.recoveringAgents = 0;
      const reduced = reduce(state, event, now);
      state.recoveringAgents = recoveringAgents;
      return reduced;
    },
  },
  'a master that takes calls over streams that were replaced': {
    wrapReduce: (reduce) => (state, event, now) => {
      if (event.kind !== 'scheduler-call') return reduce(state, event, now);
      const id = frameworkId(event.call.framework_id.value);
      const streamId = state.frameworks.get(id)?.streamId;
      return reduce(state, streamId === undefined ? event : { ...event, streamId }, now);
    },
  },
  'a master that lets the fail-over time of a framework which came back run on': {
    wrapReduce: (reduce) => (state, event, now) => {
      if (event.kind !== 'framework-stored') return reduce(state, event, now);
      const deadline = state.frameworks.get(event.frameworkId)?.failoverDeadlineMonoMs;
      const reduced = reduce(state, event, now);
      const framework = state.frameworks.get(event.frameworkId);
      if (framework !== undefined && deadline !== undefined) {
        framework.failoverDeadlineMonoMs = deadline;
      }
      return reduced;
    },
  },
};
