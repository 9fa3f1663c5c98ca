import { describe, expect, it } from 'vitest';
import { agentId } from '#core';
import type { WireMachineId, WireMaintenanceSchedule } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';
import { isMachineOf } from './master-maintenance.js';

const START_NANOS = 2_000_000_000_000_000;
const HOST: WireMachineId = { hostname: 'Host' };

const schedule = (master: MasterHarness, machine_ids: readonly WireMachineId[]) =>
  master.operate({
    type: 'UPDATE_MAINTENANCE_SCHEDULE',
    update_maintenance_schedule: {
      schedule: {
        windows:
          machine_ids.length === 0
            ? []
            : [
                {
                  machine_ids,
                  unavailability: {
                    start: { nanoseconds: START_NANOS },
                    duration: { nanoseconds: 60 },
                  },
                },
              ],
      },
    },
  });
const machineDown = (master: MasterHarness) =>
  master.operate({ type: 'START_MAINTENANCE', start_maintenance: { machines: [HOST] } });
const machineUp = (master: MasterHarness) =>
  master.operate({ type: 'STOP_MAINTENANCE', stop_maintenance: { machines: [HOST] } });

/** One framework with the task `t` on an agent of the machine `host`. */
function running(capabilities: readonly { readonly type: string }[] = []) {
  const master = new MasterHarness();
  const framework = master.subscribe('F', { capabilities });
  const agent = master.addAgent('A');
  master.allocate();
  const [offer] = master.offersOf('F');
  if (offer === undefined) throw new Error('no offer');
  master.launch(framework, 'F', offer, [commandTask('t', agent)]);
  master.update({ agent, streamId: 'A', framework }, { taskId: 't', state: 'TASK_RUNNING' });
  master.call(framework, 'F', { type: 'REVIVE' });
  master.allocate();
  const tick = (ms = 1_000) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      master.advance(1_000);
      master.pong(agent, 'A');
    }
  };
  const inverseOffers = () =>
    master
      .eventsOf('F', 'INVERSE_OFFERS')
      .flatMap(({ inverse_offers }) => inverse_offers.inverse_offers);
  return { master, framework, agent, tick, inverseOffers };
}

describe('a maintenance schedule', () => {
  it('rescinds the offers of its machines, and new ones tell the unavailability', () => {
    const { master } = running();

    expect(schedule(master, [HOST]).status).toBe(200);
    master.allocate();

    expect(master.eventsOf('F', 'RESCIND')).toHaveLength(1);
    expect(master.offersOf('F').at(-1)?.unavailability).toEqual({
      start: { nanoseconds: START_NANOS },
      duration: { nanoseconds: 60 },
    });
  });

  it('asks each framework on its machines for what it has there, once until it answers', () => {
    const { master, agent, framework, tick, inverseOffers } = running();
    schedule(master, [HOST]);

    tick(5_000);

    expect(inverseOffers()).toMatchObject([
      {
        agent_id: { value: agent },
        framework_id: { value: framework },
        unavailability: { start: { nanoseconds: START_NANOS } },
      },
    ]);
  });

  it.each(['ACCEPT', 'DECLINE'] as const)(
    'notes an answer of %s and asks again after its filter',
    (status) => {
      const { master, agent, framework, tick, inverseOffers } = running();
      schedule(master, [HOST]);
      tick();
      const inverse_offer_ids = inverseOffers().map(({ id }) => id);
      const answer = { inverse_offer_ids, filters: { refuse_seconds: 10 } };

      master.call(
        framework,
        'F',
        status === 'ACCEPT'
          ? { type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: answer }
          : { type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: answer },
      );
      tick(8_000);
      const early = inverseOffers().length;
      tick(4_000);

      const answers = master.state.agents.get(agentId(agent))?.maintenanceAnswers;
      expect([...(answers?.values() ?? [])]).toMatchObject([{ status }]);
      expect([early, inverseOffers().length]).toEqual([1, 2]);
    },
  );

  it('rescinds inverse offers of machines that leave it, and offers no longer tell anything', () => {
    const { master, tick } = running();
    schedule(master, [HOST]);
    tick();

    schedule(master, []);
    master.allocate();

    expect(master.eventsOf('F', 'RESCIND_INVERSE_OFFER')).toHaveLength(1);
    expect(master.offersOf('F').at(-1)?.unavailability).toBeUndefined();
  });

  it('asks a framework again that came back on another stream', () => {
    const { master, framework, agent, tick, inverseOffers } = running();
    schedule(master, [HOST]);
    tick();

    master.subscribe('G', {}, { id: framework });
    tick();

    expect(inverseOffers()).toHaveLength(1);
    expect(master.eventsOf('G', 'INVERSE_OFFERS')).toHaveLength(1);
    expect(master.state.agents.get(agentId(agent))?.inverseOffers.size).toBe(1);
  });

  it.each([
    ['a machine twice', [HOST, { hostname: 'host' }], /more than once/],
    ['a machine without a name', [{}], /neither a hostname nor an ip/],
    ['what is no address', [{ ip: 'nowhere' }], /no IP address/],
    ['an address that cannot be', [{ ip: '999.1.1.1' }], /machine_ids\[0\]\.ip is "999\.1\.1\.1"/],
  ])('refuses %s', (_what, machines, message) => {
    const answer = schedule(running().master, machines);

    expect(answer.status).toBe(400);
    expect(answer.message).toMatch(message);
  });

  it('refuses a machine that is in two windows, and an end beyond what can be told', () => {
    const unavailability = { start: { nanoseconds: START_NANOS } };
    const endless = { ...unavailability, duration: { nanoseconds: 9e18 } };
    const update = (windows: readonly WireMaintenanceSchedule['windows'][number][]) =>
      running().master.operate({
        type: 'UPDATE_MAINTENANCE_SCHEDULE',
        update_maintenance_schedule: { schedule: { windows } },
      });
    const machine_ids = [HOST];

    expect(
      update([
        { machine_ids: [{ hostname: 'other' }], unavailability },
        { machine_ids, unavailability },
        { machine_ids, unavailability: { start: { nanoseconds: START_NANOS + 1e15 } } },
      ]),
    ).toMatchObject({
      status: 400,
      message: 'schedule.windows[2].machine_ids[0]: machine host is more than once in the schedule',
    });
    expect(update([{ machine_ids, unavailability: endless }])).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^schedule\.windows\[0\]\.unavailability ends at .* ns/),
    });
    expect(update([{ machine_ids: [], unavailability }])).toMatchObject({
      status: 400,
      message: 'schedule.windows[0].machine_ids is empty',
    });
  });

  it('is read back by the next master', () => {
    const { master: first, agent } = running();
    schedule(first, [HOST]);
    const changes = first.committed.flatMap((commit) => commit.changes);
    const maintenance = changes.flatMap((change) =>
      change.kind === 'put-maintenance' ? [change.maintenance] : [],
    );
    const agents = changes.flatMap((change) => (change.kind === 'put-agent' ? [change.agent] : []));

    const second = new MasterHarness({ epoch: 2 });
    second.recover({
      agents,
      ...(maintenance[0] === undefined ? {} : { maintenance: maintenance[0] }),
    });
    second.subscribe('F');
    second.addAgent('B', { id: agent });
    second.allocate();

    expect(second.offersOf('F')[0]?.unavailability?.start.nanoseconds).toBe(START_NANOS);
  });
});

