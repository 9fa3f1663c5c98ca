import { describe, expect, it } from 'vitest';
import { appId, groupId, type RootGroup } from '#core';
import { readAppRequest, readNewApp } from './app-request.js';
import { declareApps, scaleApps } from './change-apps.js';
import { scaleGroup } from './change-groups.js';
import {
  applyDeclaration,
  emptyRoot,
  refusalOf,
  rules,
  unwrap,
} from './marathon-v2.test-support.js';
import { describeRefusal } from './refusal.js';
import { toWireApp } from './to-wire-app.js';

const ID = appId('/x');

const context = (root: RootGroup = emptyRoot()) => ({
  root,
  version: '2026-01-01T00:00:00.000Z',
  rules,
});

const declare = (fields: Record<string, unknown>, root?: RootGroup) => {
  const update = unwrap(readNewApp({ id: '/x', cmd: 'sleep 1', ...fields }, { strict: true }));
  return declareApps(context(root), [update], { mode: 'upsert', partial: false });
};

/** A root with the app, and the app. */
function given(fields: Record<string, unknown>) {
  const root = applyDeclaration(emptyRoot(), unwrap(declare(fields)));
  const app = root.apps.get(ID);
  if (app === undefined) throw new Error('not declared');
  return { root, app };
}

function change(root: RootGroup, body: Record<string, unknown>) {
  const request = unwrap(readAppRequest(body, { strict: true }));
  if (request.kind !== 'update') throw new Error('not an update');
  const update = { ...request.update, id: '/x' };
  return declareApps(context(root), [update], { mode: 'update', partial: true });
}

const errorsOf = (outcome: Parameters<typeof refusalOf>[0]): string => {
  const { status, body } = describeRefusal(refusalOf(outcome));
  expect(status).toBe(422);
  return JSON.stringify(body);
};

describe('the workload of an app', () => {
  it('is a service where nothing else is said, of which clients see nothing', () => {
    for (const fields of [{}, { workload: 'service' }]) {
      const { app } = given(fields);
      expect(app).not.toHaveProperty('workload');
      expect(toWireApp(app)).not.toHaveProperty('workload');
      expect(toWireApp(app)).not.toHaveProperty('maxRetries');
    }
  });

  it('reads back as it was written, with the retries of a job filled in', () => {
    expect(toWireApp(given({ workload: 'daemon' }).app)).toMatchObject({ workload: 'daemon' });
    expect(toWireApp(given({ workload: 'job', instances: 5 }).app)).toMatchObject({
      workload: 'job',
      maxRetries: 3,
      instances: 5,
    });
    const { root, app } = given({ workload: 'job', maxRetries: 0 });
    expect(app.maxRetries).toBe(0);
    const again = unwrap(change(root, { ...toWireApp(app), completed: 1, failed: 0 }));
    expect(again.putApps).toEqual([app]);
  });

  it('becomes another by a partial update, without what only the former could have', () => {
    const { root } = given({ workload: 'job' });

    const [service] = unwrap(change(root, { workload: 'service' })).putApps;

    expect(service).not.toHaveProperty('workload');
    expect(service).not.toHaveProperty('maxRetries');
  });

  it.each([
    [{ workload: 'cron' }, /workload/],
    [{ workload: 'job', maxRetries: 101 }, /101 is above the maximum 100/],
    [{ workload: 'job', maxRetries: -1 }, /-1 is below the minimum 0/],
    [{ workload: 'daemon', rollout: { batches: [1] } }, /rollout.batches.*is for services/],
    [{ workload: 'job', rollout: { canary: { instances: 1 } } }, /rollout.canary.*for services/],
    [{ maxRetries: 2 }, /maxRetries.*workload job only/],
    [{ workload: 'job', healthChecks: [{ protocol: 'TCP' }] }, /healthChecks.*empty for a job/],
    [
      { workload: 'daemon', constraints: [['rack', 'GROUP_BY']] },
      /constraints\(0\).*rack GROUP_BY/,
    ],
  ])('refuses %j', (fields, message) => {
    const body = { id: '/x', cmd: 'sleep 1', ...fields };
    const read = readNewApp(body, { strict: true });
    const outcome = read.ok
      ? declareApps(context(), [read.value], { mode: 'create', partial: false })
      : read;

    expect(errorsOf(outcome)).toMatch(message);
  });
});

describe('the count of a daemon', () => {
  it('is ignored with a warning beside other fields, as clients send back what they have read', () => {
    const outcome = declare({ workload: 'daemon', instances: 7 });

    expect(outcome).toMatchObject({
      ok: true,
      warnings: [expect.stringMatching(/^\/instances 7 is ignored/)],
    });
    expect(unwrap(outcome).putApps[0]?.instances).toBe(1);
  });

  it('cannot be changed', () => {
    const { root, app } = given({ workload: 'daemon' });

    expect(errorsOf(change(root, { instances: 3 }))).toMatch(/instances.*cannot be scaled/);
    expect(errorsOf(scaleApps(context(root), new Map([[ID, 0]])))).toMatch(/cannot be scaled/);
    const scaled = scaleGroup(context(root), groupId('/'), 2);
    expect(scaled).toMatchObject({ ok: true, warnings: [expect.stringMatching(/stays as it is/)] });
    expect(root.apps.get(ID)).toBe(app);
  });
});
