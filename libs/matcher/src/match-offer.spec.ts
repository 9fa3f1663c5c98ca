import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type App,
  addResources,
  agentId,
  appId,
  containsResources,
  noResources,
  offerId,
  type Range,
  resources,
} from '#core';
import { matchOffer } from './match-offer.js';
import type { MatchableOffer, MatchContext, PlacedInstance } from './offer.js';

const VERSION = '2030-01-01T00:00:00.000Z';

const anApp = (fields: Partial<App> = {}): App =>
  ({
    id: appId('/web'),
    instances: 1,
    cpus: 1,
    mem: 100,
    disk: 0,
    gpus: 0,
    constraints: [],
    acceptedResourceRoles: [],
    role: '*',
    networks: [{ mode: 'host' }],
    portDefinitions: [],
    requirePorts: false,
    version: VERSION,
    versionInfo: { lastScalingAt: VERSION, lastConfigChangeAt: VERSION },
    ...fields,
  }) as App;

const anyPort = { port: 0, protocol: 'tcp', labels: {} };

const anOffer = (
  fields: Partial<MatchableOffer> = {},
  ports?: readonly Range[],
): MatchableOffer => ({
  id: offerId('o1'),
  agentId: agentId('a1'),
  hostname: 'host-1',
  attributes: {},
  pools: [
    {
      role: '*',
      resources: resources({
        cpus: 4,
        mem: 1_000,
        disk: 1_000,
        ports: ports ?? [{ begin: 31_000, end: 31_009 }],
      }),
    },
  ],
  ...fields,
});

const context = (placed: readonly PlacedInstance[] = []): MatchContext => ({
  placedOf: () => placed,
  seed: 1,
});

const match = (app: App, count: number, offer = anOffer(), ctx = context()) =>
  matchOffer(offer, [{ app, count }], ctx);