describe('START_MAINTENANCE', () => {
  it.each([
    ['TASK_GONE', [{ type: 'PARTITION_AWARE' }]],
    ['TASK_LOST', []],
  ])('removes the agents of the machine: their tasks are %s for %j', (state, capabilities) => {
    const { master, agent } = running(capabilities);
    schedule(master, [HOST]);

    expect(machineDown(master).status).toBe(200);

    expect(master.statusesOf('F').at(-1)).toMatchObject({ state, reason: 'REASON_AGENT_REMOVED' });
    expect(master.messagesOf('A').at(-1)?.type).toBe('SHUTDOWN');
    expect(master.state.agents.has(agentId(agent))).toBe(false);
    expect(master.eventsOf('F', 'FAILURE')).toHaveLength(1);
  });

  it('turns agents of the machine away until it is up again', () => {
    const { master, agent } = running();
    schedule(master, [HOST]);
    machineDown(master);

    master.addAgent('B');
    master.addAgent('C', { id: agent });
    const away = [master.refused.get('B'), master.messagesOf('C').map(({ type }) => type)];
    const answer = machineUp(master);
    master.addAgent('D');

    expect(away).toEqual([503, ['SUBSCRIBED', 'SHUTDOWN']]);
    expect(answer.status).toBe(200);
    expect(master.messagesOf('D')[0]?.type).toBe('SUBSCRIBED');
    expect(master.state.operator.maintenance).toEqual({ windows: [], downMachines: [] });
  });

  it('refuses machines outside the schedule, and those that are down already', () => {
    const { master } = running();
    expect(machineDown(master)).toMatchObject({
      status: 400,
      message: 'machine host is not in the maintenance schedule',
    });
    schedule(master, [HOST]);
    machineDown(master);

    expect(machineDown(master)).toMatchObject({
      status: 400,
      message: 'machine host is down already',
    });
    expect(schedule(master, []).message).toBe('machine host is down and cannot leave the schedule');
  });
});

describe('STOP_MAINTENANCE', () => {
  it('refuses machines that are not down', () => {
    const { master } = running();
    schedule(master, [HOST]);

    expect(machineUp(master)).toMatchObject({ status: 400, message: 'machine host is not down' });
  });
});

describe('isMachineOf', () => {
  const info = { hostname: 'Web1', port: 1, resources: [], attributes: [] };
  const url = { scheme: 'http', address: { ip: '10.0.0.1', port: 1 } };

  it('wants both name and address where both are known', () => {
    expect(isMachineOf({ hostname: 'web1' }, info)).toBe(true);
    expect(isMachineOf({ hostname: 'web1', ip: '10.0.0.2' }, info)).toBe(true);
    expect(isMachineOf({ hostname: 'web1', ip: '10.0.0.2' }, { ...info, url })).toBe(false);
    expect(isMachineOf({ ip: '10.0.0.1' }, { ...info, url })).toBe(true);
    expect(isMachineOf({ ip: '10.0.0.1' }, { ...info, hostname: '10.0.0.1' })).toBe(true);
    expect(isMachineOf({ ip: '10.0.0.1' }, info)).toBe(false);
  });
});
