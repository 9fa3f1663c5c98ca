import type { JournalRecord } from '#cluster';
import type { Launcher } from '#core';
import type { TaskJournal } from '../../../apps/agent/src/engine/task-journal.port.js';
import type { ExecutorCalls } from '../simulated-executor.js';
import { type CoreMutant, type CoreMutants, replacing } from './mutant.js';

type Subscribe = Parameters<ExecutorCalls['subscribe']>[0];

/** An agent whose journal never holds records of these kinds. */
const journalsNo = (...kinds: readonly JournalRecord['kind'][]): CoreMutant => ({
  wrapJournal: (journal) =>
    replacing<TaskJournal>(journal, {
      append: (records) => journal.append(records.filter(({ kind }) => !kinds.includes(kind))),
    }),
});

/** An agent that hears only a part of what an executor that comes back says. */
const hearsOnly = (
  hear: (subscribe: Subscribe['subscribe']) => Subscribe['subscribe'],
): CoreMutant => ({
  wrapExecutors: (calls) =>
    replacing<ExecutorCalls>(calls, {
      subscribe: (call, open) =>
        calls.subscribe({ ...call, subscribe: hear(call.subscribe) }, open),
    }),
});

const isOfExecutor = (run: string): boolean => run.startsWith('x-');

/** Bugs about custom executors. */
export const EXECUTOR_MUTANTS: CoreMutants = {
  'an agent that forgets its executors': journalsNo('executor-accepted', 'executor-launching'),
  'an agent that forgets which executors it was about to launch': journalsNo('executor-launching'),
  'an agent that forgets in which executor its tasks are': {
    wrapJournal: (journal) =>
      replacing<TaskJournal>(journal, {
        append: (records) =>
          journal.append(
            records.map((record) => {
              if (record.kind !== 'accepted') return record;
              const { executorRun: _, ...rest } = record;
              return rest;
            }),
          ),
      }),
  },
  'an agent that launches tasks again in an executor that comes back': hearsOnly((subscribe) => ({
    ...subscribe,
    unacknowledged_tasks: [],
  })),
  'an agent that drops the updates an executor brings back': hearsOnly((subscribe) => ({
    ...subscribe,
    unacknowledged_updates: [],
  })),
  'an agent that takes an update before it is on the disk': {
    wrapExecutors: (calls) =>
      replacing<ExecutorCalls>(calls, {
        call: async (call) => {
          void calls.call(call);
          return { kind: 'accepted' };
        },
      }),
  },
  'an agent that acknowledges an update before the framework has': {
    wrapExecutors: (calls) => ({
      subscribe: (call, open) =>
        calls.subscribe(call, () => {
          const stream = open();
          return {
            end: () => stream.end(),
            send: (event) => {
              const isSent = stream.send(event);
              for (const { status } of call.subscribe.unacknowledged_updates) {
                const { task_id, uuid } = status;
                stream.send({ type: 'ACKNOWLEDGED', acknowledged: { task_id, uuid } });
              }
              return isSent;
            },
          };
        }),
      call: (call) => calls.call(call),
    }),
  },
  'an agent that does not end executors': {
    wrapLauncher: (launcher) =>
      replacing<Launcher>(launcher, {
        kill: async (run, options) => {
          if (!isOfExecutor(run)) await launcher.kill(run, options);
        },
      }),
  },
  'an agent that ends its executors when it is started again': {
    wrapLauncher: (launcher) =>
      replacing<Launcher>(launcher, {
        reattach: async (spec) => {
          if (isOfExecutor(spec.run)) await launcher.kill(spec.run, { graceMs: 0 });
          return await launcher.reattach(spec);
        },
      }),
  },
  'an agent that leaves executors alone it does not know': {
    wrapLauncher: (launcher) => replacing<Launcher>(launcher, { removeStrays: async () => [] }),
  },
  'a master that ignores the executors an agent brings': {
    readSubscription: ({ executors: _, ...subscription }) => subscription,
  },
  'a master that frees an executor with its first task': {
    wrapReduce: (reduce) => (state, event, now) => {
      const reduced = reduce(state, event, now);
      if (event.kind !== 'agent-call' || event.call.type !== 'UPDATE') return reduced;
      for (const agent of state.agents.values()) {
        for (const executor of agent.executors.values()) {
          const isUsed = [...agent.tasks].some(({ executorId }) => executorId === executor.id);
          if (!isUsed) state.allocator.release(executor);
        }
      }
      return reduced;
    },
  },
  'a master that never frees what executors held': {
    wrapReduce: (reduce) => (state, event, now) => {
      const isExit = event.kind === 'agent-call' && event.call.type === 'EXITED_EXECUTOR';
      if (!isExit) return reduce(state, event, now);
      return { state, effects: [{ kind: 'answer-call', callId: event.callId, status: 202 }] };
    },
  },
};
