import { describe, expect, it } from 'vitest';
import { NO_INSTANCES } from './app-status.js';
import type { AppFilter, AppRow } from './app-tree.js';
import { groupChildren, idTrail, matchesFilter, parentOf, sortRows } from './app-tree.js';

const ALL: AppFilter = { search: '', statuses: [], healths: [], labels: [] };

function row(id: string, more: Partial<AppRow> = {}): AppRow {
  return {
    kind: 'app',
    id,
    cpus: 0.5,
    mem: 64,
    status: 'Running',
    health: 'Healthy',
    counts: { ...NO_INSTANCES, wanted: 2, healthy: 2 },
    labels: {},
    image: undefined,
    reasons: [],
    ...more,
  };
}

describe('groupChildren', () => {
  it('shows direct apps and sums up what is deeper', () => {
    const apps = [row('/web'), row('/shop/a'), row('/shop/eu/b', { status: 'Waiting' })];

    const children = groupChildren(apps, '/');

    expect(children).toHaveLength(2);
    expect(children[0]).toMatchObject({
      kind: 'group',
      id: '/shop',
      appCount: 2,
      cpus: 2,
      mem: 256,
    });
    expect(children[0]?.counts).toMatchObject({ wanted: 4, healthy: 4 });
    expect(children[1]?.id).toBe('/web');
  });

  it('does not mistake a common prefix for a group', () => {
    expect(groupChildren([row('/shopping/a'), row('/shop/b')], '/shop').map((r) => r.id)).toEqual([
      '/shop/b',
    ]);
  });
});

describe('matchesFilter', () => {
  it('needs every search word somewhere in id, image or labels', () => {
    const app = row('/shop/web', { image: 'nginx:1', labels: { tier: 'front' } });

    expect(matchesFilter(app, { ...ALL, search: 'WEB nginx' })).toBe(true);
    expect(matchesFilter(app, { ...ALL, search: 'tier:front' })).toBe(true);
    expect(matchesFilter(app, { ...ALL, search: 'web redis' })).toBe(false);
  });

  it('takes any of the chosen statuses and labels', () => {
    const app = row('/web', { status: 'Delayed', labels: { tier: 'front' } });

    expect(matchesFilter(app, { ...ALL, statuses: ['Waiting', 'Delayed'] })).toBe(true);
    expect(matchesFilter(app, { ...ALL, statuses: ['Running'] })).toBe(false);
    expect(matchesFilter(app, { ...ALL, labels: ['tier'] })).toBe(true);
    expect(matchesFilter(app, { ...ALL, labels: ['tier:back'] })).toBe(false);
  });
});

describe('sortRows', () => {
  it('puts groups before apps and both in order of their ids', () => {
    const rows = groupChildren([row('/b'), row('/a'), row('/z/x')], '/');

    const names = sortRows(rows, { column: 'name', descending: false }).map((r) => r.id);

    expect(names).toEqual(['/z', '/a', '/b']);
  });

  it('shows trouble first when sorting by status', () => {
    const rows = [row('/a'), row('/b', { status: 'Delayed' }), row('/c', { status: 'Deploying' })];

    const names = sortRows(rows, { column: 'status', descending: false }).map((r) => r.id);

    expect(names).toEqual(['/b', '/c', '/a']);
  });
});

describe('ids', () => {
  it('walks from the root to the app', () => {
    expect(idTrail('/shop/eu/web')).toEqual(['/', '/shop', '/shop/eu', '/shop/eu/web']);
    expect(idTrail('/')).toEqual(['/']);
  });

  it('knows the parent', () => {
    expect(parentOf('/shop/web')).toBe('/shop');
    expect(parentOf('/web')).toBe('/');
  });
});
