import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, agentId, appId, offerId, present, resources } from '#core';
import { explainWaiting, type MatchableOffer } from '#matcher';
import { aDeployment } from '../../../../test/support/store-fixtures.js';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';
import type { AppExplanation } from '../engine/app-explanation.port.js';
import { toWireWhy } from './why-views.js';

const offer: MatchableOffer = {
  id: offerId('o-3'),
  agentId: agentId('a-3'),
  hostname: 'host-3',
  attributes: { rack: 'one' },
  pools: [
    {
      role: '*',
      resources: resources({ cpus: 1.5, mem: 512, ports: [{ begin: 31_000, end: 31_009 }] }),
    },
  ],
};

const explanationOf = (app: App): AppExplanation => ({
  appId: app.id,
  wanted: 2,
  byCondition: new Map([['Running', 1]]),
  waitingFor: ['1 instance waits for an offer'],
  groups: [
    {
      app,
      count: 1,
      sinceEpochMs: 0,
      delayLeftMs: 0,
      omittedAgents: 2,
      newestOfferEpochMs: 1_000,
      oldestOfferEpochMs: 1_000,
      explanation: explainWaiting(
        { app, count: 1, placedCount: 1 },
        [{ offer, seenEpochMs: 1_000, isCurrent: true }],
        { placedOf: () => [], seed: 1, allowedRoles: [] },
      ),
    },
  ],
  deployment: aDeployment('d-1'),
});

