import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type App, agentId, appId, offerId, resources } from '#core';
import { matchOffer } from './match-offer.js';
import type { MatchableOffer } from './offer.js';
import { SpreadOrder, SpreadRound, SpreadTally } from './spread-order.js';

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

interface Target {
  offer: MatchableOffer;
}

const aTarget = (at: number, cpus: number, fields: Partial<MatchableOffer> = {}): Target => ({
  offer: {
    id: offerId(`o${at}`),
    agentId: agentId(`a${at}`),
    hostname: `host-${at}`,
    attributes: {},
    pools: [{ role: '*', resources: resources({ cpus, mem: cpus * 100 }) }],
    ...fields,
  },
});

/** Launches as many as fit, in order; returns on which targets, by index. */
function spread(app: App, targets: readonly Target[], count: number, tally = new SpreadTally()) {
  const order = new SpreadOrder(new SpreadRound(targets), app, tally);
  const chosen: number[] = [];
  for (let best = order.best(); best !== undefined && chosen.length < count; best = order.best()) {
    const match = matchOffer(best.offer, [{ app, count: 1 }], { placedOf: () => [], seed: 1 });
    if (match.launches.length === 0) {
      order.drop();
      continue;
    }
    tally.add(best.offer);
    best.offer = { ...best.offer, pools: match.remaining };
    chosen.push(targets.indexOf(best));
  }
  return chosen;
}

const countsOf = (chosen: readonly number[], targets: readonly Target[]): readonly number[] =>
  targets.map((_, index) => chosen.filter((one) => one === index).length);

describe('the order of spreading', () => {
  it('keeps equal agents within one instance of each other, whatever zones they are in and have already', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c', undefined), { minLength: 1, maxLength: 12 }),
        fc.nat(60),
        fc.array(fc.nat(11), { maxLength: 5 }),
        (zones, count, earlier) => {
          const targets = zones.map((zone, at) =>
            aTarget(at, 5, zone === undefined ? {} : { region: 'r', zone }),
          );
          const app = anApp();
          const tally = new SpreadTally();
          const before = spread(app, targets, earlier.length, tally);

          const chosen = [...before, ...spread(app, targets, count, tally)];

          const counts = countsOf(chosen, targets);
          expect(chosen).toHaveLength(Math.min(earlier.length + count, targets.length * 5));
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        },
      ),
    );
  }, 60_000);

  it('fills what is full and goes on with the others', () => {
    const targets = [aTarget(0, 1), aTarget(1, 9), aTarget(2, 9)];

    expect(countsOf(spread(anApp(), targets, 9), targets)).toEqual([1, 4, 4]);
    expect(spread(anApp({ cpus: 20 }), targets, 9)).toEqual([]);
  });

  it('prefers the zone with fewest among agents with as many, then the agent with most room', () => {
    const zone = (name: string) => ({ region: 'r', zone: name });
    const targets = [aTarget(0, 4, zone('a')), aTarget(1, 8, zone('a')), aTarget(2, 4, zone('b'))];

    expect(spread(anApp(), targets, 2)).toEqual([1, 2]);
    expect(spread(anApp(), [aTarget(0, 2), aTarget(1, 4)], 1)).toEqual([1]);
  });

  it('takes what the agent has from another offer into account', () => {
    const twice = [aTarget(0, 5), aTarget(1, 5, { agentId: agentId('a0') }), aTarget(2, 3)];

    const counts = countsOf(spread(anApp(), twice, 4), twice);

    expect(counts[2]).toBe(2);
  });
});

describe('a daemon in matching', () => {
  it('is never placed twice on an agent, however much room there is and however often it is asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(4), { maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        (asked, count) => {
          const app = anApp({ workload: 'daemon' });
          const occupied = new Set<MatchableOffer['agentId']>();
          for (const at of asked) {
            const { offer } = aTarget(at, 100);
            const isTaken = occupied.has(offer.agentId);
            const match = matchOffer(offer, [{ app, count }], {
              placedOf: () => [],
              occupiedBy: () => occupied,
              seed: 1,
            });
            expect(match.launches).toHaveLength(isTaken ? 0 : 1);
            occupied.add(offer.agentId);
          }
        },
      ),
    );
  });
});
