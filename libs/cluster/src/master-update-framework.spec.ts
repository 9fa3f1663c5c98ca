import { describe, expect, it } from 'vitest';
import { frameworkId } from '#core';
import type { FrameworkInfo, OfferConstraints, WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';
import { startObserving, takeChanges } from './master-observation.js';

const MULTI_ROLE = [{ type: 'MULTI_ROLE' }];
const base: FrameworkInfo = {
  user: 'root',
  name: 'F',
  failover_timeout: 60,
  roles: ['a', 'b'],
  capabilities: MULTI_ROLE,
};

function cluster(info: Partial<FrameworkInfo> = base) {
  const master = new MasterHarness();
  const id = master.subscribe('F', info);
  const update = (
    next: Partial<FrameworkInfo>,
    more: {
      readonly suppressed_roles?: readonly string[];
      readonly offer_constraints?: OfferConstraints;
    } = {},
  ) =>
    master.call(id, 'F', {
      type: 'UPDATE_FRAMEWORK',
      update_framework: {
        framework_info: { ...base, ...info, ...next, id: { value: id } },
        ...more,
      },
    });
  return { master, id, update };
}

describe('UPDATE_FRAMEWORK', () => {
  it('is answered 200, and the new info is durable before it', () => {
    const { master, id, update } = cluster();
    master.holdsCommits = true;

    expect(update({ name: 'renamed' }).status).toBe(0);
    expect(master.state.frameworks.get(frameworkId(id))?.info.name).toBe('F');
    master.releaseCommits();

    expect(master.answers.get('c0')).toMatchObject({ status: 200 });
    expect(master.state.frameworks.get(frameworkId(id))?.info.name).toBe('renamed');
    const last = master.committed.flatMap(({ changes }) => changes).at(-1);
    expect(last).toMatchObject({ framework: { info: { name: 'renamed' }, state: 'registered' } });
  });

  it('is told to those who watch the master, as a reservation is', () => {
    const { master, id, update } = cluster({ ...base, roles: ['a'] });
    master.addAgent('A');
    master.allocate();
    startObserving(master.state);

    update({ roles: ['a'], name: 'renamed' });
    expect(takeChanges(master.state).map(({ kind }) => kind)).toEqual(['framework-updated']);
    const cpus = { name: 'cpus', type: 'SCALAR', scalar: { value: 1 }, role: 'a' } as const;
    master.accept(id, 'F', master.offersOf('F')[0] as WireOffer, [
      { type: 'RESERVE', reserve: { resources: [{ ...cpus, reservation: {} }] } },
    ]);

    expect(takeChanges(master.state).map(({ kind }) => kind)).toEqual(['agent-added']);
  });

  it('is answered 503 while the registry is away, and changes nothing', () => {
    const { master, id, update } = cluster();
    master.registryIsAway = true;

    expect(update({ name: 'renamed' }).status).toBe(503);

    expect(master.state.frameworks.get(frameworkId(id))?.info.name).toBe('F');
  });

  it('rescinds the offers of removed roles, and only those', () => {
    const { master, update } = cluster();
    master.addAgent('A');
    master.addAgent('B');
    master.allocate();
    const of = (role: string) =>
      master.offersOf('F').find((offer) => offer.allocation_info?.role === role) as WireOffer;
    expect(of('a')).toBeDefined();
    expect(of('b')).toBeDefined();

    update({ roles: ['b'] });

    expect(master.eventsOf('F', 'RESCIND').map((event) => event.rescind.offer_id)).toEqual([
      of('a').id,
    ]);
  });

  it('clears the filters of newly unsuppressed roles', () => {
    const { master, id, update } = cluster({ ...base, roles: ['a'] });
    master.addAgent('A');
    master.allocate();
    const offer = master.offersOf('F')[0] as WireOffer;
    master.call(id, 'F', {
      type: 'DECLINE',
      decline: { offer_ids: [offer.id], filters: { refuse_seconds: 3_600 } },
    });
    update({}, { suppressed_roles: ['a'] });
    master.allocate();
    expect(master.offersOf('F')).toHaveLength(1);

    update({});
    master.allocate();

    expect(master.offersOf('F')).toHaveLength(2);
  });

  it.each<[string, Partial<FrameworkInfo>]>([
    ['user', { user: 'other' }],
    ['checkpoint', { checkpoint: true }],
    ['principal', { principal: 'other' }],
  ])('refuses a change of %s: 400', (name, change) => {
    const { update } = cluster();

    const answer = update(change);

    expect(answer.status).toBe(400);
    expect(answer.message).toContain(name);
  });

  it.each<
    [string, Partial<FrameworkInfo>, Parameters<ReturnType<typeof cluster>['update']>[1], string]
  >([
    ['a role that is no role', { roles: ['a b'] }, {}, 'is invalid'],
    ['a role given twice', { roles: ['a', 'a'] }, {}, 'twice'],
    ['a suppressed role it has not got', {}, { suppressed_roles: ['x'] }, 'suppressed_roles'],
    [
      'a constraint without a predicate',
      {},
      {
        offer_constraints: {
          role_constraints: {
            a: {
              groups: [
                { attribute_constraints: [{ selector: { attribute_name: 'x' }, predicate: {} }] },
              ],
            },
          },
        },
      },
      'offer_constraints',
    ],
  ])('refuses %s: 400', (_, change, more, message) => {
    const { update } = cluster();

    const answer = update(change, more);

    expect(answer.status).toBe(400);
    expect(answer.message).toContain(message);
  });

  it('changes from a single role to MULTI_ROLE and back, and tasks keep their role', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F', { role: 'a' });
    const agent = master.addAgent('A');
    master.allocate();
    master.launch(id, 'F', master.offersOf('F')[0] as WireOffer, [commandTask('t', agent)]);
    const send = (info: Partial<FrameworkInfo>) =>
      master.call(id, 'F', {
        type: 'UPDATE_FRAMEWORK',
        update_framework: {
          framework_info: { user: 'root', name: 'F', ...info, id: { value: id } },
        },
      });

    expect(send({ roles: ['b'], capabilities: MULTI_ROLE }).status).toBe(200);
    master.advance(6_000);
    expect(master.offersOf('F').at(-1)?.allocation_info).toEqual({ role: 'b' });
    expect(send({ role: 'c' }).status).toBe(200);

    const [task] = [...(master.state.frameworks.get(frameworkId(id))?.tasks.values() ?? [])];
    expect(task?.role).toBe('a');
    master.advance(6_000);
    expect(master.offersOf('F').at(-1)?.allocation_info).toBeUndefined();
  });

  it('keeps what the last SUBSCRIBE cannot change: user and checkpoint', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F', { checkpoint: true });

    master.subscribe('G', { user: 'other', checkpoint: false, name: 'new' }, { id });

    expect(master.state.frameworks.get(frameworkId(id))?.info).toMatchObject({
      user: 'root',
      checkpoint: true,
      name: 'new',
    });
  });
});

