import type { ApiClient, ApiRequest } from './api-client.js';

/** Items asked for at a time: a large cluster answers each page at once. */
const PAGE = 1_000;
/** Pages read of one list, at most. */
const MAX_PAGES = 10_000;

/**
 * A whole list, page by page in the order of ids. A server without pages answers with everything at once, which is then
 * taken as it is.
 */
export async function readAllPages<Item extends { readonly id: string }>(
  request: ApiClient,
  path: string,
  options: {
    readonly query?: NonNullable<ApiRequest['query']>;
    readonly itemsOf: (answer: unknown) => readonly Item[];
  },
): Promise<readonly Item[]> {
  const all = new Map<string, Item>();
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = { ...options.query, limit: PAGE, after };
    const items = options.itemsOf(await request<unknown>(path, { query }));
    const before = all.size;
    for (const item of items) all.set(item.id, item);
    after = items.at(-1)?.id;
    if (items.length !== PAGE || all.size === before) break;
  }
  return [...all.values()];
}
