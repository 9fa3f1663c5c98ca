import { isListedAgent } from '#cluster';
import { agentId, frameworkId } from '#core';
import { amountsOfAgent, amountsOfFramework, isRecovering } from '../reads/parts.js';
import type { ReadContext } from '../reads/read-context.js';
import {
  isUnreachable,
  legacyCompletedFramework,
  legacyExecutor,
  legacyFramework,
  legacyOffer,
  legacyRecoveredSlave,
  legacySlave,
  legacyTask,
} from './legacy-views.js';

/** /slaves and /frameworks of one id: what they say of all, without the others. An unknown id gives empty lists. */

export function oneSlave(context: ReadContext, id: string): object {
  const { state, holdings } = context;
  holdings.drain();
  const agent = state.agents.get(agentId(id));
  const known = agent === undefined ? [] : [agent];
  return {
    slaves: known
      .filter((one) => isListedAgent(state, one))
      .map((one) => legacySlave(one, amountsOfAgent(context, one))),
    recovered_slaves: known.filter((one) => isRecovering(state, one)).map(legacyRecoveredSlave),
  };
}

/** O(tasks of the framework). */
export function oneFramework(context: ReadContext, id: string): object {
  const { state, holdings } = context;
  holdings.drain();
  const framework = state.frameworks.get(frameworkId(id));
  const completed = state.completedFrameworks.get(frameworkId(id));
  const known = framework === undefined ? [] : [framework];
  return {
    frameworks: known.map((one) => {
      const tasks = [...one.tasks.values()];
      const view = (task: Parameters<typeof legacyTask>[0]): object => legacyTask(task, one);
      return {
        ...legacyFramework(one, amountsOfFramework(context, one)),
        tasks: tasks.filter((task) => !isUnreachable(task)).map(view),
        unreachable_tasks: tasks.filter(isUnreachable).map(view),
        completed_tasks: [...one.completedTasks.values()].map(view),
        offers: [...one.offers].map(legacyOffer),
        executors: [...holdings.executorsOf(one)].map(legacyExecutor),
      };
    }),
    completed_frameworks: completed === undefined ? [] : [legacyCompletedFramework(completed)],
  };
}
