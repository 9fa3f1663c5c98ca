import { describe, expect, it } from 'vitest';
import { formatResources } from '#core';
import {
  decodeResources,
  type FrameworkInfo,
  type OfferOperation,
  type WireOffer,
  type WireReservation,
  type WireResource,
} from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const REFINED: Partial<FrameworkInfo> = {
  roles: ['db'],
  principal: 'ops',
  capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }],
};
const mine: WireReservation = { type: 'DYNAMIC', role: 'db', principal: 'ops' };

const scalar = (name: string, value: number, more: Partial<WireResource> = {}): WireResource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  ...more,
});
const reserved = (name: string, value: number, more: Partial<WireResource> = {}): WireResource =>
  scalar(name, value, { reservations: [mine], ...more });
const volume = (value: number, id = 'v1', path = 'data'): WireResource =>
  reserved('disk', value, {
    disk: {
      persistence: { id, principal: 'ops' },
      volume: { mode: 'RW', container_path: path },
    },
  });
const reserve = (...resources: WireResource[]): OfferOperation => ({
  type: 'RESERVE',
  reserve: { resources },
});
const create = (...volumes: WireResource[]): OfferOperation => ({
  type: 'CREATE',
  create: { volumes },
});
const destroy = (...volumes: WireResource[]): OfferOperation => ({
  type: 'DESTROY',
  destroy: { volumes },
});
const launch = (id: string, agent: string, resources: readonly WireResource[]): OfferOperation => ({
  type: 'LAUNCH',
  launch: { task_infos: [{ ...commandTask(id, agent), resources }] },
});
const withId = (id: string, operation: OfferOperation): OfferOperation => ({
  ...operation,
  id: { value: id },
});

function cluster(info: Partial<FrameworkInfo> = REFINED) {
  const master = new MasterHarness();
  const framework = master.subscribe('F', info);
  const agent = master.addAgent('A', {
    resources: [scalar('cpus', 4), scalar('mem', 1024), scalar('disk', 100)],
  });
  master.allocate();
  const offer = master.offersOf('F')[0] as WireOffer;
  const apply = (...operations: OfferOperation[]) => {
    const last = master.offersOf('F').at(-1) as WireOffer;
    master.accept(framework, 'F', last, operations, { refuse_seconds: 0 });
    master.allocate();
  };
  const total = () =>
    formatResources([...master.state.agents.values()][0]?.total ?? decodeResources([]));
  return { master, framework, agent, offer, apply, total };
}

const typesTo = (master: MasterHarness, streamId: string) =>
  master.messagesOf(streamId).map(({ type }) => type);

