import {
  isListedAgent,
  type MasterAgent,
  type MasterFramework,
  type MasterState,
  type MasterTask,
} from '#cluster';
import { TASK_STATES } from '#core';
import { ALWAYS } from '../reads/document-cache.js';
import { KeptList, type KeptPart } from '../reads/kept-list.js';
import {
  agentPart,
  amountsOfAgent,
  amountsOfFramework,
  frameworkPart,
  fresh,
  isKnown,
  openObject,
  text,
} from '../reads/parts.js';
import type { Document, ReadContext } from '../reads/read-context.js';
import { agentWriter, frameworkWriter, together } from '../reads/touches.js';
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
  const agents = new KeptList({
    items: state.agents.values(),
    part: agentSummaryPart(context),
    isListed: (one) => isListedAgent(state, one),
  });
  const toFrameworks = text('],"frameworks":[');
  const frameworks = new KeptList({
    items: state.frameworks.values(),
    part: frameworkSummaryPart(context),
    isListed: (one) => isKnown(context, one),
  });
  const end = text(']}');
  return {
    ...together(agentWriter(state, agents), frameworkWriter(state, frameworks)),
    walk: (cache) =>
      cache.place(head, state, undefined) &&
      cache.place(begin, state, undefined) &&
      cache.placeList(agents.pieces, ALWAYS) &&
      cache.place(toFrameworks, state, undefined) &&
      cache.placeList(frameworks.pieces, ALWAYS) &&
      cache.place(end, state, undefined),
  };
};

const agentSummaryPart = (context: ReadContext) =>
  summaryPart<MasterAgent, unknown>({
    tasksOf: (agent) => agent.tasks,
    // Sees all that the text depends on but the counters.
    base: agentPart(context, () => ''),
    render: (agent, counts) =>
      JSON.stringify({
        ...summaryOf(legacySlave(agent, amountsOfAgent(context, agent))),
        ...counts,
      }),
    otherSide: { name: 'framework_ids', idOf: (task) => task.frameworkId },
  });

const CLUSTER = 'pacer';

const frameworkSummaryPart = (context: ReadContext) =>
  summaryPart<MasterFramework, unknown>({
    tasksOf: (framework) => framework.tasks.values(),
    base: frameworkPart(context, () => ''),
    render: (framework, counts) =>
      JSON.stringify({
        ...legacyFramework(framework, amountsOfFramework(context, framework)),
        ...counts,
      }),
    otherSide: { name: 'slave_ids', idOf: (task) => task.agentId },
  });

interface SeenSummary<SeenBase> {
  readonly base: SeenBase;
  readonly counts: string;
}

function summaryPart<Item, SeenBase>(kind: {
  readonly tasksOf: (item: Item) => Iterable<MasterTask>;
  readonly base: KeptPart<Item, SeenBase>;
  readonly render: (item: Item, counts: object) => string;
  readonly otherSide: { readonly name: string; readonly idOf: (task: MasterTask) => string };
}): KeptPart<Item, SeenSummary<SeenBase>> {
  const { base } = kind;
  const countsOf = (item: Item): object => countTasks(kind.tasksOf(item), kind.otherSide);
  return {
    look: (item) => ({
      base: base.look(item, undefined),
      counts: JSON.stringify(countsOf(item)),
    }),
    isCurrent: (seen, item) =>
      base.isCurrent(seen.base, item, undefined) && seen.counts === JSON.stringify(countsOf(item)),
    render: (item) => kind.render(item, countsOf(item)),
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
