import type { MasterFramework, MasterState } from '#cluster';
import { agentLists } from '../reads/agent-lists.js';
import { ALWAYS, type DocumentCache, type Part } from '../reads/document-cache.js';
import { KeptList, type KeptPart } from '../reads/kept-list.js';
import {
  completedFrameworkPart,
  executorPart,
  frameworkLiteral,
  frameworkPart,
  fresh,
  isKnown,
  offerPart,
  offerTexts,
  openObject,
  text,
} from '../reads/parts.js';
import type { Document, DocumentWriter, ReadContext, Walk } from '../reads/read-context.js';
import { TaskLists } from '../reads/task-lists.js';
import { frameworkWriter, together } from '../reads/touches.js';
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
  const agents = slaves(context);
  const all = frameworks(context);
  const end = text('}');
  return {
    ...together(agents, all),
    walk: (cache) =>
      cache.place(head, state, undefined) &&
      agents.walk(cache) &&
      cache.place(comma, state, undefined) &&
      all.walk(cache) &&
      cache.place(end, state, undefined),
  };
};

export const legacySlaves: Document = (context) => inBraces(context, slaves(context));

export const legacyFrameworks: Document = (context) => inBraces(context, frameworks(context));

function inBraces({ state }: ReadContext, { walk, ...writer }: DocumentWriter): DocumentWriter {
  const [begin, end] = [text('{'), text('}')];
  return {
    ...writer,
    walk: (cache) =>
      cache.place(begin, state, undefined) && walk(cache) && cache.place(end, state, undefined),
  };
}

/** `"slaves":[...],"recovered_slaves":[...]` */
const slaves = (context: ReadContext): DocumentWriter =>
  agentLists(context, {
    begin: '"slaves":[',
    listed: legacySlave,
    between: '],"recovered_slaves":[',
    recovered: legacyRecoveredSlave,
    end: ']',
  });

/** `"frameworks":[...],"completed_frameworks":[...]`; those of many tasks, which stand piece by piece, last. */
function frameworks(context: ReadContext): DocumentWriter {
  const { state, holdings, wholeBytes = WHOLE_BYTES } = context;
  const lists = new TaskLists(context, (task, one) => JSON.stringify(legacyTask(task, one)));
  const long = new Set<MasterFramework>();
  const isShort = (one: MasterFramework): boolean => {
    if (!isKnown(context, one)) {
      long.delete(one);
      return false;
    }
    const isLong = holdings.executorsOf(one).size > 0 || lists.of(one).byteLength > wholeBytes;
    if (isLong) long.add(one);
    return !long.has(one);
  };
  const head = frameworkPart(
    context,
    (one, amounts) => `${openObject(legacyFramework(one, amounts))}"tasks":[`,
  );
  const short = new KeptList({
    items: state.frameworks.values(),
    part: wholeFramework(lists, head),
    isListed: isShort,
  });
  const begin = text('"frameworks":[');
  const walkLong = longFramework(context, lists, head);
  const toCompleted = text('],"completed_frameworks":[');
  const completed = completedFrameworkPart(context, (one) =>
    JSON.stringify(legacyCompletedFramework(one)),
  );
  const end = text(']');
  const walkAllLong: Walk = (cache) => {
    let isFirst = short.pieces.size === 0;
    for (const one of long) {
      if (!walkLong(cache, one, isFirst)) return false;
      isFirst = false;
    }
    return true;
  };
  return {
    ...together(lists, frameworkWriter(state, short)),
    walk: (cache) =>
      cache.place(begin, state, undefined) &&
      cache.placeList(short.pieces, ALWAYS) &&
      walkAllLong(cache) &&
      cache.place(toCompleted, state, undefined) &&
      cache.placeAll(completed, state.completedFrameworks.values(), undefined) &&
      cache.place(end, state, undefined),
  };
}

/** A framework up to this length is one piece of the document: there may be thousands of small ones. */
const WHOLE_BYTES = 16 * 1024;

function longFramework<SeenHead>(
  context: ReadContext,
  taskLists: TaskLists,
  head: Part<MasterFramework, unknown, SeenHead>,
): (cache: DocumentCache, one: MasterFramework, isFirst: boolean) => boolean {
  const offer = offerPart(context, (one) => JSON.stringify(legacyOffer(one)));
  const toUnreachable = frameworkLiteral(context, '],"unreachable_tasks":[');
  const toCompleted = frameworkLiteral(context, '],"completed_tasks":[');
  const toOffers = frameworkLiteral(context, '],"offers":[');
  const toExecutors = frameworkLiteral(context, '],"executors":[');
  const executor = executorPart(context, (one) => JSON.stringify(legacyExecutor(one)));
  const end = frameworkLiteral(context, ']}');
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
      cache.place(toExecutors, one, undefined) &&
      cache.placeAll(executor, context.holdings.executorsOf(one), undefined) &&
      cache.place(end, one, undefined)
    );
  };
}

interface SeenWhole<SeenHead> {
  readonly head: SeenHead;
  readonly generation: number;
}

/** A framework without executors and all its lists. Other offers are another amount offered, which the head sees. */
function wholeFramework<SeenHead>(
  taskLists: TaskLists,
  head: Part<MasterFramework, unknown, SeenHead>,
): KeptPart<MasterFramework, SeenWhole<SeenHead>> {
  const textOfOffers = offerTexts(legacyOffer);
  return {
    look: (one) => ({
      head: head.look(one, undefined),
      generation: taskLists.of(one).generation,
    }),
    isCurrent: ({ generation, head: seen }, one) =>
      generation === taskLists.of(one).generation && head.isCurrent(seen, one, undefined),
    render: (one) => {
      const { tasks, unreachable, completed } = taskLists.of(one);
      return Buffer.concat([
        Buffer.from(head.render(one, undefined)),
        ...tasks.chunks,
        Buffer.from('],"unreachable_tasks":['),
        ...unreachable.chunks,
        Buffer.from('],"completed_tasks":['),
        ...completed.chunks,
        Buffer.from(`],"offers":[${textOfOffers(one.offers)}],"executors":[]}`),
      ]);
    },
  };
}
