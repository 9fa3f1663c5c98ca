import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resources, toMilli } from '#core';
import { toWireResources, type WireOffer, type WireResource } from '#mesos-v1';
import { packOffers, type Requirements } from './pack-offers.js';

const offer = (
  id: string,
  given: {
    readonly agent?: string;
    readonly cpus?: number;
    readonly mem?: number;
    readonly ports?: readonly { readonly begin: number; readonly end: number }[];
    readonly role?: string;
    readonly rack?: string;
    readonly extra?: readonly WireResource[];
  } = {},
): WireOffer => ({
  id: { value: id },
  framework_id: { value: 'f' },
  agent_id: { value: given.agent ?? `agent-${id}` },
  hostname: `host-of-${given.agent ?? id}`,
  resources: [
    ...toWireResources(
      resources({ cpus: given.cpus ?? 4, mem: given.mem ?? 4096, ports: given.ports ?? [] }),
    ),
    ...(given.extra ?? []),
  ],
  attributes:
    given.rack === undefined ? [] : [{ name: 'rack', type: 'TEXT', text: { value: given.rack } }],
  ...(given.role === undefined ? {} : { allocation_info: { role: given.role } }),
});
const task = (given: Partial<Requirements> = {}): Requirements => ({
  cpus: 1,
  memMib: 128,
  ...given,
});
const scalar = (name: string, value: number, more: object = {}): WireResource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  ...more,
});

