import { afterEach, describe, expect, it } from 'vitest';
import { resources } from '#core';
import { type AgentMessage, toWireResources } from '#mesos-v1';
import { BODY_LIMIT_BYTES } from '#platform';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import {
  post,
  type RunningMaster,
  StreamClient,
  startMaster,
  subscribeAgent,
} from '../master.test-support.js';

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
/** Together, at 4 KB each, more than other bodies may be. */
const TASKS = 2_200;
/** For a loaded machine. */
const LIMIT_MS = 60_000;
let master: RunningMaster | undefined;

afterEach(async () => {
  await master?.daemon.close();
  master = undefined;
});

describe('the size of a call', () => {
  const taskOf = (number: number) => {
    const task_id = { value: `task-${number}` };
    return {
      framework_id: { value: 'f' },
      task: {
        name: 't',
        task_id,
        agent_id: { value: 'agent-1' },
        resources: toWireResources(resources({ cpus: 0.001, mem: 1 })),
        command: { value: 'sleep 1' },
        data: 'x'.repeat(4_000),
      },
      state: 'TASK_RUNNING',
      latest_status: { task_id, state: 'TASK_RUNNING' },
    };
  };

  it(
    'lets an agent come back with thousands of tasks',
    async () => {
      master = await startMaster();
      const subscribe = {
        agent_info: {
          id: { value: 'agent-1' },
          hostname: '127.0.0.1',
          port: 1,
          resources: toWireResources(resources({ cpus: 64, mem: 65_536 })),
          attributes: [],
        },
        version: 'test',
        highest_epoch: 0,
        tasks: Array.from({ length: TASKS }, (_, number) => taskOf(number)),
        frameworks: [{ user: 'root', name: 'f', id: { value: 'f' }, failover_timeout: 600 }],
      };
      const body = { type: 'SUBSCRIBE', subscribe };
      expect(JSON.stringify(body).length).toBeGreaterThan(BODY_LIMIT_BYTES);

      const stream = await StreamClient.open<AgentMessage>(`${master.url}/api/v1/agent`, body);

      expect(stream.status).toBe(200);
      expect((await stream.next()).type).toBe('SUBSCRIBED');
      expect([...master.service.state.agents.values()][0]?.tasks.size).toBe(TASKS);
      stream.close();
    },
    LIMIT_MS,
  );

  it(
    'is limited as everywhere for schedulers',
    async () => {
      master = await startMaster();
      const body = JSON.stringify({ type: 'REVIVE', padding: 'x'.repeat(BODY_LIMIT_BYTES) });

      const answer = await post(`${master.url}/api/v1/scheduler`, body);

      expect(answer.status).toBe(413);
    },
    LIMIT_MS,
  );
});

describe('agent calls while the database is away', () => {
  it('keeps an agent that answers its pings, refuses its updates, and takes them afterwards', async () => {
    const clock = new VirtualClock();
    master = await startMaster({ clock });
    await clock.advance(0);
    const agent = await subscribeAgent(master);
    const statuses: number[] = [];
    master.leases.setAvailable(false);

    for (let second = 0; second < 8; second += 1) {
      await clock.advance(1_000);
      statuses.push((await agent.pong()).status);
    }
    const refused = await agent.update('f', 't', 'TASK_RUNNING', UUID);
    master.leases.setAvailable(true);
    await clock.advance(2_000);
    const taken = await agent.update('f', 't', 'TASK_RUNNING', UUID);

    expect(new Set(statuses)).toEqual(new Set([202]));
    expect(refused.status).toBe(503);
    expect(taken.status).toBe(202);
    const [known] = master.service.state.agents.values();
    expect(known?.condition).toBe('connected');
    expect(master.service.state.counters.agentsUnreachable).toBe(0);
  });
});