describe('why an app waits, over HTTP', () => {
  let api: ApiUnderTest;

  beforeAll(async () => {
    api = await startApi();
    await api.ask('POST', '/v2/apps', {
      id: '/web',
      cmd: 'x',
      cpus: 2,
      mem: 16,
      instances: 2,
      constraints: [['rack', 'CLUSTER', 'two']],
    });
    await api.ask('POST', '/v2/apps', { id: '/shop/why', cmd: 'x' });
    const app = present(api.engine.root.apps.get(appId('/web')), 'the app');
    api.engine.explanations.set(app.id, explanationOf(app));
    api.engine.explanations.set(appId('/shop/why'), {
      appId: appId('/shop/why'),
      wanted: 1,
      byCondition: new Map([['Running', 1]]),
      waitingFor: [],
      groups: [],
    });
    api.engine.waiting.push({
      appId: app.id,
      count: 1,
      sinceEpochMs: 0,
      delayLeftMs: 0,
      processedOffers: 1,
      unusedOffers: 1,
      rejectLastOffers: [],
      rejectLaunchAttempt: [],
    });
    api.engine.unused.set(app.id, [
      {
        offer,
        attributes: [
          { name: 'rack', type: 'TEXT', text: { value: 'one' } },
          { name: 'speed', type: 'SCALAR', scalar: { value: 1.5 } },
        ],
        reasons: ['UnfulfilledConstraint', 'InsufficientCpus'],
        seenEpochMs: 1_000,
      },
    ]);
  });
  afterAll(() => api.daemon.close());

  it('tells reasons, the nearest fit, and changes with the fields to put', async () => {
    const reply = await api.ask('GET', '/v2/apps/web/why');

    expect(reply.statusCode).toBe(200);
    const why = reply.json();
    expect(why).toMatchObject({
      appId: '/web',
      summary: '1 instance waits for an offer',
      instances: { wanted: 2, byCondition: { Running: 1 } },
      deployments: [{ id: 'd-1', currentStep: 1, totalSteps: 1 }],
    });
    expect(why.waiting).toHaveLength(1);
    expect(why.waiting[0]).toMatchObject({
      count: 1,
      delay: { timeLeftSeconds: 0, overdue: true },
      offers: { held: 0, agents: 1, omitted: 2, newestAt: '1970-01-01T00:00:01.000Z' },
      fitting: { agents: 0, newest: [] },
      nearestFit: {
        hostname: 'host-3',
        agentId: 'a-3',
        offeredAt: '1970-01-01T00:00:01.000Z',
        summary: 'rack CLUSTER two: it is one, not two; needs 2 cpus, 1.5 are left on host-3',
      },
      suggestions: [
        {
          change: 'drop the constraint rack CLUSTER two and cpus 2 -> 1.5',
          patch: { constraints: [], cpus: 1.5 },
          places: 1,
          hostname: 'host-3',
        },
        { change: 'instances 2 -> 1', patch: { instances: 1 }, places: 0 },
      ],
    });
    const counted = why.waiting[0].reasons.filter((one: { agents: number }) => one.agents > 0);
    expect(counted.map((one: { reason: string }) => one.reason)).toEqual([
      'UnfulfilledConstraint',
      'InsufficientCpus',
    ]);
  });

  it('can be put as suggested: the patch changes what it names and nothing else', async () => {
    const before = (await api.ask('GET', '/v2/apps/web')).json().app;
    const { suggestions } = (await api.ask('GET', '/v2/apps/web/why')).json().waiting[0];

    const put = await api.ask('PUT', '/v2/apps/web?strict=true', suggestions[0].patch);

    expect(put.statusCode).toBe(200);
    const { constraints: _dropped, version: _v, versionInfo: _i, ...rest } = before;
    const after = (await api.ask('GET', '/v2/apps/web')).json().app;
    expect(after).toMatchObject({ ...rest, cpus: 1.5 });
    expect(after.constraints).toBeUndefined();
  });

  it('answers 404 for apps and ids that do not exist, and means an app named so as itself', async () => {
    const missing = await api.ask('GET', '/v2/apps/nobody/why');
    const nonsense = await api.ask('GET', '/v2/apps/No%20Body/why');
    const named = await api.ask('GET', '/v2/apps/shop/why');
    const whyOfNamed = await api.ask('GET', '/v2/apps/shop/why/why');

    expect([missing.statusCode, missing.json()]).toEqual([
      404,
      { message: "App '/nobody' does not exist" },
    ]);
    expect(nonsense.statusCode).toBe(404);
    expect(named.json().app.id).toBe('/shop/why');
    expect(whyOfNamed.json()).toMatchObject({
      appId: '/shop/why',
      summary: 'nothing: its instance runs',
    });
  });

  it('tells of a daemon that waits for nothing where it cannot run', async () => {
    const explanation = {
      appId: appId('/shop/why'),
      wanted: 0,
      byCondition: new Map(),
      waitingFor: [],
      notWaitedFor: [
        'agents that cannot run it are not waited for: 3 of 3 agents: InsufficientCpus',
      ],
      groups: [],
    };

    expect(toWireWhy(explanation).summary).toBe(
      'nothing: no instance is wanted; agents that cannot run it are not waited for: 3 of 3 agents: InsufficientCpus',
    );
  });

  it('embeds at most 100 unused offers of an app', async () => {
    const many = Array.from({ length: 150 }, () => api.engine.unused.get(appId('/web'))?.[0]);
    const one = api.engine.unused.get(appId('/web')) ?? [];
    api.engine.unused.set(
      appId('/web'),
      many.filter((unused) => unused !== undefined),
    );

    const reply = await api.ask('GET', '/v2/queue?embed=lastUnusedOffers');

    api.engine.unused.set(appId('/web'), one);
    expect(reply.json().queue[0].lastUnusedOffers).toHaveLength(100);
  });

  it('embeds explanations and unused offers in the queue, in Marathon’s shape, when asked', async () => {
    const plain = await api.ask('GET', '/v2/queue');
    const full = await api.ask('GET', '/v2/queue?embed=lastUnusedOffers&embed=why');

    expect(plain.json().queue[0]).not.toHaveProperty('lastUnusedOffers');
    expect(plain.json().queue[0]).not.toHaveProperty('why');
    const [entry] = full.json().queue;
    expect(entry.why).toMatchObject({ appId: '/web', waiting: [{ count: 1 }] });
    expect(entry.lastUnusedOffers).toEqual([
      {
        offer: {
          id: 'o-3',
          hostname: 'host-3',
          agentId: 'a-3',
          resources: [
            { name: 'cpus', role: '*', scalar: 1.5 },
            { name: 'mem', role: '*', scalar: 512 },
            { name: 'ports', role: '*', ranges: [{ begin: 31_000, end: 31_009 }] },
          ],
          attributes: [
            { name: 'rack', text: 'one' },
            { name: 'speed', scalar: 1.5 },
          ],
        },
        reason: ['UnfulfilledConstraint', 'InsufficientCpus'],
        timestamp: '1970-01-01T00:00:01.000Z',
      },
    ]);
  });
});
