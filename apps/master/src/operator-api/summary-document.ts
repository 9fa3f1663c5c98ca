import {
  isListedAgent,
  type MasterAgent,
  type MasterFramework,
  type MasterState,
  type MasterTask,
} from '#cluster';
import { TASK_STATES } from '#core';
import type { Part } from '../reads/document-cache.js';
import { amountsOfAgent, amountsOfFramework, fresh, openObject, text } from '../reads/parts.js';
import type { Document, ReadContext } from '../reads/read-context.js';
import { legacyFramework, legacySlave } from './legacy-views.js';

/**
 * /state-summary: agents and frameworks as in /state without their tasks, with a counter for each task state and the ids
 * of the other side.
 */
export const legacySummary: Document = (context) => {
  const { state } = context;
  const head = fresh((one: MasterState) =>
    openObject({ hostname: one.masterInfo.hostname, cluster: CLUSTER }),
  );
  const begin = text('"slaves":[');
  const slave = summaryPart<MasterAgent>({
    tasksOf: (agent) => agent.tasks,
    stampOf: (agent) => {
      const { used, offered } = amountsOfAgent(context, agent);
      return [agent.info, agent.total, used, offered, agent.condition, agent.reregisteredEpochMs];
    },
    render: (agent, counts) =>
      JSON.stringify({
        ...summaryOf(legacySlave(agent, amountsOfAgent(context, agent))),
        ...counts,
      }),
    otherSide: { name: 'framework_ids', idOf: (task) => task.frameworkId },
    belongs: (agent) => state.agents.get(agent.id) === agent,
  });
  const toFrameworks = text('],"frameworks":[');
  const framework = frameworkSummaryPart(context);
  const end = text(']}');
  const isListed = (one: MasterAgent): boolean => isListedAgent(state, one);
  return {
    walk: (cache) =>
      cache.place(head, state, undefined) &&
      cache.place(begin, state, undefined) &&
      cache.placeAll(slave, state.agents.values(), undefined, isListed) &&
      cache.place(toFrameworks, state, undefined) &&
      cache.placeAll(framework, state.frameworks.values(), undefined) &&
      cache.place(end, state, undefined),
  };
};

const CLUSTER = 'pacer';

const frameworkSummaryPart = (context: ReadContext) =>
  summaryPart<MasterFramework>({
    tasksOf: (framework) => framework.tasks.values(),
    stampOf: (framework) => {
      const { used, offered } = amountsOfFramework(context, framework);
      const isConnected = framework.streamId !== undefined;
      return [framework.info, framework.roles, used, offered, isConnected, framework.isRecovered];
    },
    render: (framework, counts) =>
      JSON.stringify({
        ...legacyFramework(framework, amountsOfFramework(context, framework)),
        ...counts,
      }),
    otherSide: { name: 'slave_ids', idOf: (task) => task.agentId },
    belongs: (framework) => context.state.frameworks.get(framework.id) === framework,
  });

interface SeenSummary {
  readonly stamp: readonly unknown[];
  readonly counts: string;
}

function summaryPart<Item>(kind: {
  readonly tasksOf: (item: Item) => Iterable<MasterTask>;
  /** All that the text depends on but the counters; compared by identity. */
  readonly stampOf: (item: Item) => readonly unknown[];
  readonly render: (item: Item, counts: object) => string;
  readonly otherSide: { readonly name: string; readonly idOf: (task: MasterTask) => string };
  readonly belongs: (item: Item) => boolean;
}): Part<Item, unknown, SeenSummary> {
  const countsOf = (item: Item): object => countTasks(kind.tasksOf(item), kind.otherSide);
  return {
    look: (item) => ({ stamp: kind.stampOf(item), counts: JSON.stringify(countsOf(item)) }),
    isCurrent: (seen, item) =>
      kind.stampOf(item).every((value, index) => value === seen.stamp[index]) &&
      seen.counts === JSON.stringify(countsOf(item)),
    render: (item) => kind.render(item, countsOf(item)),
    belongs: kind.belongs,
  };
}

function countTasks(
  tasks: Iterable<MasterTask>,
  otherSide: { readonly name: string; readonly idOf: (task: MasterTask) => string },
): object {
  const counts: Record<string, number> = {};
  for (const state of TASK_STATES) counts[state] = 0;
  const ids = new Set<string>();
  for (const task of tasks) {
    counts[task.state] = (counts[task.state] ?? 0) + 1;
    ids.add(otherSide.idOf(task));
  }
  return { ...counts, [otherSide.name]: [...ids] };
}

/** Without the long forms, which the summary leaves out. */
const summaryOf = (slave: object): object =>
  Object.fromEntries(Object.entries(slave).filter(([name]) => !name.endsWith('_full')));
