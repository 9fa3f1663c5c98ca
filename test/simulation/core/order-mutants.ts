import type { JournalRecord, MasterEvent } from '#cluster';
import { agentId, isTerminalTaskState, type TaskState, taskId } from '#core';
import type { TaskJournal } from '../../../apps/agent/src/engine/task-journal.port.js';
import type { SimulatedProcess } from '../simulated-process.js';
import { type CoreMutant, type CoreMutants, replacing, withEffects } from './mutant.js';

/** What is written too late is written after this. */
const LATER_MS = 300;

/** A master that goes on as if the registry held already what is only on its way there. */
const beforeStored = (kind: MasterEvent['kind']): CoreMutant => ({
  wrapReduce: (reduce) => (state, event, now) => {
    const { effects } = reduce(state, event, now);
    const early = effects.flatMap((effect) => {
      if (effect.kind !== 'commit-registry' || effect.stored?.kind !== kind) return [effect];
      const { changes, stored } = effect;
      return [...reduce(state, stored, now).effects, { kind: effect.kind, changes }];
    });
    return { state, effects: early };
  },
});

/** An agent whose journal says that some records are on the disk when they are not yet. */
const journalsLate = (isLate: (record: JournalRecord) => boolean): CoreMutant => ({
  wrapJournal: (journal, process) =>
    replacing<TaskJournal>(journal, {
      append: async (records) => {
        const late = records.filter(isLate);
        if (late.length > 0) later(process, () => journal.append(late));
        await journal.append(records.filter((record) => !isLate(record)));
      },
    }),
});

function later(process: SimulatedProcess, write: () => Promise<void>): void {
  process.clock.schedule(LATER_MS, () => {
    write().catch(() => undefined);
  });
}

/** Bugs that do the right things in the wrong order. */
export const ORDER_MUTANTS: CoreMutants = {
  'a framework that acknowledges before the status is stored': { acknowledgesFirst: true },
  'a framework that launches before its tasks are stored': {
    wrapFrameworkStore: (store, process) =>
      replacing(store, {
        commit: async (generation, changes) => {
          const isLaunch = changes.some(
            (change) => change.kind === 'put-task' && change.task.state === 'launching',
          );
          if (isLaunch) later(process, () => store.commit(generation, changes));
          else await store.commit(generation, changes);
        },
      }),
  },
  'a master that answers SUBSCRIBE before the registry holds the framework':
    beforeStored('framework-stored'),
  'a master that admits an agent before the registry holds it': beforeStored('agent-stored'),
  'a master that tears a framework down before the registry knows':
    beforeStored('framework-completed'),
  'a master that calls an agent unreachable before the registry does': beforeStored(
    'agent-marked-unreachable',
  ),
  'a master that gives an agent up before the registry does': beforeStored('agent-marked-gone'),
  'a master that does what an operator decided before the registry holds it':
    beforeStored('operator-decided'),
  'a master that launches on a reservation before the agent is told of it': withEffects(
    (effects) => {
      const swapped = [...effects];
      for (let index = 0; index + 1 < swapped.length; index += 1) {
        const [first, second] = swapped.slice(index, index + 2);
        if (first?.kind !== 'send-to-agent' || second?.kind !== 'send-to-agent') continue;
        if (first.message.type !== 'CHECKPOINT_RESOURCES') continue;
        const { sequence } = first.message;
        const late = { ...first.message, sequence: second.message.sequence };
        swapped[index] = { ...second, message: { ...second.message, sequence } };
        swapped[index + 1] = { ...first, message: late };
      }
      return swapped;
    },
  ),
  'an agent that launches before its journal holds the task': journalsLate(
    ({ kind }) => kind === 'accepted' || kind === 'launching',
  ),
  'an agent that reports before its journal holds the status': journalsLate(
    ({ kind }) => kind === 'update',
  ),
  'an agent that obeys a master before its epoch is on the disk': {
    wrapJournal: (journal, process) =>
      replacing<TaskJournal>(journal, {
        saveIdentity: async (identity) => later(process, () => journal.saveIdentity(identity)),
      }),
  },
  'a master that acknowledges in the name of the framework': withEffects(
    (effects, { state, event }) => {
      if (event.kind !== 'agent-call' || event.call.type !== 'UPDATE') return effects;
      const agent = state.agents.get(agentId(event.call.agent_id.value));
      const { framework_id, status } = event.call.update;
      if (agent?.stream === undefined || status.uuid === undefined) return effects;
      const { id, nextSequence } = agent.stream;
      agent.stream.nextSequence += 1;
      const acknowledge = { framework_id, task_id: status.task_id, uuid: status.uuid };
      const message = { epoch: state.epoch, stream_id: id, sequence: nextSequence } as const;
      return [
        ...effects,
        {
          kind: 'send-to-agent',
          streamId: id,
          message: { ...message, type: 'ACKNOWLEDGE', acknowledge },
        },
      ];
    },
  ),
  'a master that forgets a task when it ends, not when that is acknowledged': withEffects(
    (effects, { state, event }) => {
      if (event.kind !== 'agent-call' || event.call.type !== 'UPDATE') return effects;
      const { status, latest_state } = event.call.update;
      if (!isTerminalTaskState(latest_state as TaskState)) return effects;
      const id = taskId(status.task_id.value);
      for (const framework of state.frameworks.values()) {
        const task = framework.tasks.get(id);
        if (task === undefined) continue;
        framework.tasks.delete(id);
        state.agents.get(task.agentId)?.tasks.delete(task);
      }
      return effects;
    },
  ),
};