describe('operations on resources', () => {
  it('RESERVE: what was unreserved is reserved, and offered so', () => {
    const { master, apply, total } = cluster();

    apply(reserve(reserved('cpus', 1)));

    expect(total()).toBe('cpus:3;cpus(db):1;disk:100;mem:1024');
    const last = master.offersOf('F').at(-1);
    expect(last?.resources).toContainEqual({
      name: 'cpus',
      type: 'SCALAR',
      scalar: { value: 1 },
      reservations: [mine],
      allocation_info: { role: 'db' },
    });
  });

  it('operations of one call see what the ones before them converted', () => {
    const { master, agent, apply } = cluster();

    apply(
      reserve(reserved('disk', 50), reserved('cpus', 1)),
      create(volume(50)),
      launch('t', agent, [reserved('cpus', 1), scalar('mem', 64), volume(50)]),
    );

    expect(master.statusesOf('F')).toEqual([]);
    expect(typesTo(master, 'A')).toEqual(['SUBSCRIBED', 'CHECKPOINT_RESOURCES', 'LAUNCH']);
    const sent = master.messagesOf('A')[1];
    expect(sent?.type === 'CHECKPOINT_RESOURCES' && sent.checkpoint_resources.resources).toEqual([
      reserved('cpus', 1),
      volume(50),
    ]);
  });

  it('the agent is sent its checkpoint before anything that is launched on it', () => {
    const { master, agent, apply } = cluster();

    apply(
      launch('t1', agent, [scalar('cpus', 1)]),
      reserve(reserved('cpus', 1)),
      launch('t2', agent, [reserved('cpus', 1)]),
      reserve(reserved('mem', 64)),
    );

    expect(typesTo(master, 'A')).toEqual([
      'SUBSCRIBED',
      'LAUNCH',
      'CHECKPOINT_RESOURCES',
      'LAUNCH',
      'CHECKPOINT_RESOURCES',
    ]);
  });

  it('ReserveThenUnreserve: the resources are unreserved again', () => {
    const { apply, total } = cluster();
    apply(reserve(reserved('cpus', 1)));

    apply({ type: 'UNRESERVE', unreserve: { resources: [reserved('cpus', 1)] } });

    expect(total()).toBe('cpus:4;disk:100;mem:1024');
  });

  it('CreateAndDestroyPersistentVolumes: disk becomes a volume and disk again', () => {
    const { apply, total } = cluster();
    apply(reserve(reserved('disk', 50)), create(volume(50)));
    expect(total()).toBe('cpus:4;disk:50;disk(db)[v1:data]:50;mem:1024');

    apply(destroy(volume(50)));

    expect(total()).toBe('cpus:4;disk:50;disk(db):50;mem:1024');
  });

  it('GROW_VOLUME and SHRINK_VOLUME move disk of the same reservation', () => {
    const { apply, total } = cluster();
    apply(reserve(reserved('disk', 50)), create(volume(30)));

    apply({
      type: 'GROW_VOLUME',
      grow_volume: { volume: volume(30), addition: reserved('disk', 10) },
    });
    expect(total()).toBe('cpus:4;disk:50;disk(db):10;disk(db)[v1:data]:40;mem:1024');
    apply({
      type: 'SHRINK_VOLUME',
      shrink_volume: { volume: volume(40), subtract: { value: 35 } },
    });

    expect(total()).toBe('cpus:4;disk:50;disk(db):45;disk(db)[v1:data]:5;mem:1024');
  });

  const refused: readonly (readonly [string, readonly OfferOperation[], string])[] = [
    [
      'a reservation for another role than the offer was for',
      [reserve(scalar('cpus', 1, { reservations: [{ ...mine, role: 'web' }] }))],
      'the offer was for the role db',
    ],
    [
      'a reservation of another principal',
      [reserve(scalar('cpus', 1, { reservations: [{ ...mine, principal: 'eve' }] }))],
      "the reservation's principal is eve, not ops",
    ],
    [
      'a static reservation',
      [reserve(scalar('cpus', 1, { reservations: [{ type: 'STATIC', role: 'db' }] }))],
      'reserved statically',
    ],
    ['a reservation of more than is offered', [reserve(reserved('cpus', 9))], 'more than'],
    [
      'a refinement that is not below the role it refines',
      [reserve(scalar('cpus', 1, { reservations: [mine, { ...mine, role: 'web/x' }] }))],
      'is not below db',
    ],
    ['revocable resources', [reserve(reserved('cpus', 1, { revocable: {} }))], 'revocable'],
    [
      'a port named under two reservations',
      [
        reserve(
          {
            name: 'ports',
            type: 'RANGES',
            ranges: { range: [{ begin: 1, end: 1 }] },
            reservations: [mine],
          },
          {
            name: 'ports',
            type: 'RANGES',
            ranges: { range: [{ begin: 1, end: 1 }] },
            reservations: [{ ...mine, labels: { labels: [{ key: 'a' }] } }],
          },
        ),
      ],
      'names a range twice',
    ],
    [
      'an UNRESERVE of what is not reserved',
      [{ type: 'UNRESERVE', unreserve: { resources: [scalar('cpus', 1)] } }],
      'is not reserved',
    ],
    [
      'a volume on unreserved disk',
      [
        create(
          scalar('disk', 10, {
            disk: {
              persistence: { id: 'v1', principal: 'ops' },
              volume: { mode: 'RW', container_path: 'data' },
            },
          }),
        ),
      ],
      'volumes need reserved disk',
    ],
    [
      'a container_path that leads out of the sandbox',
      [reserve(reserved('disk', 10)), create(volume(10, 'v1', '../etc'))],
      'leads out of the sandbox',
    ],
    [
      'an absolute container_path',
      [reserve(reserved('disk', 10)), create(volume(10, 'v1', '/etc'))],
      'is not relative',
    ],
    [
      'a volume id that cannot be the name of a directory',
      [reserve(reserved('disk', 10)), create(volume(10, '../../v1'))],
      'disk.persistence.id contains the character "/"; it names a directory',
    ],
    [
      'a volume id the role has on the agent already',
      [reserve(reserved('disk', 20)), create(volume(10)), create(volume(10, 'v1', 'other'))],
      'has a volume v1 on this agent already',
    ],
    [
      'a DESTROY of part of a volume',
      [reserve(reserved('disk', 20)), create(volume(20)), destroy(volume(10))],
      'used as a whole',
    ],
    ['a DESTROY of what is no volume', [destroy(reserved('disk', 10))], 'is no volume'],
    ['an operation without resources', [reserve()], 'names no resources'],
  ];
  it.each(refused)('drops %s, with OPERATION_ERROR as it has an id', (_, operations, message) => {
    const { master, apply, total } = cluster();
    const before = operations.slice(0, -1);
    if (before.length > 0) apply(...before);
    const unchanged = total();

    apply(withId('o1', operations.at(-1) as OfferOperation));

    const status = master.operationsOf('F').at(-1);
    expect(status).toMatchObject({ operation_id: { value: 'o1' }, state: 'OPERATION_ERROR' });
    expect(status?.message).toContain(message);
    expect(status?.uuid).toBeUndefined();
    expect(total()).toBe(unchanged);
  });

  it('drops an invalid operation without a word when it has no id, and goes on with the next', () => {
    const { master, agent, apply } = cluster();

    apply(reserve(reserved('cpus', 9)), launch('t', agent, [scalar('cpus', 1)]));

    expect(master.operationsOf('F')).toEqual([]);
    expect(typesTo(master, 'A')).toEqual(['SUBSCRIBED', 'LAUNCH']);
  });

  it('a refinement needs RESERVATION_REFINEMENT, the old form does not', () => {
    const { master, apply, total } = cluster({ role: 'db', principal: 'ops' });

    apply(
      withId('o1', reserve(scalar('cpus', 1, { reservations: [mine, { ...mine, role: 'db/x' }] }))),
      reserve(scalar('cpus', 1, { role: 'db', reservation: { principal: 'ops' } })),
    );

    expect(master.operationsOf('F')[0]?.message).toContain('RESERVATION_REFINEMENT');
    expect(total()).toContain('cpus(db):1');
    expect(master.offersOf('F').at(-1)?.resources).toContainEqual({
      name: 'cpus',
      type: 'SCALAR',
      scalar: { value: 1 },
      role: 'db',
      reservation: { principal: 'ops' },
    });
  });

  it('refuses to destroy a volume a task uses', () => {
    const { master, agent, apply } = cluster();
    apply(reserve(reserved('disk', 50)), create(volume(50)));
    apply(launch('t', agent, [scalar('cpus', 1), volume(50)]));

    apply(withId('o1', destroy(volume(50))));

    expect(master.operationsOf('F').at(-1)?.message).toContain('volume v1 is in use by task t');
  });

  it('a task uses a volume as a whole', () => {
    const { master, agent, apply } = cluster();
    apply(reserve(reserved('disk', 50)), create(volume(50)));

    apply(launch('t', agent, [scalar('cpus', 1), volume(20)]));

    expect(master.statusesOf('F')[0]).toMatchObject({ reason: 'REASON_TASK_INVALID' });
    expect(master.statusesOf('F')[0]?.message).toContain('used as a whole');
  });

  it('a volume survives its framework: it is offered to the role again', () => {
    const { master, framework, apply } = cluster();
    apply(reserve(reserved('disk', 50)), create(volume(50)));

    master.call(framework, 'F', { type: 'TEARDOWN' });
    master.subscribe('G', REFINED);
    master.allocate();

    expect(master.offersOf('G')[0]?.resources).toContainEqual({
      ...volume(50),
      allocation_info: { role: 'db' },
    });
  });

  it('an operation.id on a launch is refused with TASK_ERROR', () => {
    const { master, agent, apply } = cluster();

    apply(withId('o1', launch('t', agent, [scalar('cpus', 1)])));

    expect(master.statusesOf('F')).toMatchObject([
      { state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID' },
    ]);
    expect(typesTo(master, 'A')).toEqual(['SUBSCRIBED']);
  });

  it('what an ACCEPT converted is offered at once, whatever its filter says of the rest', () => {
    const { master, framework, offer } = cluster();

    master.accept(framework, 'F', offer, [reserve(reserved('cpus', 1))], { refuse_seconds: 3_600 });
    master.allocate();

    expect(master.offersOf('F')).toHaveLength(2);
  });
});
