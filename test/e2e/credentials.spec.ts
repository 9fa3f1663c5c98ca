import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireTask } from '#marathon-v2';
import { hasChromium, Visitor } from './support/browser.js';
import { Cluster } from './support/cluster.js';
import { startExample } from './support/examples.js';
import { eventually, request } from './support/http.js';
import { startPacer } from './support/pacer.js';

const basic = (principal: string, secret: string): Readonly<Record<string, string>> => ({
  authorization: `Basic ${Buffer.from(`${principal}:${secret}`).toString('base64')}`,
});

/** A principal for each kind of client, so that each of ours must pick the right one. */
describe('a cluster with credentials from a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-e2e-credentials-'));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const all = file(
    'all',
    'ctl ctl-secret framework\nag ag-secret agent\nops ops-secret operator\nwords w-secret framework\neve eve-secret read\n',
  );
  const cluster = new Cluster({ environment: { PACER_CREDENTIALS_FILE: all } });
  const ops = basic('ops', 'ops-secret');

  // It is ready only when the agent and the controller have registered.
  beforeAll(() => cluster.start());
  afterAll(async () => {
    await cluster.destroy();
    rmSync(folder, { recursive: true });
  });

  it('lets nobody in without them, and nobody do what is not theirs', async () => {
    for (const url of [cluster.api.url, cluster.masterUrl, cluster.agentUrl, cluster.routerUrl]) {
      expect((await request(`${url}/metrics`)).status).toBe(401);
      expect((await request(`${url}/metrics`, { headers: basic('ops', 'wrong') })).status).toBe(
        401,
      );
      expect((await request(`${url}/metrics`, { headers: basic('ag', 'ag-secret') })).status).toBe(
        403,
      );
      expect((await request(`${url}/metrics`, { headers: ops })).status).toBe(200);
    }
  });

  it('lets readers look and change nothing', async () => {
    const eve = basic('eve', 'eve-secret');
    for (const url of [cluster.api.url, cluster.masterUrl, cluster.agentUrl, cluster.routerUrl]) {
      expect((await request(`${url}/metrics`, { headers: eve })).status).toBe(200);
    }
    const apps = await request(`${cluster.api.url}/v2/apps?limit=1`, { headers: eve });
    const refused = await request(`${cluster.api.url}/v2/leader`, {
      ...{ method: 'DELETE', headers: eve },
    });

    expect(apps.status).toBe(200);
    expect([refused.status, JSON.parse(refused.text).needs]).toEqual([403, 'full']);
    expect((await request(`${cluster.masterUrl}/state`, { headers: eve })).status).toBe(403);
  });

  it('runs an app, and shows its log through controller and agent', async () => {
    const posted = await request(`${cluster.api.url}/v2/apps`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...ops },
      body: JSON.stringify({ id: '/hi', cmd: 'echo hello; exec sleep 1000', cpus: 0.05, mem: 32 }),
    });
    expect(posted.status).toBe(201);
    const task = await eventually('its task runs', async () => {
      const { text } = await request(`${cluster.api.url}/v2/apps/hi/tasks`, {
        headers: { accept: 'application/json', ...ops },
      });
      const { tasks } = JSON.parse(text) as { readonly tasks: readonly WireTask[] };
      return tasks.find(({ state }) => state === 'TASK_RUNNING');
    });

    const client = startPacer(cluster.api.url, ['logs', task.id], {
      environment: { PACER_CREDENTIAL_FILE: file('operator', 'ops ops-secret\n') },
    });
    expect((await client.ended).out).toContain('hello');
  });

  it.skipIf(!hasChromium())('shows readers an app, and nothing to change it with', async () => {
    const buttons = async (username: string): Promise<readonly number[]> => {
      const visitor = new Visitor(cluster.api.url, { username, password: `${username}-secret` });
      await visitor.open();
      const { page } = visitor;
      await page.goto('/ui/apps/hi');
      await page.getByRole('table', { name: 'Instances' }).waitFor();
      if (username === 'eve') await page.getByText('Read only: eve').waitFor();
      const counts = [];
      for (const name of ['Destroy', 'Restart', 'Create application']) {
        counts.push(await page.getByRole('button', { name, exact: true }).count());
      }
      await visitor.close();
      return counts;
    };

    expect(await buttons('ops')).toEqual([1, 1, 1]);
    expect(await buttons('eve')).toEqual([0, 0, 0]);
  });

  it('runs a framework that has a credential of its own, and refuses one with a wrong secret', async () => {
    const args = (credential: string): readonly string[] => [
      ...['--master', cluster.masterUrl, '--tasks', '20', '--credential', credential],
      ...['--state', join(folder, 'words'), 'README.md'],
    ];
    const wrong = startExample('word-count', args(file('wrong', 'words ctl-secret\n')));
    await eventually('it says why it cannot subscribe', async () =>
      wrong.output().includes('answered 401'),
    );
    wrong.signal('SIGKILL');
    await wrong.ended;
    expect(wrong.output()).not.toContain('subscribed as');

    const right = startExample('word-count', args(file('right', 'words w-secret\n')));

    expect(await right.ended, right.output()).toBe(0);
    expect(right.output()).toContain(': right');
  });

  it('logs no secret', () => {
    const logs = join(cluster.dataDirectory, 'logs');
    const text = readdirSync(logs)
      .map((name) => readFileSync(join(logs, name), 'utf8'))
      .join('\n');

    for (const [principal, secret] of [
      ['ctl', 'ctl-secret'],
      ['ag', 'ag-secret'],
      ['ops', 'ops-secret'],
      ['words', 'w-secret'],
    ] as const) {
      expect(text.includes(secret)).toBe(false);
      expect(text.includes(basic(principal, secret)['authorization'] ?? '')).toBe(false);
    }
  });
});
