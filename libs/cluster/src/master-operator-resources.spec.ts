import { describe, expect, it } from 'vitest';
import { agentId, formatResources, resources } from '#core';
import type { WireResource } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const reservedTo = (role: string): Partial<WireResource> => ({
  reservations: [{ type: 'DYNAMIC', role, principal: 'ops' }],
});
const scalar = (name: string, value: number, more: Partial<WireResource> = {}): WireResource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  ...more,
});
const volume = (value: number, id = 'v1'): WireResource =>
  scalar('disk', value, {
    ...reservedTo('db'),
    disk: { persistence: { id, principal: 'ops' }, volume: { mode: 'RW', container_path: 'data' } },
  });

/** A framework that was offered all of an agent of 4 cpus and 1,000 MiB of disk. */
function offered() {
  const master = new MasterHarness();
  const framework = master.subscribe('F');
  const agent = master.addAgent('A', {
    total: resources({ cpus: 4, mem: 1024, disk: 1000 }),
  });
  master.allocate();
  const place = { agent_id: { value: agent } };
  const reserve = (...wanted: readonly WireResource[]) =>
    master.operate({
      type: 'RESERVE_RESOURCES',
      reserve_resources: { ...place, resources: wanted },
    });
  const unreserve = (...wanted: readonly WireResource[]) =>
    master.operate({
      type: 'UNRESERVE_RESOURCES',
      unreserve_resources: { ...place, resources: wanted },
    });
  const total = () => {
    const known = master.state.agents.get(agentId(agent));
    return known === undefined ? '' : formatResources(known.total);
  };
  const checkpoints = () =>
    master
      .messagesOf('A')
      .flatMap((one) => (one.type === 'CHECKPOINT_RESOURCES' ? [one.checkpoint_resources] : []));
  return { master, framework, agent, place, reserve, unreserve, total, checkpoints };
}

describe('RESERVE_RESOURCES', () => {
  it('rescinds the offers of the agent, reserves, and tells the agent: 202', () => {
    const { master, reserve, total, checkpoints } = offered();

    expect(reserve(scalar('cpus', 1, reservedTo('db'))).status).toBe(202);

    expect(master.eventsOf('F', 'RESCIND')).toHaveLength(1);
    expect(total()).toBe('cpus:3;cpus(db):1;disk:1000;mem:1024');
    expect(checkpoints().at(-1)?.resources).toMatchObject([
      { name: 'cpus', scalar: { value: 1 }, reservations: [{ role: 'db' }] },
    ]);
  });

  it('offers what is reserved to its role only', () => {
    const { master, reserve } = offered();
    reserve(scalar('cpus', 1, reservedTo('db')));
    master.allocate();
    const cpus = master
      .offersOf('F')
      .at(-1)
      ?.resources.find(({ name }) => name === 'cpus');
    expect(cpus?.scalar?.value).toBe(3);

    master.subscribe('D', { role: 'db' });
    master.allocate();

    expect(master.offersOf('D')[0]?.resources).toMatchObject([
      { name: 'cpus', scalar: { value: 1 }, role: 'db' },
    ]);
  });

  it('answers 409 for what tasks use', () => {
    const { master, framework, agent, reserve } = offered();
    const [offer] = master.offersOf('F');
    if (offer === undefined) throw new Error('no offer');
    master.launch(framework, 'F', offer, [commandTask('t', agent, { cpus: 3 })]);

    const answer = reserve(scalar('cpus', 2, reservedTo('db')));

    expect(answer.status).toBe(409);
    expect(answer.message).toMatch(/has cpus:1;.* free, which does not contain cpus:2/);
  });

  it('answers 409 for an agent that is away, 400 for one it does not know', () => {
    const { master, agent, reserve } = offered();
    master.dispatch({ kind: 'agent-stream-closed', streamId: 'A' });

    expect(reserve(scalar('cpus', 1, reservedTo('db')))).toMatchObject({
      status: 409,
      message: `Agent ${agent} is disconnected; its resources cannot be changed now`,
    });
    const nobody = { agent_id: { value: 'nobody' }, resources: [scalar('cpus', 1)] };
    expect(master.operate({ type: 'RESERVE_RESOURCES', reserve_resources: nobody }).status).toBe(
      400,
    );
  });

  it.each(['a//b', '/a', 'a/', 'a b', '..', '-a'])('answers 400 for the role %j', (role) => {
    expect(offered().reserve(scalar('cpus', 1, reservedTo(role)))).toMatchObject({
      status: 400,
      message: expect.stringContaining(`role ${JSON.stringify(role)} is invalid`),
    });
  });

  it('answers 400 for resources that name no reservation', () => {
    expect(offered().reserve(scalar('cpus', 1))).toMatchObject({
      status: 400,
      message: 'RESERVE_RESOURCES: cpus names no reservation',
    });
  });

  it('answers 409 when the reservation would put its role above a quota limit', () => {
    const { master, reserve } = offered();
    const quota_configs = [{ role: 'db', limits: { cpus: { value: 1 } } }];
    master.operate({ type: 'UPDATE_QUOTA', update_quota: { quota_configs } });

    expect(reserve(scalar('cpus', 2, reservedTo('db')))).toMatchObject({ status: 409 });
  });

  it('changes one reservation into another in one step', () => {
    const { master, place, reserve, total } = offered();
    reserve(scalar('cpus', 1, reservedTo('db')));

    const change = (target: WireResource) =>
      master.operate({
        type: 'RESERVE_RESOURCES',
        reserve_resources: {
          ...place,
          source: [scalar('cpus', 1, reservedTo('db'))],
          resources: [target],
        },
      });

    expect(change(scalar('cpus', 2, reservedTo('web'))).status).toBe(400);
    expect(change(scalar('cpus', 1, reservedTo('web'))).status).toBe(202);
    expect(total()).toContain('cpus(web):1');
  });

  it('outlives a master: what the agent brings back is reserved', () => {
    const { reserve, checkpoints, agent } = offered();
    reserve(scalar('cpus', 1, reservedTo('db')));
    const second = new MasterHarness({ epoch: 2 });

    second.addAgent('B', {
      id: agent,
      total: resources({ cpus: 4, mem: 1024 }),
      checkpointed: checkpoints().at(-1)?.resources ?? [],
    });

    const known = second.state.agents.get(agentId(agent));
    expect(known && formatResources(known.total)).toContain('cpus(db):1');
  });
});

