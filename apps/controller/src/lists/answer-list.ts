import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendJson } from '../http/json-reply.js';
import type { Query } from '../http/query.js';
import { badQuery, shown } from './bad-query.js';
import { digestOf, isUnchanged } from './etag.js';
import { type KnownFields, readFields, selectFields } from './fields.js';
import { byAppId, byText, cutPage, describePage, type Page, readPage } from './page.js';

/** A list that is short enough to be made anew for each answer. */
export interface ShortList<Item> {
  readonly items: readonly Item[];
  readonly idOf: (item: Item) => string;
  readonly fields: KnownFields;
  /** Sorted by the ids of apps, so that only one of these can be what a page comes after. */
  readonly isByApp?: boolean;
  /** Has an order of its own, which is kept: the page goes on after the item with the id `after`. */
  readonly isOrdered?: boolean;
  /** The whole body around the items. */
  readonly wrap?: (items: readonly unknown[]) => unknown;
  readonly maxPage?: number;
}

/** Answers with a page of a list, or all of it, with the fields asked for and an ETag. */
export function answerList<Item>(
  request: FastifyRequest,
  reply: FastifyReply,
  list: ShortList<Item>,
): void {
  const query = request.query as Query;
  const { items, idOf, wrap = (all: readonly unknown[]) => all } = list;
  const asked = readPage(query, list.maxPage);
  const page = list.isByApp === true ? byAppId(asked) : asked;
  const selection = readFields(query, withPresent(list.fields, items)) ?? 'all';
  const part = page === undefined ? { items, hasMore: false } : partOf(list, page);
  if (page !== undefined) {
    const last = part.items.at(-1);
    const next = part.hasMore && last !== undefined ? idOf(last) : undefined;
    describePage(request, reply, { total: items.length, next });
  }
  const body = JSON.stringify(wrap(part.items.map((item) => selectFields(item, selection))));
  if (!isUnchanged(request, reply, digestOf(body))) void sendJson(reply, body);
}

function partOf<Item>({ items, idOf, isOrdered }: ShortList<Item>, page: Page) {
  if (isOrdered !== true) {
    const sorted = [...items].sort((left, right) => byText(idOf(left), idOf(right)));
    return cutPage(sorted, page, idOf);
  }
  const { limit, after } = page;
  const at = after === undefined ? -1 : items.findIndex((item) => idOf(item) === after);
  // In an order that no id tells, nothing is known to come after one that is not there.
  if (after !== undefined && at < 0)
    throw badQuery('after', `names '${shown(after)}', which is not in this list`);
  const start = at + 1;
  return { items: items.slice(start, start + limit), hasMore: start + limit < items.length };
}

/** What an item has is known, whether or not somebody listed it. */
function withPresent(known: KnownFields, items: readonly unknown[]): KnownFields {
  const present = new Set(items.flatMap((item) => Object.keys(item as object)));
  return { ...Object.fromEntries([...present].map((name) => [name, 'any'] as const)), ...known };
}
