import type { FastifyReply, FastifyRequest } from 'fastify';
import { resolveAppId } from '#marathon-v2';
import { type Query, readText } from '../http/query.js';
import { badQuery, shown } from './bad-query.js';

/** Items of one answer, at most. */
export const MAX_PAGE = 10_000;

/** A part of a list that is sorted by id: what comes after `after`, at most `limit`. */
export interface Page {
  readonly limit: number;
  readonly after: string | undefined;
}

/** What is asked for of a list; undefined: all of it, in Marathon's order. */
export function readPage(query: Query, max = MAX_PAGE): Page | undefined {
  const limit = readText(query, 'limit');
  const after = readText(query, 'after');
  if (readText(query, 'offset') !== undefined) {
    throw badQuery(
      'offset',
      'is not known: what an offset means changes while items come and go; ask for after=<id of the last item>',
    );
  }
  if (after === '') throw badQuery('after', "must be the id of an item, not ''");
  if (limit === undefined && after === undefined) return undefined;
  const count = Number(limit ?? max);
  if (!/^\d{1,9}$/.test(limit ?? String(max)) || count < 1 || count > max) {
    throw badQuery('limit', `must be a whole number from 1 to ${max}, not '${limit}'`);
  }
  return { limit: count, after };
}

/** A page of a list in the order of app ids. An id without its leading slash is taken too, as everywhere. */
export function byAppId(page: Page | undefined): Page | undefined {
  if (page?.after === undefined) return page;
  const parsed = resolveAppId(page.after, '/');
  if (!parsed.ok) throw badQuery('after', `must be an app id, not '${shown(page.after)}'`);
  return { ...page, after: parsed.id };
}

/** The items of a page, and whether more follow. `items` is sorted by `idOf`. O(log items + page). */
export function cutPage<Item>(
  items: readonly Item[],
  { limit, after }: Page,
  idOf: (item: Item) => string,
): { readonly items: readonly Item[]; readonly hasMore: boolean } {
  const start = after === undefined ? 0 : firstAfter(items, after, idOf);
  return { items: items.slice(start, start + limit), hasMore: start + limit < items.length };
}

/** Tells how many items there are in all, and where the next page is. */
export function describePage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: { readonly total: number; readonly next: string | undefined },
): void {
  reply.header('x-total-count', String(page.total));
  if (page.next === undefined) return;
  const [path = '', search = ''] = request.url.split('?', 2);
  const query = new URLSearchParams(search);
  query.set('after', page.next);
  reply.header('link', `<${encodeURI(decodeSafely(path))}?${query}>; rel="next"`);
}

/** By code units, so that the order is the same wherever it is made. */
export const byText = (left: string, right: string): number =>
  left < right ? -1 : left > right ? 1 : 0;

function firstAfter<Item>(
  items: readonly Item[],
  after: string,
  idOf: (item: Item) => string,
): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && idOf(item) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}

function decodeSafely(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