describe('UNRESERVE_RESOURCES, CREATE_VOLUMES and DESTROY_VOLUMES', () => {
  it('undo and make step by step', () => {
    const { master, place, reserve, unreserve, total } = offered();
    reserve(scalar('disk', 500, reservedTo('db')));
    const create = () =>
      master.operate({
        type: 'CREATE_VOLUMES',
        create_volumes: { ...place, volumes: [volume(200)] },
      });

    expect(create().status).toBe(202);
    expect(create()).toMatchObject({ status: 400 });
    expect(total()).toContain('disk(db)[v1:data]:200');
    expect(unreserve(scalar('disk', 500, reservedTo('db')))).toMatchObject({ status: 409 });
    master.operate({
      type: 'DESTROY_VOLUMES',
      destroy_volumes: { ...place, volumes: [volume(200)] },
    });
    expect(unreserve(scalar('disk', 500, reservedTo('db'))).status).toBe(202);
    expect(total()).toBe('cpus:4;disk:1000;mem:1024');
  });

  it('grow and shrink a volume within its reservation', () => {
    const { master, place, reserve, total } = offered();
    reserve(scalar('disk', 500, reservedTo('db')));
    master.operate({
      type: 'CREATE_VOLUMES',
      create_volumes: { ...place, volumes: [volume(200)] },
    });

    const grow_volume = {
      ...place,
      volume: volume(200),
      addition: scalar('disk', 100, reservedTo('db')),
    };
    expect(master.operate({ type: 'GROW_VOLUME', grow_volume }).status).toBe(202);
    expect(total()).toContain('disk(db)[v1:data]:300');
    const shrink_volume = { ...place, volume: volume(300), subtract: { value: 250 } };
    expect(master.operate({ type: 'SHRINK_VOLUME', shrink_volume }).status).toBe(202);
    expect(total()).toContain('disk(db)[v1:data]:50');
  });
});
