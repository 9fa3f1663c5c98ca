import { describe, expect, it } from 'vitest';
import { groupId, type RootGroup } from '#core';
import {
  declareGroup,
  idOfGroupUpdate,
  removeGroup,
  restoreGroup,
  scaleGroup,
} from './change-groups.js';
import type { Declaration } from './declaration.js';
import { readGroupRequest } from './group-request.js';
import {
  applyDeclaration,
  emptyRoot,
  refusalOf,
  rules,
  unwrap,
} from './marathon-v2.test-support.js';
import type { Outcome } from './refusal.js';

const context = (root: RootGroup = emptyRoot()) => ({
  root,
  version: '2026-01-02T00:00:00.000Z',
  rules,
});

function put(root: RootGroup, id: string, body: unknown): Outcome<Declaration> {
  const request = unwrap(readGroupRequest(body, { strict: true }));
  if (request.kind !== 'update') throw new Error(`read as ${request.kind}`);
  return declareGroup(context(root), groupId(id), request.update, { create: false });
}

const SHOP = {
  id: '/shop',
  apps: [{ id: 'web', cmd: 'x' }],
  groups: [
    { id: 'back', dependencies: ['../data'], apps: [{ id: '/shop/back/api', cmd: 'x' }] },
    { id: 'data', apps: [{ id: 'db', cmd: 'x' }] },
  ],
};

const shop = (): RootGroup =>
  applyDeclaration(emptyRoot(), unwrap(put(emptyRoot(), '/shop', SHOP)));

describe('a group tree', () => {
  it('declares groups and apps with ids relative to where they stand', () => {
    const root = shop();

    expect([...root.apps.keys()].sort()).toEqual(['/shop/back/api', '/shop/data/db', '/shop/web']);
    expect(root.groups.get(groupId('/shop/back'))?.dependencies).toEqual(['/shop/data']);
  });

  it('replaces the lists it gives and leaves those it does not', () => {
    const root = shop();

    const declared = unwrap(put(root, '/shop', { groups: [{ id: 'back' }] }));

    expect(declared.removeApps).toEqual(['/shop/data/db']);
    expect(declared.removeGroups).toEqual(['/shop/data']);
    expect(declared.putApps).toEqual([]);
  });

  it('removes apps that a given list does not name', () => {
    const declared = unwrap(put(shop(), '/shop', { apps: [{ id: 'web2', cmd: 'y' }] }));

    expect(declared.removeApps).toEqual(['/shop/web']);
    expect(declared.putApps.map(({ id }) => id)).toEqual(['/shop/web2']);
  });

  it.each([
    [{ apps: [{ id: '/elsewhere/web', cmd: 'x' }] }, '/apps(0)/id'],
    [{ apps: [{ id: 'a/b', cmd: 'x' }] }, '/apps(0)/id'],
    [{ groups: [{ id: 'a', apps: [{ id: 'b', cmd: 'x', cpus: -1 }] }] }, '/groups(0)/apps(0)/cpus'],
    [{ groups: [{ id: 'a' }, { id: 'a' }] }, '/groups(1)/id'],
    [{ apps: [{ id: 'a', cmd: 'x' }], groups: [{ id: 'a' }] }, '/apps(0)/id'],
    [{ dependencies: ['A'] }, '/dependencies(0)'],
    [{ groups: [{ id: 'a', enforceRole: true }] }, '/groups(0)/enforceRole'],
  ])('refuses %j at %s', (body, path) => {
    const refusal = refusalOf(put(emptyRoot(), '/shop', body));

    expect(refusal).toMatchObject({ kind: 'broken-rule' });
    expect(JSON.stringify(refusal)).toContain(`"${path}"`);
  });

  it('refuses cycles of dependencies', () => {
    const body = {
      groups: [
        { id: 'a', dependencies: ['../b'], apps: [{ id: 'x', cmd: 'x' }] },
        { id: 'b', dependencies: ['../a'], apps: [{ id: 'y', cmd: 'x' }] },
      ],
    };

    expect(JSON.stringify(refusalOf(put(emptyRoot(), '/shop', body)))).toContain('form a cycle');
  });

  it('goes back to how everything below it was, and nothing else', () => {
    const before = shop();
    const other = applyDeclaration(
      before,
      unwrap(put(before, '/other', { apps: [{ id: 'a', cmd: 'x' }] })),
    );
    const changed = applyDeclaration(
      other,
      unwrap(put(other, '/shop', { apps: [{ id: 'new', cmd: 'y' }], groups: [] })),
    );

    const back = unwrap(restoreGroup(context(changed), before, groupId('/shop')));
    const root = applyDeclaration(changed, back);

    expect([...root.apps.keys()].sort()).toEqual(['/other/a', ...before.apps.keys()].sort());
    expect(back.removeApps).toEqual(['/shop/new']);
  });

  it('scales all apps below, rounded up', () => {
    const declared = unwrap(scaleGroup(context(shop()), groupId('/shop'), 1.5));

    expect(declared.putApps.map(({ instances }) => instances)).toEqual([2, 2, 2]);
  });

  it('is removed with everything below', () => {
    const declared = unwrap(removeGroup(context(shop()), groupId('/shop')));

    expect(declared.removeApps).toHaveLength(3);
    expect(declared.removeGroups).toHaveLength(3);
    expect(refusalOf(removeGroup(context(), groupId('/nope')))).toEqual({
      kind: 'missing',
      message: "Group '/nope' does not exist",
    });
  });
});

describe('the body of a group', () => {
  it('asks for a rollback or a factor alone', () => {
    const read = (body: unknown) => readGroupRequest(body, { strict: false });

    expect(unwrap(read({ version: 'v' }))).toEqual({ kind: 'rollback', version: 'v' });
    expect(unwrap(read({ version: 'v', scaleBy: 2 }))).toEqual({ kind: 'rollback', version: 'v' });
    expect(unwrap(read({ scaleBy: 2 }))).toEqual({ kind: 'scale', factor: 2 });
    expect(refusalOf(read({ scaleBy: 2, apps: [] })).kind).toBe('broken-rule');
    expect(refusalOf(read({ version: 'v', apps: [] })).kind).toBe('broken-rule');
    expect(refusalOf(read({ scaleBy: -1 })).kind).toBe('broken-rule');
  });

  it('may be what was read', () => {
    const body = { id: '/a', apps: [], groups: [], pods: [], dependencies: [], version: 'v' };

    expect(unwrap(readGroupRequest(body, { strict: true }))).toMatchObject({ kind: 'update' });
  });

  it('names the group relative to the URL, but once is enough', () => {
    const id = (text: string, url: string): unknown =>
      unwrap(idOfGroupUpdate({ id: text, path: '' }, groupId(url)));

    expect(id('/shop', '/')).toBe('/shop');
    expect(id('back', '/shop')).toBe('/shop/back');
    expect(id('shop', '/shop')).toBe('/shop');
  });
});
