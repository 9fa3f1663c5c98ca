import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type App, agentId, appId, type Constraint, offerId, resources } from '#core';
import { changeApp, changeOffer, describeChange } from './app-change.js';
import { explainWaiting, type SeenOffer, summariseLacks } from './explain-waiting.js';
import { findAllRefusals } from './find-refusals.js';
import { matchOffer } from './match-offer.js';
import type { MatchableOffer, PlacedInstance } from './offer.js';
import type { RepairContext } from './repair.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 120_000 });

const VERSION = '2030-01-01T00:00:00.000Z';

const anApp = (fields: Partial<App> = {}): App =>
  ({
    id: appId('/web'),
    instances: 5,
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

interface Free {
  readonly cpus?: number;
  readonly mem?: number;
  readonly ports?: readonly { begin: number; end: number }[];
  readonly role?: string;
}

const anOffer = (
  hostname: string,
  free: Free = {},
  fields: Partial<MatchableOffer> = {},
): MatchableOffer => ({
  id: offerId(`o-${hostname}`),
  agentId: agentId(`a-${hostname}`),
  hostname,
  attributes: {},
  pools: [{ role: free.role ?? '*', resources: resources({ cpus: 4, mem: 1_000, ...free }) }],
  ...fields,
});

const seen = (offer: MatchableOffer, isCurrent = true): SeenOffer => ({
  offer,
  seenEpochMs: 0,
  isCurrent,
});

const at = (hostname: string): PlacedInstance => ({
  configVersion: VERSION,
  site: { hostname, attributes: {} },
});

const contextOf = (
  placed: readonly PlacedInstance[] = [],
  fields: Partial<RepairContext> = {},
): RepairContext => ({ placedOf: () => placed, seed: 1, allowedRoles: ['*'], ...fields });

const explain = (
  app: App,
  offers: readonly MatchableOffer[],
  context = contextOf(),
  input: { readonly count?: number; readonly placedCount?: number } = {},
) =>
  explainWaiting(
    { app, count: input.count ?? 1, placedCount: input.placedCount ?? 0 },
    offers.map((offer) => seen(offer)),
    context,
  );

const changesOf = ({ suggestions }: ReturnType<typeof explain>): readonly string[] =>
  suggestions.map(({ changes }) => changes.map(describeChange).join(' and '));

const fixedPort = (port: number) => ({
  requirePorts: true,
  portDefinitions: [{ port, protocol: 'tcp', labels: {} }],
});

describe('explainWaiting', () => {
  it('counts every reason of every agent, not only the first', () => {
    const app = anApp({ cpus: 8, mem: 2_000, constraints: [['hostname', 'LIKE', 'h-[12]']] });

    const { agents, reasons } = explain(app, [
      anOffer('h-1', { mem: 5_000 }),
      anOffer('h-2'),
      anOffer('h-3', {}, { isInMaintenance: true }),
    ]);

    expect(agents).toBe(3);
    expect(reasons.filter((count) => count.agents > 0)).toEqual([
      {
        reason: 'UnfulfilledConstraint',
        agents: 1,
        alone: 0,
        example: 'hostname LIKE h-[12]: it is h-3',
      },
      {
        reason: 'AgentMaintenance',
        agents: 1,
        alone: 0,
        example: 'agent h-3 is in maintenance',
      },
      { reason: 'InsufficientCpus', agents: 3, alone: 1, example: 'needs 8 cpus, 4 are left' },
      {
        reason: 'InsufficientMemory',
        agents: 2,
        alone: 0,
        example: 'needs 2000 MiB of memory, 1000 are left',
      },
    ]);
    expect(reasons.map(({ reason }) => reason)).toContain('DeclinedScarceResources');
  });

  it('names the agent that lacks least and the change that would do', () => {
    const offers = [
      anOffer('host-1', { cpus: 0.5 }),
      anOffer('host-2', { cpus: 0.2, mem: 10 }),
      anOffer('host-3', { cpus: 1.5 }),
    ];

    const result = explain(anApp({ cpus: 2 }), offers, contextOf(), { placedCount: 4 });

    expect(result.nearest && summariseLacks(result.nearest)).toBe(
      'needs 2 cpus, 1.5 are left on host-3',
    );
    expect(changesOf(result)).toEqual(['cpus 2 -> 1.5', 'instances 5 -> 4']);
    expect(result.suggestions[0]).toMatchObject({ at: { hostname: 'host-3' }, places: 1 });
  });

  it('changes two things together only where neither alone would do', () => {
    const app = anApp({ cpus: 8, constraints: [['hostname', 'CLUSTER', 'nowhere']] });

    const result = explain(app, [anOffer('h-1')]);

    expect(changesOf(result)).toEqual([
      'drop the constraint hostname CLUSTER nowhere and cpus 8 -> 4',
    ]);
  });

  it('relaxes a number before it drops the constraint, and gives up instances without a place', () => {
    const placed = ['h-1', 'h-2'].map(at);
    const offers = [anOffer('h-1'), anOffer('h-2')];
    const input = { count: 3, placedCount: 2 };

    const most = anApp({ constraints: [['hostname', 'MAX_PER', '1']] });
    const unique = anApp({ constraints: [['hostname', 'UNIQUE']] });

    const relaxed = explain(most, offers, contextOf(placed), input);
    expect(changesOf(relaxed)).toEqual([
      'constraint hostname MAX_PER 1 -> hostname MAX_PER 2',
      'instances 5 -> 2',
    ]);
    expect(relaxed.suggestions.map(({ places }) => places)).toEqual([2, 0]);
    const dropped = explain(unique, offers, contextOf(placed), input);
    expect(changesOf(dropped)).toEqual(['drop the constraint hostname UNIQUE', 'instances 5 -> 2']);
    expect(dropped.suggestions.map(({ places }) => places)).toEqual([3, 0]);
  });

  it('does not offer fewer instances while others are still to be replaced', () => {
    const result = explain(anApp({ cpus: 8 }), [anOffer('h-1')], contextOf(), {
      count: 5,
      placedCount: 5,
    });

    expect(changesOf(result)).toEqual(['cpus 8 -> 4']);
  });

  it('gives up a fixed port, or names the task that has it', () => {
    const offers = [anOffer('h-1', { ports: [{ begin: 31_000, end: 31_009 }] })];
    const holderOf = (_agent: string, port: number) => (port === 8080 ? 'shop.task' : undefined);

    const held = explain(anApp(fixedPort(8080)), offers, contextOf([], { holderOf }));
    const outside = explain(anApp(fixedPort(80)), offers, contextOf([], { holderOf }));

    expect(changesOf(held)).toEqual([
      'requirePorts true -> false',
      'free port 8080 on h-1, which shop.task has',
    ]);
    expect(changesOf(outside)).toEqual(['requirePorts true -> false']);
  });

  it('opens the host ports that are not offered, and keeps the others', () => {
    const mapping = { containerPort: 80, servicePort: 0, protocol: 'tcp', labels: {} };
    const portMappings = [
      { ...mapping, hostPort: 80, networkNames: [] },
      { ...mapping, hostPort: 31_001, networkNames: [] },
    ];
    const app = anApp({
      networks: [{ mode: 'container/bridge' }],
      container: { type: 'DOCKER', volumes: [], portMappings },
    });
    const offer = anOffer('h-1', { ports: [{ begin: 31_000, end: 31_009 }] });

    const { suggestions } = explain(app, [offer]);

    const [first] = suggestions;
    const changed = changeApp(app, first?.changes ?? []);
    expect(changed.container?.portMappings?.map(({ hostPort }) => hostPort)).toEqual([0, 31_001]);
  });

  it('opens a host port of a pod, and leaves its executor and each container what they need', () => {
    const endpoint = { name: 'http', protocol: [], labels: {}, networkNames: [] };
    const container = { name: 'web', resources: { cpus: 0.1, mem: 32, disk: 0, gpus: 0 } };
    const pod = {
      containers: [{ ...container, endpoints: [{ ...endpoint, hostPort: 80 }] }],
      volumes: [],
    } as unknown as NonNullable<App['pod']>;
    const app = anApp({ pod, mem: 400, executorResources: { cpus: 0.1, mem: 32, disk: 10 } });
    const ports = [{ begin: 31_000, end: 31_009 }];

    const closed = explain(app, [anOffer('h-1', { ports })]);
    const small = explain(app, [anOffer('h-1', { ports: [{ begin: 80, end: 80 }], mem: 64 })]);
    const tiny = explain(app, [anOffer('h-1', { ports: [{ begin: 80, end: 80 }], mem: 63 })]);

    expect(changesOf(closed)).toEqual(['host port 80 -> 0 (any)']);
    expect(changesOf(small)).toEqual(['mem 400 -> 64']);
    expect(changesOf(tiny)).toEqual([]);
  });

  it('accepts further roles, and takes another only where the app may have it', () => {
    const reserved = anApp({ role: 'dev', acceptedResourceRoles: ['dev'] });
    const dev = anApp({ role: 'dev' });
    const other = anOffer('h-1', {}, { allocatedRole: 'prod' });

    const widened = explain(reserved, [anOffer('h-1')]);
    expect(changesOf(widened)).toEqual(['acceptedResourceRoles dev -> dev, *']);
    expect(changesOf(explain(dev, [other], contextOf([], { allowedRoles: ['prod'] })))).toEqual([
      'role dev -> prod',
    ]);
    expect(changesOf(explain(dev, [other]))).toEqual([]);
  });

  it('suggests nothing where no change of the app helps', () => {
    const docker = { image: 'nginx', forcePullImage: false, privileged: false, parameters: [] };
    const app = anApp({ container: { type: 'DOCKER', docker, volumes: [] } });

    const result = explain(app, [
      anOffer('h-1', {}, { hasDocker: false }),
      anOffer('h-2', {}, { isInMaintenance: true }),
      anOffer('h-3', { mem: 8 }),
    ]);

    expect(changesOf(result)).toEqual([]);
    expect(result.nearest?.offer.hostname).toBe('h-3');
  });

  it('trusts what was offered a moment ago before what was offered once', () => {
    const app = anApp({ cpus: 8 });
    const input = { app, count: 1, placedCount: 0 };
    const old = seen(anOffer('old', { cpus: 7 }), false);
    const fresh = seen(anOffer('fresh', { cpus: 6 }));
    const room = seen(anOffer('room', { cpus: 9 }), false);

    const result = explainWaiting(input, [old, room, fresh], contextOf());

    expect(result.nearest?.offer.hostname).toBe('fresh');
    expect(changesOf(result)).toEqual(['cpus 8 -> 6']);
    expect(result.fitting).toEqual([room]);
  });

  it('has nothing to say against an agent that fits', () => {
    const result = explain(anApp(), [anOffer('h-1'), anOffer('h-2', { cpus: 0.5 })]);

    expect(result.fitting.map(({ offer }) => offer.hostname)).toEqual(['h-1']);
    expect(result.reasons.filter(({ agents }) => agents > 0)).toMatchObject([
      { reason: 'InsufficientCpus', agents: 1, alone: 1 },
    ]);
    expect(result.suggestions).toEqual([]);
  });
});

const HOSTS = ['h-1', 'h-2', 'h-3'] as const;
const RACKS = ['one', 'two'] as const;
const amount = (max: number) => fc.integer({ min: 0, max }).map((milli) => milli / 1000);

const someConstraint: fc.Arbitrary<Constraint> = fc.oneof(
  fc.constantFrom<Constraint>(['hostname', 'UNIQUE'], ['rack', 'CLUSTER', 'one']),
  fc.constantFrom<Constraint>(['rack', 'GROUP_BY', '2'], ['rack', 'GROUP_BY']),
  fc.constantFrom<Constraint>(['hostname', 'LIKE', 'h-[12]'], ['rack', 'UNLIKE', 'two']),
  fc.integer({ min: 0, max: 2 }).map((n): Constraint => ['hostname', 'MAX_PER', String(n)]),
);

const someApp: fc.Arbitrary<App> = fc
  .record({
    instances: fc.integer({ min: 1, max: 6 }),
    cpus: amount(4_000),
    mem: fc.integer({ min: 0, max: 400 }),
    gpus: fc.integer({ min: 0, max: 1 }),
    role: fc.constantFrom('*', 'dev'),
    isPicky: fc.boolean(),
    requirePorts: fc.boolean(),
    ports: fc.array(fc.constantFrom(0, 31_001, 31_002, 8080), { maxLength: 3 }),
    constraints: fc.uniqueArray(someConstraint, { maxLength: 2, selector: (one) => one.join(' ') }),
  })
  .map(({ isPicky, ports, ...fields }) =>
    anApp({
      ...fields,
      acceptedResourceRoles: isPicky ? [fields.role] : [],
      portDefinitions: ports.map((port) => ({ port, protocol: 'tcp', labels: {} })),
    }),
  );

const somePool = fc
  .record({
    role: fc.constantFrom('*', 'dev'),
    cpus: amount(3_000),
    mem: fc.integer({ min: 0, max: 300 }),
    gpus: fc.integer({ min: 0, max: 1 }),
    lastPort: fc.integer({ min: 31_000, max: 31_003 }),
  })
  .map(({ role, lastPort, ...free }) => ({
    role,
    resources: resources({ ...free, ports: [{ begin: 31_000, end: lastPort }] }),
  }));

const someOffer = fc
  .record({
    pools: fc.uniqueArray(somePool, { maxLength: 2, selector: ({ role }) => role }),
    rack: fc.option(fc.constantFrom(...RACKS), { nil: undefined }),
    allocatedRole: fc.option(fc.constantFrom('*', 'dev'), { nil: undefined }),
    isInMaintenance: fc.boolean(),
    isCurrent: fc.boolean(),
  })
  // Ports of one agent lie in one pool, as a port can be reserved once.
  .map(({ pools, rack, allocatedRole, isInMaintenance, isCurrent }) => (index: number) => {
    const [first, ...rest] = pools;
    const others = rest.map(({ role, resources: held }) => ({
      role,
      resources: { ...held, ranges: {} },
    }));
    const offer = anOffer(
      HOSTS[index % HOSTS.length] ?? 'h-1',
      {},
      {
        agentId: agentId(`a-${index}`),
        pools: first === undefined ? [] : [first, ...others],
        attributes: rack === undefined ? {} : { rack },
        ...(allocatedRole === undefined ? {} : { allocatedRole }),
        ...(isInMaintenance && index % 3 === 0 ? { isInMaintenance } : {}),
      },
    );
    return seen(offer, isCurrent);
  });

const situation = fc
  .record({
    app: someApp,
    makers: fc.array(someOffer, { maxLength: 6 }),
    placed: fc.array(fc.constantFrom(...HOSTS), { maxLength: 4 }),
    rack: fc.constantFrom(...RACKS),
    count: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ app, makers, placed, rack, count }) => {
    const sites = placed.map((hostname): PlacedInstance => {
      return { configVersion: VERSION, site: { hostname, attributes: { rack } } };
    });
    const offers = makers.map((make, index) => make(index));
    const holderOf = (_agent: string, port: number) => (port === 8080 ? 'holder' : undefined);
    const context = contextOf(sites, {
      distinctValues: () => RACKS.length,
      allowedRoles: ['*', 'dev'],
      holderOf,
    });
    return { input: { app, count, placedCount: placed.length }, offers, context };
  });

describe('explanations and the matcher', () => {
  it('find a refusal exactly where the matcher places nothing', () => {
    fc.assert(
      fc.property(situation, ({ input: { app }, offers, context }) => {
        for (const { offer } of offers) {
          const refusals = findAllRefusals(offer, app, context);
          const { launches } = matchOffer(offer, [{ app, count: 1 }], context);
          expect(refusals.length === 0).toBe(launches.length === 1);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('count each agent as fitting or for each of its reasons', () => {
    fc.assert(
      fc.property(situation, ({ input, offers, context }) => {
        const result = explainWaiting(input, offers, context);

        const kinds = offers.map(
          ({ offer }) =>
            new Set(findAllRefusals(offer, input.app, context).map(({ reason }) => reason)).size,
        );
        const sum = (numbers: readonly number[]) =>
          numbers.reduce((left, right) => left + right, 0);
        expect(result.agents).toBe(offers.length);
        expect(result.fitting.length).toBe(kinds.filter((size) => size === 0).length);
        expect(sum(result.reasons.map(({ agents }) => agents))).toBe(sum(kinds));
        expect(sum(result.reasons.map(({ alone }) => alone))).toBe(
          kinds.filter((size) => size === 1).length,
        );
        expect(result.nearest === undefined).toBe(kinds.every((size) => size === 0));
      }),
      { numRuns: 200 },
    );
  });

  it('suggest only what makes the matcher place an instance', () => {
    let tried = 0;
    fc.assert(
      fc.property(situation, ({ input, offers, context }) => {
        const { suggestions } = explainWaiting(input, offers, context);

        for (const { changes, at: place, places } of suggestions) {
          tried += 1;
          const app = changeApp(input.app, changes);
          expect(places).toBeLessThanOrEqual(input.count);
          const target = offers.find(({ offer }) => offer.agentId === place?.agentId)?.offer;
          if (target === undefined) {
            expect(app.instances - places).toBe(input.app.instances - input.count);
            continue;
          }
          const offer = changeOffer(target, changes);
          expect(matchOffer(target, [{ app: input.app, count: 1 }], context).launches).toEqual([]);
          expect(matchOffer(offer, [{ app, count: 1 }], context).launches).toHaveLength(1);
          expect(places).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
    expect(tried).toBeGreaterThan(100);
  });
});
