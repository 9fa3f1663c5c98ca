import {
  isListedAgent,
  type MasterExecutor,
  type MasterFramework,
  type MasterOffer,
  type MasterState,
} from '#cluster';
import type { DocumentCache, Part } from '../reads/document-cache.js';
import {
  agentPart,
  completedFrameworkPart,
  executorPart,
  executorsByFramework,
  frameworkLiteral,
  frameworkPart,
  fresh,
  isKnown,
  offerPart,
  openObject,
  text,
} from '../reads/parts.js';
import type { Document, DocumentWriter, ReadContext, Walk } from '../reads/read-context.js';
import { type FrameworkTasks, TaskLists } from '../reads/task-lists.js';
import {
  legacyCompletedFramework,
  legacyExecutor,
  legacyFramework,
  legacyOffer,
  legacyRecoveredSlave,
  legacySlave,
  legacyStateHead,
  legacyTask,
} from './legacy-views.js';

/** /state, /slaves and /frameworks, piece by piece. */

export const legacyState: Document = (context) => {
  const { state, apiVersion, flags } = context;
  const head = fresh((one: MasterState) =>
    openObject({ ...legacyStateHead(one, apiVersion), flags: flags ?? {} }),
  );
  const comma = text(',');
  const walkSlaves = slaves(context);
  const { walk: walkFrameworks, ...tasks } = frameworks(context);
  const end = text('}');
  return {
    ...tasks,
    walk: (cache) =>
      cache.place(head, state, undefined) &&
      walkSlaves(cache) &&
      cache.place(comma, state, undefined) &&
      walkFrameworks(cache) &&
      cache.place(end, state, undefined),
  };
};

export const legacySlaves: Document = (context) => ({ walk: inBraces(context, slaves(context)) });

export const legacyFrameworks: Document = (context) => {
  const { walk, ...tasks } = frameworks(context);
  return { ...tasks, walk: inBraces(context, walk) };
};

function inBraces({ state }: ReadContext, walk: Walk): Walk {
  const [begin, end] = [text('{'), text('}')];
  return (cache) =>
    cache.place(begin, state, undefined) && walk(cache) && cache.place(end, state, undefined);
}

/** `"slaves":[...],"recovered_slaves":[...]` */
function slaves(context: ReadContext): Walk {
  const { state } = context;
  const begin = text('"slaves":[');
  const slave = agentPart(context, (agent, amounts) => JSON.stringify(legacySlave(agent, amounts)));
  const recovered = fresh((one: MasterState) => {
    const known = [...one.agents.values()].filter(({ condition }) => condition === 'recovering');
    return `],"recovered_slaves":${JSON.stringify(known.map(legacyRecoveredSlave))}`;
  });
  return (cache) =>
    cache.place(begin, state, undefined) &&
    cache.placeAll(slave, state.agents.values(), undefined, (one) => isListedAgent(state, one)) &&
    cache.place(recovered, state, undefined);
}

/** `"frameworks":[...],"completed_frameworks":[...]` */
function frameworks(context: ReadContext): DocumentWriter {
  const { state } = context;
  const lists = new TaskLists(context, (task, one) => JSON.stringify(legacyTask(task, one)));
  const begin = text('"frameworks":[');
  const walkFramework = framework(context, lists);
  const toCompleted = text('],"completed_frameworks":[');
  const completed = completedFrameworkPart(context, (one) =>
    JSON.stringify(legacyCompletedFramework(one)),
  );
  const end = text(']');
  const walk: Walk = (cache) => {
    if (!cache.place(begin, state, undefined)) return false;
    const executors = executorsByFramework(state);
    let isFirst = true;
    for (const one of state.frameworks.values()) {
      const options = { isFirst, executors: executors.get(one.id) ?? [] };
      if (!walkFramework(cache, one, options)) return false;
      isFirst = false;
    }
    return (
      cache.place(toCompleted, state, undefined) &&
      cache.placeAll(completed, state.completedFrameworks.values(), undefined) &&
      cache.place(end, state, undefined)
    );
  };
  return {
    walk,
    touch: (task) => lists.touch(task),
    drain: (budget) => lists.drain(budget),
  };
}

