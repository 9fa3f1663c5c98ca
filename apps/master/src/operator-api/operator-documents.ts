import { isListedAgent, type MasterAgent, type MasterState } from '#cluster';
import type { DocumentCache } from '../reads/document-cache.js';
import {
  agentPart,
  completedFrameworkPart,
  executorPart,
  executorsByFramework,
  frameworkLiteral,
  frameworkPart,
  fresh,
  offerPart,
  openObject,
  text,
} from '../reads/parts.js';
import type { Document, Walk } from '../reads/read-context.js';
import { TaskLists } from '../reads/task-lists.js';
import {
  viewAgent,
  viewCompletedFramework,
  viewExecutor,
  viewFramework,
  viewOffer,
  viewTask,
} from './operator-views.js';

/** The bodies of GET_STATE and its parts, piece by piece. */

export const operatorState: Document = (context) => {
  const { state } = context;
  const tasks = operatorTasks(context);
  const walks = [
    { begin: text('{"get_tasks":'), walk: tasks.walk },
    { begin: text(',"get_executors":'), walk: operatorExecutors(context).walk },
    { begin: text(',"get_frameworks":'), walk: operatorFrameworks(context).walk },
    { begin: text(',"get_agents":'), walk: operatorAgents(context).walk },
  ];
  const end = text('}');
  return {
    ...tasks,
    walk: (cache) =>
      walks.every(({ begin, walk }) => cache.place(begin, state, undefined) && walk(cache)) &&
      cache.place(end, state, undefined),
  };
};

export const operatorTasks: Document = (context) => {
  const { state } = context;
  const lists = new TaskLists(context, (task, one) => JSON.stringify(viewTask(task, one.id)));
  const begin = text('{"tasks":[');
  const toUnreachable = text('],"unreachable_tasks":[');
  const toCompleted = text('],"completed_tasks":[');
  const end = text(']}');
  const walkLists = (
    cache: DocumentCache,
    name: 'tasks' | 'unreachable' | 'completed',
  ): boolean => {
    let isFirst = true;
    for (const framework of state.frameworks.values()) {
      const { [name]: list, isListed } = lists.of(framework);
      if (!cache.placeList(list, isListed, { isFirst })) return false;
      if (list.size > 0) isFirst = false;
    }
    return true;
  };
  return {
    walk: (cache) =>
      cache.place(begin, state, undefined) &&
      walkLists(cache, 'tasks') &&
      cache.place(toUnreachable, state, undefined) &&
      walkLists(cache, 'unreachable') &&
      cache.place(toCompleted, state, undefined) &&
      walkLists(cache, 'completed') &&
      cache.place(end, state, undefined),
    touch: (task) => lists.touch(task),
    drain: (budget) => lists.drain(budget),
  };
};

export const operatorFrameworks: Document = (context) => {
  const { state } = context;
  const head = frameworkPart(
    context,
    (one, amounts) => `${openObject(viewFramework(one, amounts))}"offers":[`,
  );
  const offer = offerPart(context, (one) => JSON.stringify(viewOffer(one)));
  const close = frameworkLiteral(context, ']}');
  const completed = completedFrameworkPart(context, (one) =>
    JSON.stringify(viewCompletedFramework(one)),
  );
  const begin = text('{"frameworks":[');
  const toCompleted = text('],"completed_frameworks":[');
  const end = text(']}');
  const walk: Walk = (cache) => {
    if (!cache.place(begin, state, undefined)) return false;
    let isFirst = true;
    for (const one of state.frameworks.values()) {
      const isPlaced =
        cache.place(head, one, undefined, { isFirst }) &&
        cache.placeAll(offer, one.offers, one) &&
        cache.place(close, one, undefined);
      if (!isPlaced) return false;
      isFirst = false;
    }
    return (
      cache.place(toCompleted, state, undefined) &&
      cache.placeAll(completed, state.completedFrameworks.values(), undefined) &&
      cache.place(end, state, undefined)
    );
  };
  return { walk };
};

export const operatorAgents: Document = (context) => {
  const { state } = context;
  const begin = text('{"agents":[');
  const agent = agentPart(context, (one, amounts) => JSON.stringify(viewAgent(one, amounts)));
  const end = fresh((one: MasterState) => {
    const known = [...one.agents.values()].filter(({ condition }) => condition === 'recovering');
    return `],"recovered_agents":${JSON.stringify(known.map(({ info }) => info))}}`;
  });
  const isListed = (one: MasterAgent): boolean => isListedAgent(state, one);
  return {
    walk: (cache) =>
      cache.place(begin, state, undefined) &&
      cache.placeAll(agent, state.agents.values(), undefined, isListed) &&
      cache.place(end, state, undefined),
  };
};

export const operatorExecutors: Document = (context) => {
  const { state } = context;
  const begin = text('{"executors":[');
  const executor = executorPart(context, (one) => JSON.stringify(viewExecutor(one)));
  const end = text(']}');
  return {
    walk: (cache) =>
      cache.place(begin, state, undefined) &&
      cache.placeAll(executor, [...executorsByFramework(state).values()].flat(), undefined) &&
      cache.place(end, state, undefined),
  };
};
