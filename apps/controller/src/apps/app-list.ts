import type { App } from '#core';
import { parseLabelSelector } from '#marathon-v2';
import { acceptedOrThrow } from '../http/outcome.js';
import { type Query, readText, readTexts } from '../http/query.js';
import { badQuery, shown } from '../lists/bad-query.js';
import { readFields, type Selection } from '../lists/fields.js';
import { APP_FIELDS } from '../lists/known-fields.js';
import { byAppId, type Page, readPage } from '../lists/page.js';
import {
  type AppEmbeds,
  keyOfEmbeds,
  LIST_EMBEDS,
  NO_EMBEDS,
  readAppEmbeds,
} from './app-embeds.js';

/** What is asked for of the list of apps. */
export interface AppListRequest {
  readonly embeds: AppEmbeds;
  /** Undefined: every app. */
  readonly filter: ((app: App) => boolean) | undefined;
  /** Undefined: the whole list. */
  readonly page: Page | undefined;
  /** Undefined: every field. */
  readonly selection: Selection | undefined;
  /** The same for what asks for the same. */
  readonly key: string;
}

const MAX_SEARCH_CHARS = 200;

/** Reads Marathon's filters (`id`, `cmd`, `label`, `embed`) and ours: `search`, `limit`, `after`, `fields`. */
export function readAppListRequest(query: Query): AppListRequest {
  const selection = readFields(query, APP_FIELDS);
  const named = readAppEmbeds(readTexts(query, 'embed'), LIST_EMBEDS);
  const embeds =
    selection === undefined ? named : { ...embedsOf(selection), leaving: named.leaving };
  const texts = ['id', 'cmd', 'label', 'search'].map((name) => readText(query, name));
  const page = byAppId(readPage(query));
  return {
    embeds,
    filter: texts.some((text) => text !== undefined) ? readFilter(query) : undefined,
    page,
    selection,
    key: JSON.stringify([keyOfEmbeds(embeds), texts, page, selection]),
  };
}

const searchTexts = new WeakMap<App, string>();

/** Whether the id, or the key or value of a label, holds the text, which is in lower case. */
export function isFoundBy(app: App, text: string): boolean {
  let searched = searchTexts.get(app);
  if (searched === undefined) {
    const labels = Object.entries(app.labels).flat();
    searched = [app.id, ...labels].join('\n').toLowerCase();
    searchTexts.set(app, searched);
  }
  return searched.includes(text);
}

export function readSearch(query: Query): string | undefined {
  const text = readText(query, 'search')?.toLowerCase();
  if (text === undefined) return undefined;
  if (text.length > MAX_SEARCH_CHARS || text.includes('\n')) {
    throw badQuery(
      'search',
      `must be one line of at most ${MAX_SEARCH_CHARS} characters, not '${shown(text)}'`,
    );
  }
  return text;
}

/** All filters of a list together. */
function readFilter(query: Query): (app: App) => boolean {
  const id = readText(query, 'id')?.toLowerCase();
  const cmd = readText(query, 'cmd')?.toLowerCase();
  const label = readText(query, 'label');
  const search = readSearch(query);
  const selects = label === undefined ? undefined : acceptedOrThrow(parseLabelSelector(label));
  return (app) =>
    (id === undefined || app.id.includes(id)) &&
    (cmd === undefined || (app.cmd ?? '').toLowerCase().includes(cmd)) &&
    (search === undefined || isFoundBy(app, search)) &&
    (selects?.(app.labels) ?? true);
}

const COUNTS = [
  ...['tasksStaged', 'tasksRunning', 'tasksHealthy', 'tasksUnhealthy'],
  ...['completed', 'failed'],
];

/** A field that has to be embedded is, without being asked for twice. */
function embedsOf(selection: Selection): AppEmbeds {
  const has = (name: string): boolean => selection[name] !== undefined;
  return {
    ...NO_EMBEDS,
    counts: COUNTS.some(has),
    deployments: has('deployments'),
    tasks: has('tasks'),
    lastTaskFailure: has('lastTaskFailure'),
    readiness: has('readinessCheckResults'),
    taskStats: has('taskStats'),
  };
}
