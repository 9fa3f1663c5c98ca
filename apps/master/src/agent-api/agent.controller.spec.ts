import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { type RunningMaster, startMaster, subscribeAgent } from '../master.test-support.js';

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
let master: RunningMaster | undefined;

afterEach(async () => {
  await master?.daemon.close();
  master = undefined;
});

describe('agent calls while the database is away', () => {
  it('keeps an agent that answers its pings, refuses its updates, and takes them afterwards', async () => {
    const clock = new VirtualClock();
    master = await startMaster({ clock });
    await clock.advance(0);
    const agent = await subscribeAgent(master);
    const statuses: number[] = [];
    master.leases.setAvailable(false);

    for (let second = 0; second < 40; second += 1) {
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
