import { describe, expect, it } from 'vitest';
import { readAllPages } from './all-pages.js';
import type { ApiClient, ApiRequest } from './api-client.js';

const named = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `/${String(index).padStart(5, '0')}` }));
const itemsOf = (answer: unknown) => answer as readonly { readonly id: string }[];

/** `respectsPages: false` is a Marathon. */
function serverOf(count: number, { respectsPages }: { readonly respectsPages: boolean }) {
  const asked: ApiRequest['query'][] = [];
  const request = (async (_path: string, { query = {} }: ApiRequest = {}) => {
    asked.push(query);
    const all = named(count);
    if (!respectsPages) return all;
    const after = query['after'] ?? '';
    return all.filter(({ id }) => id > String(after)).slice(0, Number(query['limit']));
  }) as ApiClient;
  return { request, asked };
}

describe('a list read in pages', () => {
  it.each([
    [0, true, 1],
    [999, true, 1],
    [1_000, true, 2],
    [2_500, true, 3],
    [2_500, false, 1],
    [1_000, false, 2],
  ])('is whole with %i items, pages %s', async (count, respectsPages, requests) => {
    const { request, asked } = serverOf(count, { respectsPages });

    const all = await readAllPages(request, '/v2/apps', { query: { search: 'x' }, itemsOf });

    expect(all).toEqual(named(count));
    expect(asked).toHaveLength(requests);
    expect(asked.every((query) => query?.['search'] === 'x')).toBe(true);
  });
});
