import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import {
  post,
  type RunningMaster,
  startMaster,
  subscribeAgent,
  subscribeFramework,
} from '../master.test-support.js';
import { LET_GO_MS } from './leadership.js';

let master: RunningMaster;
let clock: VirtualClock;

beforeEach(async () => {
  clock = new VirtualClock();
  master = await startMaster({ clock });
  await clock.advance(0);
});
afterEach(() => master.daemon.close());

it('a master without its database for long ends the streams of agents and frameworks, and forgets none', async () => {
  const framework = await subscribeFramework(master);
  const agent = await subscribeAgent(master);
  master.leases.setAvailable(false);

  await clock.advance(LET_GO_MS);
  await Promise.all([framework.stream.end(), agent.stream.end()]);
  await clock.advance(5 * LET_GO_MS);

  expect([...master.service.state.frameworks.keys()]).toEqual([framework.id]);
  expect([...master.service.state.agents.keys()]).toEqual([agent.id]);
  expect(master.service.state.counters.agentsUnreachable).toBe(0);
  const answer = post(`${master.url}/api/v1/scheduler`, {
    type: 'SUBSCRIBE',
    subscribe: { framework_info: { user: 'root', name: 'n' } },
  });
  await expect
    .poll(async () => {
      await clock.advance(100);
      return (await Promise.race([answer, Promise.resolve(undefined)]))?.status;
    })
    .toBe(503);

  master.leases.setAvailable(true);
  await clock.advance(2_000);
  const again = await subscribeFramework(master, 'another');
  expect(again.id).not.toBe(framework.id);
  expect(master.failures).toEqual([]);
});
