import { isListedAgent, type MasterFramework, type MasterState } from '#cluster';
import type { DocumentCache } from '../reads/document-cache.js';
import {
  agentPart,
  completedFrameworkPart,
  frameworkLiteral,
  frameworkPart,
  fresh,
  offerPart,
  openObject,
  text,
} from '../reads/parts.js';
import type { Document, DocumentWriter, ReadContext, Walk } from '../reads/read-context.js';
import { TaskLists } from '../reads/task-lists.js';
import {
  legacyCompletedFramework,
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
    let isFirst = true;
    for (const one of state.frameworks.values()) {
      if (!walkFramework(cache, one, isFirst)) return false;
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
): (cache: DocumentCache, one: MasterFramework, isFirst: boolean) => boolean {
  const head = frameworkPart(
    context,
    (one, amounts) => `${openObject(legacyFramework(one, amounts))}"tasks":[`,
  );
  const offer = offerPart(context, (one) => JSON.stringify(legacyOffer(one)));
  const toUnreachable = frameworkLiteral(context, '],"unreachable_tasks":[');
  const toCompleted = frameworkLiteral(context, '],"completed_tasks":[');
  const toOffers = frameworkLiteral(context, '],"offers":[');
  const end = frameworkLiteral(context, '],"executors":[]}');
  return (cache, one, isFirst) => {
    const { tasks, unreachable, completed, isListed } = taskLists.of(one);
    return (
      cache.place(head, one, undefined, { isFirst }) &&
      cache.placeList(tasks, isListed) &&
      cache.place(toUnreachable, one, undefined) &&
      cache.placeList(unreachable, isListed) &&
      cache.place(toCompleted, one, undefined) &&
      cache.placeList(completed, isListed) &&
      cache.place(toOffers, one, undefined) &&
      cache.placeAll(offer, one.offers, one) &&
      cache.place(end, one, undefined)
    );
  };
}
