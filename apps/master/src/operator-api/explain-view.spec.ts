import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  post,
  type RunningMaster,
  startMaster,
  subscribeAgent,
  subscribeFramework,
} from '../master.test-support.js';

let master: RunningMaster;
beforeEach(async () => {
  master = await startMaster();
});
afterEach(() => master.daemon.close());

/** Why each framework waits, by name. */
async function waitsFor(): Promise<Readonly<Record<string, unknown>>> {
  const answer = await request(`${master.url}/explain`);
  const { frameworks } = (await answer.body.json()) as {
    frameworks: readonly { name: string; roles: readonly { waits_for: unknown }[] }[];
  };
  return Object.fromEntries(frameworks.map(({ name, roles }) => [name, roles[0]?.waits_for]));
}

describe('/explain', () => {
  it('tells what is offered to others, and whom an agent that is deactivated is not offered', async () => {
    const first = await subscribeFramework(master, 'first');
    const agent = await subscribeAgent(master);
    await first.stream.next((event) => event.type === 'OFFERS');
    await subscribeFramework(master, 'second');
    const offered = await waitsFor();

    const deactivate_agent = { agent_id: { value: agent.id } };
    const call = { type: 'DEACTIVATE_AGENT', deactivate_agent };
    const answer = await post(`${master.url}/api/v1`, call);

    expect(answer.status).toBe(200);
    expect(offered).toEqual({ first: { 'nothing-free': 1 }, second: { 'offered-to-others': 1 } });
    expect(await waitsFor()).toEqual({
      first: { 'agent-inactive': 1 },
      second: { 'agent-inactive': 1 },
    });
  });
});
