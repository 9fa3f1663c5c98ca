import type { MasterFramework } from '#cluster';
import { agentLists } from '../reads/agent-lists.js';
import { ALWAYS } from '../reads/document-cache.js';
import { KeptList, type KeptPart } from '../reads/kept-list.js';
import {
  completedFrameworkPart,
  executorPart,
  frameworkPart,
  isKnown,
  offerTexts,
  openObject,
  text,
} from '../reads/parts.js';
import type { Document, DocumentWriter, ReadContext } from '../reads/read-context.js';
import { type TaskListName, TaskLists } from '../reads/task-lists.js';
import { frameworkWriter, together } from '../reads/touches.js';
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
  const parts = [
    { begin: text('{"get_tasks":'), writer: operatorTasks(context) },
    { begin: text(',"get_executors":'), writer: operatorExecutors(context) },
    { begin: text(',"get_frameworks":'), writer: operatorFrameworks(context) },
    { begin: text(',"get_agents":'), writer: operatorAgents(context) },
  ];
  const end = text('}');
  return {
    ...together(...parts.map(({ writer }) => writer)),
    walk: (cache) =>
      parts.every(
        ({ begin, writer }) => cache.place(begin, state, undefined) && writer.walk(cache),
      ) && cache.place(end, state, undefined),
  };
};

export const operatorTasks: Document = (context) => {
  const { state } = context;
  const lists = new TaskLists(context, (task, one) => JSON.stringify(viewTask(task, one.id)));
  const running = tasksOfAll(context, lists, 'tasks');
  const unreachable = tasksOfAll(context, lists, 'unreachable');
  const completed = tasksOfAll(context, lists, 'completed');
  const begin = text('{"tasks":[');
  const toUnreachable = text('],"unreachable_tasks":[');
  const toCompleted = text('],"completed_tasks":[');
  const end = text(']}');
  return {
    ...together(lists, running, unreachable, completed),
    walk: (cache) =>
      cache.place(begin, state, undefined) &&
      running.walk(cache) &&
      cache.place(toUnreachable, state, undefined) &&
      unreachable.walk(cache) &&
      cache.place(toCompleted, state, undefined) &&
      completed.walk(cache) &&
      cache.place(end, state, undefined),
  };
};

/** One list of all frameworks' tasks; those of frameworks with many stand last, with their own bytes. */
function tasksOfAll(context: ReadContext, lists: TaskLists, name: TaskListName): DocumentWriter {
  const { state, wholeBytes = WHOLE_BYTES } = context;
  const long = new Set<MasterFramework>();
  const isShort = (one: MasterFramework): boolean => {
    if (!isKnown(context, one)) {
      long.delete(one);
      return false;
    }
    const list = lists.of(one)[name];
    if (list.byteLength > wholeBytes) long.add(one);
    return list.size > 0 && !long.has(one);
  };
  const part: KeptPart<MasterFramework, number> = {
    look: (one) => lists.of(one)[name].generation,
    isCurrent: (seen, one) => seen === lists.of(one)[name].generation,
    render: (one) => Buffer.concat(lists.of(one)[name].chunks),
  };
  const short = new KeptList({ items: state.frameworks.values(), part, isListed: isShort });
  return {
    ...frameworkWriter(state, short),
    walk: (cache) => {
      if (!cache.placeList(short.pieces, ALWAYS)) return false;
      let isFirst = short.pieces.size === 0;
      for (const one of long) {
        const { [name]: list, isListed } = lists.of(one);
        if (!cache.placeList(list, isListed, { isFirst })) return false;
        if (list.size > 0) isFirst = false;
      }
      return true;
    },
  };
}

/** Up to this length a framework's tasks are copied when one of them changes. */
const WHOLE_BYTES = 16 * 1024;

export const operatorFrameworks: Document = (context) => {
  const { state } = context;
  const textOfOffers = offerTexts(viewOffer);
  // Other offers are another amount offered, which the part sees.
  const part = frameworkPart(
    context,
    (one, amounts) =>
      `${openObject(viewFramework(one, amounts))}"offers":[${textOfOffers(one.offers)}]}`,
  );
  const list = new KeptList<MasterFramework>({
    items: state.frameworks.values(),
    part,
    isListed: (one) => isKnown(context, one),
  });
  const completed = completedFrameworkPart(context, (one) =>
    JSON.stringify(viewCompletedFramework(one)),
  );
  const begin = text('{"frameworks":[');
  const toCompleted = text('],"completed_frameworks":[');
  const end = text(']}');
  return {
    ...frameworkWriter(state, list),
    walk: (cache) =>
      cache.place(begin, state, undefined) &&
      cache.placeList(list.pieces, ALWAYS) &&
      cache.place(toCompleted, state, undefined) &&
      cache.placeAll(completed, state.completedFrameworks.values(), undefined) &&
      cache.place(end, state, undefined),
  };
};

export const operatorAgents: Document = (context) =>
  agentLists(context, {
    begin: '{"agents":[',
    listed: viewAgent,
    between: '],"recovered_agents":[',
    recovered: ({ info }) => info,
    end: ']}',
  });

export const operatorExecutors: Document = (context) => {
  const { state, holdings } = context;
  const begin = text('{"executors":[');
  const executor = executorPart(context, (one) => JSON.stringify(viewExecutor(one)));
  const end = text(']}');
  return {
    // The holdings follow them.
    ...together(),
    walk: (cache) =>
      cache.place(begin, state, undefined) &&
      cache.placeAll(executor, holdings.allExecutors(), undefined) &&
      cache.place(end, state, undefined),
  };
};
