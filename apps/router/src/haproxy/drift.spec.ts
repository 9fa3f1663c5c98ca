import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countDrift, type DriftView, NO_DRIFT, sumDrift } from './drift.js';

const server = { address: '10.0.0.1', port: 80, state: 'ready', weight: 1 };
const view = (
  servers: Readonly<Record<string, object>>,
  hosts: Readonly<Record<string, string>> = {},
): DriftView => ({
  servers: new Map([
    ['web', new Map(Object.entries(servers).map(([name, own]) => [name, { ...server, ...own }]))],
  ]),
  maps: new Map([['hosts', new Map(Object.entries(hosts))]]),
});

it('counts each difference under its kind', () => {
  const wanted = view({ a: {}, b: {}, c: {}, d: {} }, { x: 'web', y: 'web', z: 'web' });
  const found = view(
    { a: { state: 'maint' }, b: { weight: 7 }, c: { port: 81, state: 'maint' }, e: {} },
    { x: 'web', y: 'other', w: 'web' },
  );

  expect(countDrift(found, wanted)).toEqual({
    'server-state': 1,
    'server-weight': 1,
    'server-address': 1,
    'missing-server': 1,
    'extra-server': 1,
    'map-entry': 3,
    certificate: 0,
  });
});

it('counts certificates by their fingerprint', () => {
  const wanted = { ...view({}), certificates: new Map([['a.pem', '01']]) };

  expect(
    countDrift({ ...view({}), certificates: new Map([['a.pem', '02']]) }, wanted).certificate,
  ).toBe(1);
});

it('takes an unknown weight for no difference', () => {
  expect(countDrift(view({ a: { weight: undefined } }), view({ a: {} }))).toEqual(NO_DRIFT);
});

it('finds nothing between equals and something between others, in both directions', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const servers = fc.dictionary(
    name,
    fc.constantFrom(80, 81).map((port) => ({ port })),
  );
  const hosts = fc.dictionary(name, fc.constantFrom('web', 'other'));
  fc.assert(
    fc.property(servers, hosts, servers, hosts, (one, oneHosts, two, twoHosts) => {
      const [left, right] = [view(one, oneHosts), view(two, twoHosts)];
      const areEqual = JSON.stringify(sorted(one)) + JSON.stringify(sorted(oneHosts));
      const others = JSON.stringify(sorted(two)) + JSON.stringify(sorted(twoHosts));

      expect(countDrift(left, left)).toEqual(NO_DRIFT);
      expect(sumDrift(countDrift(left, right)) === 0).toBe(areEqual === others);
      expect(sumDrift(countDrift(left, right))).toBe(sumDrift(countDrift(right, left)));
    }),
  );
});

const sorted = (record: object): unknown => Object.entries({ ...record }).sort();
