/** Where we differ from Marathon on purpose, as its own users would notice it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContractUnderTest, startContract } from './contract/contract-api.test-support.js';

const AGENTS = ['1', '2'].map((n) => ({ id: n, hostname: `host-${n}`, cpus: 4 }));

describe('unlike Marathon', () => {
  let contract: ContractUnderTest;
  beforeAll(async () => {
    contract = await startContract(AGENTS);
  });
  afterAll(() => contract.close());

  const ask = (method: string, url: string, body?: unknown) => contract.api.ask(method, url, body);
  it('an unknown route is a 404, not a 500', async () => {
    const reply = await ask('GET', '/v2/nothing');

    expect(reply.statusCode).toBe(404);
    expect(reply.json()).toEqual({ message: 'URI not found' });
  });

  it('a command may have one character', async () => {
    const reply = await ask('POST', '/v2/apps', { id: '/short', cmd: 'x', cpus: 0.1 });

    expect(reply.statusCode).toBe(201);
  });

  it('GROUP_BY without a number spreads over the values there are', async () => {
    const app = { cmd: 'x', cpus: 0.1, instances: 4, constraints: [['hostname', 'GROUP_BY']] };
    await ask('POST', '/v2/apps', { id: '/spread', ...app });
    await contract.until(
      () => contract.harness.conditions('/spread').filter((one) => one === 'Running').length === 4,
    );

    const tasks = await ask('GET', '/v2/apps/spread/tasks');
    const hosts = tasks.json().tasks.map(({ host }: { host: string }) => host);

    expect(hosts.sort()).toEqual(['host-1', 'host-1', 'host-2', 'host-2']);
  });

  it('statistics are called what their embed is called', async () => {
    const reply = await ask('GET', '/v2/apps/spread?embed=app.taskStats');

    expect(reply.json().app).toHaveProperty('taskStats.totalSummary.stats.counts.running');
  });

  it('to delete an app forces, as Marathon does and its documentation denies', async () => {
    await ask('POST', '/v2/apps', { id: '/stuck', cmd: 'x', cpus: 1e6 });

    expect((await ask('DELETE', '/v2/apps/stuck?force=false')).statusCode).toBe(409);
    expect((await ask('DELETE', '/v2/apps/stuck')).statusCode).toBe(200);
  });

  it('one deployment too many is told when to come again', async () => {
    const apps = Array.from({ length: 101 }, (_, index) => `/many/app-${index}`);
    let last = await ask('GET', '/ping');
    for (const id of apps) last = await ask('POST', '/v2/apps', { id, cmd: 'x', cpus: 1e6 });

    expect(last.statusCode).toBe(403);
    expect(last.headers['retry-after']).toMatch(/^\d+$/);
  });
});