describe('matchOffer', () => {
  it('places as many instances as fit and says why not one more', () => {
    const result = match(anApp(), 10);

    expect(result.launches).toHaveLength(4);
    expect(result.refusals.get(appId('/web'))).toEqual({
      reason: 'InsufficientCpus',
      detail: 'needs 1 cpus, 0 are left',
    });
  });

  it('takes what an executor of the app’s own takes too, and nothing for the agents’ own', () => {
    const executorResources = { cpus: 1, mem: 32, disk: 10 };
    const own = match(anApp({ executor: '/opt/mine', executorResources }), 10);
    const command = match(anApp({ executor: '//cmd', executorResources }), 10);

    expect(own.launches).toHaveLength(2);
    expect(own.launches[0]?.taken[0]?.resources.scalars).toEqual({
      ...{ cpus: 2_000, mem: 132_000, disk: 10_000 },
    });
    expect(own.refusals.get(appId('/web'))?.detail).toBe('needs 2 cpus, 0 are left');
    expect(command.launches).toHaveLength(4);
  });

  it('lets a small app pass a big one that does not fit', () => {
    const big = anApp({ id: appId('/big'), cpus: 9 });
    const small = anApp({ id: appId('/small') });

    const result = matchOffer(
      anOffer(),
      [
        { app: big, count: 1 },
        { app: small, count: 1 },
      ],
      context(),
    );

    expect(result.launches.map(({ app }) => app.id)).toEqual(['/small']);
    expect([...result.refusals.keys()]).toEqual(['/big']);
  });

  it('declines when the port range is exhausted', () => {
    const app = anApp({ cpus: 0.1, mem: 1, portDefinitions: [anyPort, anyPort] });

    const result = match(app, 10);

    expect(result.launches).toHaveLength(5);
    const ports = result.launches.flatMap(({ hostPorts }) => hostPorts);
    expect(new Set(ports).size).toBe(10);
    expect(result.refusals.get(app.id)?.reason).toBe('InsufficientPorts');
  });

  it('takes the declared ports when they are required', () => {
    const portDefinitions = [{ port: 31_005, protocol: 'tcp', labels: {} }];
    const app = anApp({ cpus: 0.1, requirePorts: true, portDefinitions });

    const result = match(app, 2);

    expect(result.launches.map(({ hostPorts }) => hostPorts)).toEqual([[31_005]]);
    expect(result.refusals.get(app.id)?.detail).toBe('needs port 31005, which is not offered');
  });

  it('maps container ports: any, fixed, and none', () => {
    const mapping = {
      containerPort: 80,
      servicePort: 0,
      protocol: 'tcp',
      labels: {},
      networkNames: [],
    };
    const app = anApp({
      networks: [{ mode: 'container/bridge' }],
      container: {
        type: 'DOCKER',
        docker: { image: 'nginx', forcePullImage: false, privileged: false, parameters: [] },
        volumes: [],
        portMappings: [{ ...mapping, hostPort: 0 }, { ...mapping, hostPort: 31_001 }, mapping],
      },
    });

    const [launch] = match(app, 1).launches;

    expect(launch?.hostPorts[1]).toBe(31_001);
    expect(launch?.hostPorts[2]).toBeNull();
    expect(launch?.hostPorts[0]).not.toBe(31_001);
  });

  it('refuses an image on an agent without Docker', () => {
    const docker = { image: 'nginx', forcePullImage: false, privileged: false, parameters: [] };
    const app = anApp({ container: { type: 'DOCKER', docker, volumes: [] } });

    const result = match(app, 1, anOffer({ hasDocker: false }));

    expect(result.refusals.get(app.id)?.reason).toBe('NoDockerSupport');
    expect(match(app, 1).launches).toHaveLength(1);
  });

  it('uses reserved resources of its role first and only roles it accepts', () => {
    const pools = [
      { role: '*', resources: resources({ cpus: 1, mem: 1_000 }) },
      { role: 'dev', resources: resources({ cpus: 0.5, mem: 10 }) },
    ];
    const app = anApp({ role: 'dev' });

    const [launch] = match(app, 1, anOffer({ pools })).launches;

    expect(launch?.taken).toEqual([
      { role: 'dev', resources: resources({ cpus: 0.5, mem: 10 }) },
      { role: '*', resources: resources({ cpus: 0.5, mem: 90 }) },
    ]);
    const picky = anApp({ role: 'dev', acceptedResourceRoles: ['dev'] });
    expect(match(picky, 1, anOffer({ pools })).refusals.get(app.id)?.reason).toBe(
      'InsufficientCpus',
    );
  });

  it('refuses an offer made to another role', () => {
    const offer = anOffer({ allocatedRole: 'prod' });

    expect(match(anApp(), 1, offer).refusals.get(appId('/web'))?.reason).toBe('UnfulfilledRole');
  });

  it('honours UNIQUE within one offer', () => {
    const app = anApp({ instances: 3, constraints: [['hostname', 'UNIQUE']] });

    expect(match(app, 3).launches).toHaveLength(1);
  });

  it('lets instances of another configuration not block placement', () => {
    const app = anApp({ constraints: [['hostname', 'UNIQUE']] });
    const site = { hostname: 'host-1', attributes: {} };

    expect(match(app, 1, anOffer(), context([{ configVersion: VERSION, site }])).launches).toEqual(
      [],
    );
    const old = context([{ configVersion: 'older', site }]);
    expect(match(app, 1, anOffer(), old).launches).toHaveLength(1);
  });

  it('chooses recently used ports last', () => {
    const app = anApp({ cpus: 0.1, portDefinitions: [anyPort] });
    const recentPorts = new Set([31_000, 31_001, 31_002, 31_003, 31_004, 31_005, 31_006, 31_007]);

    const result = match(app, 3, anOffer(), { ...context(), recentPorts });

    const ports = result.launches.map(({ hostPorts }) => hostPorts[0] ?? 0);
    expect(ports.slice(0, 2).sort()).toEqual([31_008, 31_009]);
    expect(recentPorts.has(ports[2] ?? 0)).toBe(true);
  });

  it('never takes more than is offered, and taken plus remaining is the offer', () => {
    const aWish = fc.record({
      cpus: fc.integer({ min: 0, max: 3_000 }).map((milli) => milli / 1000),
      mem: fc.integer({ min: 0, max: 400 }),
      ports: fc.integer({ min: 0, max: 3 }),
      count: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(fc.array(aWish, { maxLength: 6 }), fc.integer(), (wishes, seed) => {
        const offer = anOffer();
        const waiting = wishes.map(({ cpus, mem, ports, count }, index) => ({
          app: anApp({
            id: appId(`/a${index}`),
            cpus,
            mem,
            portDefinitions: Array.from({ length: ports }, () => anyPort),
          }),
          count,
        }));

        const result = matchOffer(offer, waiting, { placedOf: () => [], seed });

        const all = [...result.launches.flatMap(({ taken }) => taken), ...result.remaining];
        const sum = all.reduce((total, pool) => addResources(total, pool.resources), noResources);
        const offered = offer.pools[0]?.resources ?? noResources;
        expect(containsResources(offered, sum) && containsResources(sum, offered)).toBe(true);
        const ports = result.launches.flatMap(({ hostPorts }) => hostPorts);
        expect(new Set(ports).size).toBe(ports.length);
      }),
    );
  });
});