function framework(
  context: ReadContext,
  taskLists: TaskLists,
): (
  cache: DocumentCache,
  one: MasterFramework,
  options: { readonly isFirst: boolean; readonly executors: readonly MasterExecutor[] },
) => boolean {
  const head = frameworkPart(
    context,
    (one, amounts) => `${openObject(legacyFramework(one, amounts))}"tasks":[`,
  );
  const offer = offerPart(context, (one) => JSON.stringify(legacyOffer(one)));
  const toUnreachable = frameworkLiteral(context, '],"unreachable_tasks":[');
  const toCompleted = frameworkLiteral(context, '],"completed_tasks":[');
  const toOffers = frameworkLiteral(context, '],"offers":[');
  const toExecutors = frameworkLiteral(context, '],"executors":[');
  const executor = executorPart(context, (one) => JSON.stringify(legacyExecutor(one)));
  const end = frameworkLiteral(context, ']}');
  const { wholeBytes = WHOLE_BYTES } = context;
  const whole = wholeFramework(context, head, (one) => JSON.stringify(legacyOffer(one)));
  return (cache, one, { isFirst, executors }) => {
    const lists = taskLists.of(one);
    lists.isLong ||= executors.length > 0 || lengthOf(lists) > wholeBytes;
    if (!lists.isLong) return cache.place(whole, one, lists, { isFirst });
    const { tasks, unreachable, completed, isListed } = lists;
    return (
      cache.place(head, one, undefined, { isFirst }) &&
      cache.placeList(tasks, isListed) &&
      cache.place(toUnreachable, one, undefined) &&
      cache.placeList(unreachable, isListed) &&
      cache.place(toCompleted, one, undefined) &&
      cache.placeList(completed, isListed) &&
      cache.place(toOffers, one, undefined) &&
      cache.placeAll(offer, one.offers, one) &&
      cache.place(toExecutors, one, undefined) &&
      cache.placeAll(executor, executors, undefined) &&
      cache.place(end, one, undefined)
    );
  };
}

/** A framework up to this length is one piece of the document: there may be thousands of small ones. */
const WHOLE_BYTES = 16 * 1024;

const lengthOf = ({ tasks, unreachable, completed }: FrameworkTasks): number =>
  tasks.byteLength + unreachable.byteLength + completed.byteLength;

interface SeenWhole<SeenHead> {
  readonly head: SeenHead;
  readonly generations: readonly number[];
  readonly offers: readonly MasterOffer[];
}

/** A framework without executors and all its lists. */
function wholeFramework<SeenHead>(
  context: ReadContext,
  head: Part<MasterFramework, unknown, SeenHead>,
  renderOffer: (offer: MasterOffer) => string,
): Part<MasterFramework, FrameworkTasks, SeenWhole<SeenHead>> {
  return {
    look: (one, lists) => ({
      head: head.look(one, undefined),
      generations: [
        lists.tasks.generation,
        lists.unreachable.generation,
        lists.completed.generation,
      ],
      offers: [...one.offers],
    }),
    isCurrent: ({ generations, offers, head: seen }, one, lists) =>
      generations[0] === lists.tasks.generation &&
      generations[1] === lists.unreachable.generation &&
      generations[2] === lists.completed.generation &&
      offers.length === one.offers.size &&
      offers.every((offer) => one.offers.has(offer)) &&
      head.isCurrent(seen, one, undefined),
    render: (one, { tasks, unreachable, completed }) =>
      Buffer.concat([
        Buffer.from(head.render(one, undefined)),
        ...tasks.chunks,
        Buffer.from('],"unreachable_tasks":['),
        ...unreachable.chunks,
        Buffer.from('],"completed_tasks":['),
        ...completed.chunks,
        Buffer.from(`],"offers":[${[...one.offers].map(renderOffer).join()}],"executors":[]}`),
      ]),
    belongs: (one, { isLong }) => !isLong && isKnown(context, one),
  };
}
