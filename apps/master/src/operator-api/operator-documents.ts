import { isListedAgent, type MasterFramework, type MasterState } from '#cluster';
import type { DocumentCache } from '../reads/document-cache.js';
import {
  agentPart,
  completedFrameworkPart,
  completedTaskPart,
  frameworkLiteral,
  frameworkPart,
  fresh,
  offerPart,
  openObject,
  type TaskRender,
  taskPart,
  text,
} from '../reads/parts.js';
import type { Document } from '../reads/read-context.js';
import { isUnreachable } from './legacy-views.js';
import {
  viewAgent,
  viewCompletedFramework,
  viewFramework,
  viewOffer,
  viewTask,
} from './operator-views.js';

/** The bodies of GET_STATE and its parts, piece by piece. */

export const operatorState: Document = (context) => {
  const { state } = context;
  const walks = [
    { begin: text('{"get_tasks":'), walk: operatorTasks(context) },
    { begin: text(',"get_executors":'), walk: operatorExecutors(context) },
    { begin: text(',"get_frameworks":'), walk: operatorFrameworks(context) },
    { begin: text(',"get_agents":'), walk: operatorAgents(context) },
  ];
  const end = text('}');
  return (cache) =>
    walks.every(({ begin, walk }) => cache.place(begin, state, undefined) && walk(cache)) &&
    cache.place(end, state, undefined);
};

export const operatorTasks: Document = (context) => {
  const { state } = context;
  const toText: TaskRender = (task, one) => JSON.stringify(viewTask(task, one.id));
  const isReachable = (task: Parameters<typeof isUnreachable>[0]): boolean => !isUnreachable(task);
  const task = taskPart(context, toText, isReachable);
  const unreachable = taskPart(context, toText, isUnreachable);
  const completed = completedTaskPart(context, (one, owner) =>
    JSON.stringify(viewTask(one, owner.id)),
  );
  const begin = text('{"tasks":[');
  const toUnreachable = text('],"unreachable_tasks":[');
  const toCompleted = text('],"completed_tasks":[');
  const end = text(']}');
  return (cache) =>
    cache.place(begin, state, undefined) &&
    acrossFrameworks(cache, state, task, (one) => one.tasks.values(), isReachable) &&
    cache.place(toUnreachable, state, undefined) &&
    acrossFrameworks(cache, state, unreachable, (one) => one.tasks.values(), isUnreachable) &&
    cache.place(toCompleted, state, undefined) &&
    acrossFrameworks(cache, state, completed, (one) => one.completedTasks.values()) &&
    cache.place(end, state, undefined);
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
  return (cache) => {
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
};

export const operatorAgents: Document = (context) => {
  const { state } = context;
  const begin = text('{"agents":[');
  const agent = agentPart(context, (one, amounts) => JSON.stringify(viewAgent(one, amounts)));
  const end = fresh((one: MasterState) => {
    const known = [...one.agents.values()].filter(({ condition }) => condition === 'recovering');
    return `],"recovered_agents":${JSON.stringify(known.map(({ info }) => info))}}`;
  });
  return (cache) =>
    cache.place(begin, state, undefined) &&
    cache.placeAll(agent, state.agents.values(), undefined, (one) => isListedAgent(state, one)) &&
    cache.place(end, state, undefined);
};

export const operatorExecutors: Document = ({ state }) => {
  const none = text('{"executors":[]}');
  return (cache) => cache.place(none, state, undefined);
};

/** One list of the things of all frameworks. */
function acrossFrameworks<Item, Seen>(
  cache: DocumentCache,
  state: MasterState,
  part: Parameters<typeof cache.place<Item, MasterFramework, Seen>>[0],
  itemsOf: (framework: MasterFramework) => Iterable<Item>,
  isWanted: (item: Item) => boolean = () => true,
): boolean {
  let isFirst = true;
  for (const framework of state.frameworks.values()) {
    for (const item of itemsOf(framework)) {
      if (!isWanted(item)) continue;
      if (!cache.place(part, item, framework, { isFirst })) return false;
      isFirst = false;
    }
  }
  return true;
}
