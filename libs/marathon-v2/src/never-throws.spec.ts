import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { groupId, type RootGroup, servicePortsOf } from '#core';
import { arbitraryJson, plausibleApp } from '../../../test/support/arbitrary-json.js';
import { readAppList, readAppRequest, readNewApp } from './app-request.js';
import { declareApps } from './change-apps.js';
import { declareGroup, scaleGroup } from './change-groups.js';
import type { Declaration } from './declaration.js';
import { readGroupPatch, readGroupRequest, readNewGroup } from './group-request.js';
import { applyDeclaration, emptyRoot, rules, unwrap } from './marathon-v2.test-support.js';
import { describeRefusal, type Outcome } from './refusal.js';
import { readRouterReport } from './router-report.js';
import { readTaskIds } from './task-ids-request.js';
import { toWireApp } from './to-wire-app.js';

/** Thousands of runs take their time on a busy machine. */
vi.setConfig({ testTimeout: 120_000 });

const context = (root: RootGroup = emptyRoot()) => ({
  root,
  version: '2026-01-01T00:00:00.000Z',
  rules,
});

/** A refusal must have a body that clients can read, and a status of theirs. */
function expectAnswer(outcome: Outcome<unknown>): void {
  if (outcome.ok) return;
  const { status, body } = describeRefusal(outcome.refusal);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(body.message).not.toBe('');
  if (Array.isArray(body.details)) {
    expect(body.details.length).toBeGreaterThan(0);
    for (const { path, errors } of body.details) {
      expect(path).toMatch(/^[/(]/);
      expect(errors.length).toBeGreaterThan(0);
    }
  }
}

describe('whatever JSON is sent', () => {
  it('is read as an app or refused', () => {
    fc.assert(
      fc.property(arbitraryJson, fc.boolean(), (body, strict) => {
        const created = readNewApp(body, { strict });
        expectAnswer(created);
        expectAnswer(readAppList(body, { strict }));
        expectAnswer(readTaskIds(body));
        expectAnswer(readRouterReport(body));
        const changed = readAppRequest(body, { strict });
        expectAnswer(changed);
        if (changed.ok && changed.value.kind === 'update') {
          const update = { ...changed.value.update, id: '/shop/web' };
          expectAnswer(declareApps(context(), [update], { mode: 'upsert', partial: true }));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is read as a group or refused', () => {
    fc.assert(
      fc.property(arbitraryJson, fc.boolean(), (body, strict) => {
        expectAnswer(readNewGroup(body, { strict }));
        expectAnswer(readGroupPatch(body, { strict }));
        const request = readGroupRequest(body, { strict });
        expectAnswer(request);
        if (!request.ok) return;
        if (request.value.kind === 'scale') {
          expectAnswer(scaleGroup(context(), groupId('/'), request.value.factor));
        }
        if (request.value.kind === 'update') {
          const { update } = request.value;
          expectAnswer(declareGroup(context(), groupId('/shop'), update, { create: false }));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('an accepted app', () => {
  const declare = (root: RootGroup, body: unknown): Outcome<Declaration> => {
    const read = readNewApp(body, { strict: true });
    if (!read.ok) return read;
    return declareApps(context(root), [read.value], { mode: 'upsert', partial: false });
  };

  it('reads back as itself: what is sent back unchanged changes nothing', () => {
    let accepted = 0;
    fc.assert(
      fc.property(plausibleApp, (body) => {
        const declared = declare(emptyRoot(), body);
        expectAnswer(declared);
        if (!declared.ok) return;
        accepted += 1;
        const root = applyDeclaration(emptyRoot(), declared.value);
        for (const app of declared.value.putApps) {
          const again = unwrap(declare(root, JSON.parse(JSON.stringify(toWireApp(app)))));
          expect(again.putApps).toEqual([app]);
          expect(again.putApps[0]).toBe(root.apps.get(app.id));
        }
      }),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('2868: has its service ports assigned, each once among those assigned', () => {
    fc.assert(
      fc.property(fc.array(plausibleApp, { minLength: 1, maxLength: 6 }), (bodies) => {
        let root = emptyRoot();
        for (const body of bodies) {
          const declared = declare(root, body);
          if (declared.ok) root = applyDeclaration(root, declared.value);
        }
        const all = [...root.apps.values()].flatMap(servicePortsOf);
        expect(all).not.toContain(0);
        const chosen = new Set(bodies.flatMap(({ ports }) => (ports ?? []) as readonly number[]));
        const assigned = all.filter((port) => !chosen.has(port));
        expect(assigned).toEqual([...new Set(assigned)]);
        for (const app of root.apps.values()) {
          for (const id of ['/', '/shop']) {
            if (app.id.startsWith(id)) expect(root.groups.has(groupId(id))).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
