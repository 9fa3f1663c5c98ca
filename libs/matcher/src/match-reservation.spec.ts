import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type App,
  agentId,
  appId,
  containsResources,
  instanceId,
  offerId,
  type Resources,
  resourceKey,
  resources,
} from '#core';
import { matchOffer } from './match-offer.js';
import { matchReservation } from './match-reservation.js';
import type { MatchableOffer, OfferedReservation } from './offer.js';
import { chooseParked } from './parked-instances.js';

const VERSION = '2030-01-01T00:00:00.000Z';

const anApp = (fields: Partial<App> = {}): App =>
  ({
    ...{ id: appId('/db'), instances: 1, cpus: 1, mem: 100, disk: 10, gpus: 0, role: 'db' },
    ...{ constraints: [], acceptedResourceRoles: [], networks: [{ mode: 'host' }] },
    ...{ portDefinitions: [{ port: 0, protocol: 'tcp', labels: {} }], requirePorts: false },
    container: { type: 'MESOS', volumes: [{ containerPath: 'data', persistent: { size: 50 } }] },
    version: VERSION,
    versionInfo: { lastScalingAt: VERSION, lastConfigChangeAt: VERSION },
    ...fields,
  }) as App;

const traits = (instance: string) => ({
  reservations: [{ type: 'DYNAMIC' as const, role: 'db', labels: [{ key: 'i', value: instance }] }],
  isRevocable: false,
});
const volumeKey = (instance: string, id: string): string =>
  resourceKey('disk', {
    ...traits(instance),
    volume: { id, containerPath: 'data', mode: 'RW' },
  });

/** All that `instance` reserved, with a port of its own. */
function reserved(
  instance: string,
  fields: Partial<Resources['scalars']> = {},
): OfferedReservation {
  const key = (name: string): string => resourceKey(name, traits(instance));
  const scalars = {
    ...{ [key('cpus')]: 1_000, [key('mem')]: 100_000, [key('disk')]: 10_000 },
    [volumeKey(instance, `v-${instance}`)]: 50_000,
    ...fields,
  } as Record<string, number>;
  const ranges = { [key('ports')]: [{ begin: 31_007, end: 31_007 }] };
  return { frameworkId: 'f', instanceId: instance, role: 'db', amount: { scalars, ranges } };
}

const anOffer = (fields: Partial<MatchableOffer> = {}): MatchableOffer => ({
  ...{ id: offerId('o'), agentId: agentId('a'), hostname: 'host-1', attributes: {} },
  allocatedRole: 'db',
  pools: [
    {
      role: '*',
      resources: resources({ cpus: 4, mem: 1_000, disk: 60, ports: [{ begin: 1, end: 9 }] }),
    },
  ],
  ...fields,
});
const context = { placedOf: () => [], seed: 1 };

describe('a reservation', () => {
  it('is used with its volume and its port, and nothing beside it', () => {
    const offered = reserved('i1');

    const match = matchReservation(
      anOffer(),
      offered,
      { app: anApp(), volumeIds: ['v-i1'] },
      context,
    );

    expect(match).toMatchObject({
      ok: true,
      launch: { hostPorts: [31_007], taken: [], reserved: offered.amount },
    });
  });

  it.each([
    ['its volume is missing', { volumeIds: ['other'] }, 'is offered without its volume other'],
    ['it is too small', { app: anApp({ cpus: 2 }) }, 'needs 2 cpus, 1 are reserved for it'],
  ])('is of no use when %s', (_what, fields, detail) => {
    const wanted = { app: anApp(), volumeIds: ['v-i1'], ...fields };

    const match = matchReservation(anOffer(), reserved('i1'), wanted, context);

    expect(match).toMatchObject({
      ok: false,
      refusal: {
        reason: 'NoCorrespondingReservationFound',
        detail: expect.stringContaining(detail),
      },
    });
  });

  it('never gives an instance what is another one’s, or more than is offered', () => {
    const instances = fc.constantFrom('i1', 'i2', 'i3');
    fc.assert(
      fc.property(
        instances,
        instances,
        fc.double({ min: 0, max: 2, noNaN: true }),
        (of, wants, cpus) => {
          const offered = reserved(of);
          const app = anApp({ cpus });

          const match = matchReservation(
            anOffer(),
            offered,
            { app, volumeIds: [`v-${wants}`] },
            context,
          );

          if (!match.ok) return;
          expect(of).toBe(wants);
          const taken = match.launch.reserved ?? { scalars: {}, ranges: {} };
          expect(containsResources(offered.amount, taken)).toBe(true);
          expect(taken.scalars[volumeKey(of, `v-${of}`)]).toBe(50_000);
        },
      ),
    );
  });
});

describe('a new resident instance', () => {
  it('needs disk for its volume, of what nobody has reserved', () => {
    const app = anApp();
    const match = (offer: MatchableOffer) => matchOffer(offer, [{ app, count: 1 }], context);
    const [pool] = anOffer().pools;
    const owned = anOffer({ pools: pool === undefined ? [] : [{ ...pool, role: 'db' }] });

    expect(match(anOffer()).launches).toHaveLength(1);
    expect(match(owned).launches).toEqual([]);
    const { refusals } = matchOffer(anOffer(), [{ app: anApp({ disk: 11 }), count: 1 }], context);
    expect(refusals.get(app.id)?.detail).toBe('needs 61 MiB of disk, 60 are left');
  });

  it('is not launched for the role *, for which nothing can be reserved', () => {
    const app = anApp({ role: '*' });
    const offer = anOffer({ allocatedRole: '*' });

    const { launches, refusals } = matchOffer(offer, [{ app, count: 1 }], context);

    expect(launches).toEqual([]);
    expect(refusals.get(app.id)?.reason).toBe('UnfulfilledRole');
  });
});

describe('the instances of an app that have ended', () => {
  const parked = fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 0, max: 99 }).map((number) => instanceId(`i${number}`)),
      isWanted: fc.boolean(),
      sinceEpochMs: fc.nat(5),
    }),
    { selector: ({ id }) => id, maxLength: 8 },
  );

  it('make up the count with new ones, and none takes the place of one that is wanted', () => {
    fc.assert(
      fc.property(parked, fc.nat(10), (all, count) => {
        const { wanted, stopped, stoppedCount, newCount } = chooseParked(all, count);

        expect(wanted.length + stoppedCount + newCount).toBe(count);
        const wantedCount = all.filter(({ isWanted }) => isWanted).length;
        expect(wanted.length).toBe(Math.min(count, wantedCount));
        if (newCount > 0) expect(wanted.length + stopped.length).toBe(all.length);
        if (newCount > 0) expect(stoppedCount).toBe(stopped.length);
      }),
    );
  });

  it('go the latest to end first', () => {
    const ended = (id: string, sinceEpochMs: number) => ({
      ...{ id: instanceId(id), isWanted: true, sinceEpochMs },
    });

    const { wanted } = chooseParked([ended('a', 1), ended('b', 3), ended('c', 2)], 2);

    expect(wanted.map(({ id }) => id)).toEqual(['b', 'c']);
  });
});