describe('packOffers', () => {
  it('puts several tasks on one offer, as many as fit', () => {
    const gangs = [1, 2, 3].map(() => [task({ cpus: 1 })]);

    const packing = packOffers([offer('o', { cpus: 2.5 })], gangs);

    expect(packing.accepts.map(({ placements }) => placements.length)).toEqual([2]);
    expect(packing.waiting).toEqual([gangs[2]]);
    expect(packing.unused).toEqual([]);
  });

  it('accepts several offers of one agent together', () => {
    const offers = [offer('a', { agent: 'x', cpus: 1 }), offer('b', { agent: 'x', cpus: 1 })];

    const { accepts } = packOffers(offers, [[task({ cpus: 2 })]]);

    expect(accepts.map(({ offerIds }) => offerIds)).toEqual([['a', 'b']]);
    const cpus = accepts[0]?.placements[0]?.resources.filter(({ name }) => name === 'cpus');
    expect(cpus?.map((resource) => resource.scalar?.value)).toEqual([1, 1]);
  });

  it('keeps offers of two roles apart, as one ACCEPT cannot name both', () => {
    const offers = [
      offer('a', { agent: 'x', cpus: 1, role: 'one' }),
      offer('b', { agent: 'x', cpus: 1, role: 'two' }),
    ];

    const packing = packOffers(offers, [[task({ cpus: 2 })]]);

    expect(packing.accepts).toEqual([]);
    expect(packing.unused).toEqual(['a', 'b']);
  });

  it('gives no port twice, and the lowest first', () => {
    const ports = [
      { begin: 31_000, end: 31_001 },
      { begin: 31_005, end: 31_005 },
    ];

    const packing = packOffers(
      [offer('o', { ports })],
      [[task({ ports: 2 })], [task({ ports: 1 })], [task({ ports: 1 })]],
    );

    const placements = packing.accepts.flatMap((accept) => accept.placements);
    expect(placements.map((one) => one.ports)).toEqual([[31_000, 31_001], [31_005]]);
    expect(packing.waiting).toHaveLength(1);
  });

  it('places a gang whole or not at all, and takes nothing for one that does not fit', () => {
    const gang = [task({ cpus: 3 }), task({ cpus: 3 }), task({ cpus: 3 })];
    const single = task({ cpus: 4 });
    const offers = [offer('a'), offer('b')];

    const packing = packOffers(offers, [gang, [single]]);

    expect(packing.accepts.map(({ placements }) => placements[0]?.task)).toEqual([single]);
    expect(packing.waiting).toEqual([gang]);
    expect(packOffers([...offers, offer('c')], [gang]).accepts).toHaveLength(3);
  });

  it('goes where least is left, so that a large task finds room afterwards', () => {
    const offers = [offer('large', { cpus: 8 }), offer('small', { cpus: 1 })];

    const packing = packOffers(offers, [[task({ cpus: 1 })], [task({ cpus: 8 })]]);

    expect(packing.waiting).toEqual([]);
  });

  it('heeds attributes', () => {
    const offers = [offer('a', { rack: 'r1' }), offer('b', { rack: 'r2' }), offer('c')];

    const { accepts, unused } = packOffers(offers, [[task({ attributes: { rack: 'r2' } })]]);

    expect(accepts.map(({ offerIds }) => offerIds)).toEqual([['b']]);
    expect(unused).toEqual(['a', 'c']);
  });

  it('uses what is reserved first, and leaves volumes and revocable resources alone', () => {
    const reservation = { reservations: [{ type: 'DYNAMIC', role: 'ops' }] };
    const extra = [
      scalar('cpus', 1, reservation),
      scalar('cpus', 64, { revocable: {} }),
      scalar('mem', 64_000, { disk: { persistence: { id: 'v' } } }),
    ];

    const { accepts, waiting } = packOffers(
      [offer('o', { cpus: 1, extra })],
      [[task({ cpus: 2 })], [task({ cpus: 1 })]],
    );

    const cpus = accepts[0]?.placements[0]?.resources.filter(({ name }) => name === 'cpus');
    expect(cpus).toEqual([scalar('cpus', 1, reservation), { ...scalar('cpus', 1), role: '*' }]);
    expect(waiting).toHaveLength(1);
  });

  it('never uses more than is offered, and loses no task and no offer', () => {
    const anOffer = fc.record({
      agent: fc.constantFrom('x', 'y', 'z'),
      cpus: fc.integer({ min: 1, max: 80 }).map((tenths) => tenths / 10),
      mem: fc.integer({ min: 1, max: 4_000 }),
      ports: fc.constantFrom([], [{ begin: 1, end: 3 }]),
    });
    const aTask = fc.record({
      cpus: fc.integer({ min: 0, max: 30 }).map((tenths) => tenths / 10),
      memMib: fc.integer({ min: 0, max: 2_000 }),
      ports: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(
        fc.array(anOffer, { maxLength: 6 }),
        fc.array(fc.array(aTask, { minLength: 1, maxLength: 4 }), { maxLength: 8 }),
        (given, gangs) => {
          // Two offers of one agent never hold the same port.
          const offers = given.map(({ ports, ...rest }, index) =>
            offer(`o${index}`, {
              ...rest,
              ports: ports.map(({ begin, end }) => ({
                begin: begin + index * 10,
                end: end + index * 10,
              })),
            }),
          );

          const { accepts, unused, waiting } = packOffers(offers, gangs);

          const ids = [...accepts.flatMap(({ offerIds }) => offerIds), ...unused];
          expect(ids.toSorted()).toEqual(offers.map(({ id }) => id.value).toSorted());
          const placed = accepts.flatMap(({ placements }) => placements);
          expect([...placed.map((one) => one.task), ...waiting.flat()].length).toBe(
            gangs.flat().length,
          );
          for (const gang of waiting) {
            expect(placed.some((one) => gang.includes(one.task))).toBe(false);
          }
          for (const { offerIds, placements } of accepts) {
            const offered = offers.filter(({ id }) => offerIds.some((one) => one === id.value));
            for (const name of ['cpus', 'mem']) {
              expect(
                sum(
                  placements.flatMap((one) => one.resources),
                  name,
                ),
              ).toBeLessThanOrEqual(
                sum(
                  offered.flatMap((one) => one.resources),
                  name,
                ),
              );
            }
            const ports = placements.flatMap((one) => one.ports);
            expect(new Set(ports).size).toBe(ports.length);
          }
          for (const { task: one, resources: taken } of placed) {
            expect(sum(taken, 'cpus')).toBe(toMilli(one.cpus));
          }
        },
      ),
    );
  });
});

const sum = (wire: readonly WireResource[], wanted: string): number =>
  wire
    .filter(({ name }) => name === wanted)
    .reduce((total, { scalar: amount }) => total + toMilli(amount?.value ?? 0), 0);
