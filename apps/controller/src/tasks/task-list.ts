import type { App, AppId } from '#core';
import { isFoundBy, readSearch } from '../apps/app-list.js';
import type { AppViews, TaskText } from '../apps/app-views.js';
import type { ControllerView } from '../engine/controller-engine.port.js';
import { type Query, readTexts } from '../http/query.js';
import { badQuery, shown } from '../lists/bad-query.js';
import { readFields, type Selection } from '../lists/fields.js';
import { TASK_FIELDS } from '../lists/known-fields.js';
import { byText, type Page, readPage } from '../lists/page.js';

/** What is asked for of the list of tasks. */
export interface TaskListRequest {
  /** Empty: all. */
  readonly states: readonly string[];
  readonly search: string | undefined;
  readonly page: Page | undefined;
  /** The app of the task a page comes after. */
  readonly afterApp: string | undefined;
  readonly selection: Selection | undefined;
  readonly key: string;
}

const STATES_OF: Readonly<Record<string, readonly string[]>> = {
  running: ['TASK_RUNNING'],
  staging: ['TASK_STAGING', 'TASK_STARTING'],
};

/** Reads Marathon's `status` and ours: `search`, `limit`, `after`, `fields`. */
export function readTaskListRequest(query: Query): TaskListRequest {
  const states = readTexts(query, 'status').flatMap(
    (name) => (Object.hasOwn(STATES_OF, name) ? STATES_OF[name] : undefined) ?? [],
  );
  const search = readSearch(query);
  const page = readPage(query);
  const selection = readFields(query, TASK_FIELDS);
  const afterApp = page?.after === undefined ? undefined : appOfTask(page.after);
  const key = JSON.stringify([states, search, page, selection]);
  return { states, search, page, afterApp, selection, key };
}

export interface TaskPage {
  readonly tasks: readonly TaskText[];
  /** All that were asked for, on whatever page. */
  readonly total: number;
  readonly hasMore: boolean;
}

/** Every task asked for, or a page of them in the order of app ids and, within an app, of task ids. O(apps + page). */
export function listTasks(
  asked: TaskListRequest,
  { view, views }: { readonly view: ControllerView; readonly views: AppViews },
): TaskPage {
  const { apps } = view.root();
  const ids = [...view.appsWithInstances()];
  if (asked.page !== undefined) ids.sort(byText);
  const tasks: TaskText[] = [];
  const limit = asked.page?.limit ?? Number.POSITIVE_INFINITY;
  let total = 0;
  let hasMore = false;
  for (const id of ids) {
    const app = apps.get(id);
    const all = app === undefined ? views.strayTasks(id) : views.taskTexts(app);
    const found = filterTasks(all, app, asked);
    total += found.length;
    if (hasMore) continue;
    for (const task of pageOrder(found, id, asked)) {
      if (tasks.length === limit) {
        hasMore = true;
        break;
      }
      tasks.push(task);
    }
  }
  return { tasks, total, hasMore };
}

function filterTasks(
  tasks: readonly TaskText[],
  app: App | undefined,
  { states, search }: TaskListRequest,
): readonly TaskText[] {
  if (states.length === 0 && search === undefined) return tasks;
  const isApp = search !== undefined && app !== undefined && isFoundBy(app, search);
  return tasks.filter(
    ({ id, host, state }) =>
      (states.length === 0 || states.includes(state)) &&
      (search === undefined ||
        isApp ||
        id.toLowerCase().includes(search) ||
        host.toLowerCase().includes(search)),
  );
}

function pageOrder(
  tasks: readonly TaskText[],
  app: AppId,
  { page, afterApp }: TaskListRequest,
): readonly TaskText[] {
  if (page === undefined) return tasks;
  const { after } = page;
  if (after !== undefined && afterApp !== undefined) {
    if (app < afterApp) return [];
    if (app === afterApp) {
      return tasks.filter(({ id }) => id > after).sort((left, right) => byText(left.id, right.id));
    }
  }
  return [...tasks].sort((left, right) => byText(left.id, right.id));
}

const TASK_ID = /^([^\s/]+)\.(?:instance-|marathon-)?[0-9a-f]{8}-[0-9a-f-]{27}(?:\..+)?$/;

/** Task ids begin with the app's path, its slashes as underscores, which no app id holds. */
function appOfTask(id: string): string {
  const [, path] = TASK_ID.exec(id) ?? [];
  if (path === undefined) throw badQuery('after', `must be a task id, not '${shown(id)}'`);
  return `/${path.replaceAll('_', '/')}`;
}
