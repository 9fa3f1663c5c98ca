import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { APP_STATUSES, HEALTH_LEVELS } from './app-status.js';
import type { AppFilter, SortOrder } from './app-tree.js';

const COLUMNS: readonly SortOrder['column'][] = [
  'name',
  'cpus',
  'mem',
  'status',
  'instances',
  'health',
];

export interface ListAddress {
  readonly filter: AppFilter;
  readonly order: SortOrder;
  readonly page: number;
  readonly setSearch: (search: string) => void;
  readonly setList: (name: 'status' | 'health' | 'label', values: readonly string[]) => void;
  readonly sortBy: (column: SortOrder['column']) => void;
  readonly setPage: (page: number) => void;
  readonly clear: () => void;
}

/** Filters, order and page live in the query string, so every view can be linked. */
export function useListAddress(): ListAddress {
  const [params, setParams] = useSearchParams();
  const filter = useMemo(() => readFilter(params), [params]);
  const order = useMemo(() => readOrder(params), [params]);

  const update = useCallback(
    (changes: Readonly<Record<string, string>>) =>
      setParams(
        (current) => {
          const next = new URLSearchParams(current);
          next.delete('page');
          for (const [name, value] of Object.entries(changes)) {
            if (value === '') {
              next.delete(name);
            } else {
              next.set(name, value);
            }
          }
          return next;
        },
        { replace: true },
      ),
    [setParams],
  );

  return {
    filter,
    order,
    page: Math.max(1, Number(params.get('page')) || 1),
    setSearch: (search) => update({ search }),
    setList: (name, values) => update({ [name]: values.join(',') }),
    sortBy: (column) =>
      update({ sort: column, desc: order.column === column && !order.descending ? '1' : '' }),
    setPage: (page) => update({ page: String(page) }),
    clear: () => update({ search: '', status: '', health: '', label: '' }),
  };
}

function readFilter(params: URLSearchParams): AppFilter {
  const list = (name: string) => (params.get(name) ?? '').split(',').filter((v) => v !== '');
  return {
    search: params.get('search') ?? '',
    statuses: APP_STATUSES.filter((s) => list('status').includes(s)),
    healths: HEALTH_LEVELS.filter((h) => list('health').includes(h)),
    labels: list('label'),
  };
}

function readOrder(params: URLSearchParams): SortOrder {
  const column = COLUMNS.find((c) => c === params.get('sort')) ?? 'name';
  return { column, descending: params.get('desc') === '1' };
}