describe('SUBSCRIBE', () => {
  const constraints = (regex: string): OfferConstraints => ({
    role_constraints: {
      '*': {
        groups: [
          {
            attribute_constraints: [
              { selector: { attribute_name: 'rack' }, predicate: { text_matches: { regex } } },
            ],
          },
        ],
      },
    },
  });
  it.each<[string, Partial<FrameworkInfo>, Parameters<MasterHarness['subscribe']>[2], string]>([
    ['roles without MULTI_ROLE', { roles: ['a'] }, {}, 'MULTI_ROLE'],
    ['a role with MULTI_ROLE', { role: 'a', capabilities: MULTI_ROLE }, {}, 'MULTI_ROLE'],
    ['a role given twice', { roles: ['a', 'a'], capabilities: MULTI_ROLE }, {}, 'twice'],
    ['a role below *', { role: '*/a' }, {}, 'is invalid'],
    ['a negative failover_timeout', { failover_timeout: -1 }, {}, 'below 0'],
    ['suppressed roles it has not got', {}, { suppressed: ['x'] }, 'suppressed_roles'],
    ['offer_constraints with a broken regex', {}, { constraints: constraints('(') }, 'regex'],
    ['offer_filters for a role it has not got', { offer_filters: { x: {} } }, {}, 'offer_filters'],
    [
      'offer_filters below 0',
      {
        offer_filters: {
          '*': {
            min_allocatable_resources: { quantities: [{ quantities: { cpus: { value: -1 } } }] },
          },
        },
      },
      {},
      'below 0',
    ],
    [
      'another principal than it authenticated as',
      { principal: 'a' },
      { principal: 'b' },
      'principal',
    ],
  ])('refuses %s by an ERROR event and closes the stream', (_, info, options, message) => {
    const master = new MasterHarness();

    master.subscribe('F', info, options);

    expect(master.eventsOf('F', 'ERROR')[0]?.error.message).toContain(message);
    expect(master.closed.has('F')).toBe(true);
    expect(master.state.frameworks.size).toBe(0);
  });

  it('replaces the suppressed roles of before', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F', {}, { suppressed: ['*'] });
    master.addAgent('A');
    master.allocate();
    expect(master.offersOf('F')).toHaveLength(0);

    master.subscribe('G', {}, { id });
    master.allocate();

    expect(master.offersOf('G')).toHaveLength(1);
  });
});
