import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webApp } from './support/apps.js';
import { Cluster, killQuietly } from './support/cluster.js';
import { eventually, request } from './support/http.js';

/** Names of a real cluster, asked for as any program would. */
describe('DNS', () => {
  const cluster = new Cluster();
  const ask = new Resolver({ timeout: 2_000, tries: 2 });
  const services = async (): Promise<readonly number[]> =>
    (await ask.resolveSrv('_http._web._tcp.shop.pacer')).map(({ port }) => port).sort();
  const portsOf = async (id: string): Promise<readonly number[]> =>
    ((await cluster.api.app(id))?.tasks ?? [])
      .filter(({ state }) => state === 'TASK_RUNNING')
      .map(({ ports }) => ports[0] ?? 0)
      .sort();
  const status = async (): Promise<{ readonly dns: Readonly<Record<string, unknown>> }> =>
    JSON.parse((await request(`${cluster.routerUrl}/v1/status`)).text);
  const isNamed = (count: number) =>
    eventually(`${count} instances are named`, async () => {
      const named = await services().catch(() => []);
      const running = await portsOf('/shop/web');
      return named.length === count && named.join() === running.join();
    });

  beforeAll(async () => {
    await cluster.start();
    ask.setServers([`127.0.0.1:${cluster.dnsPort}`]);
  });
  afterAll(() => cluster.destroy());

  it('is named by the table pacer up prints, and answers', async () => {
    expect(cluster.output).toContain(`127.0.0.1:${cluster.dnsPort} (UDP and TCP)`);
    await eventually('names are answered', async () => (await status()).dns['ready'] === true);
    await expect(ask.resolve4('web.shop.pacer')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('names the instances of an app once they are healthy', async () => {
    const portDefinitions = [{ port: 0, name: 'http', protocol: 'tcp' }];
    const extra = { portDefinitions };
    await cluster.api.send('POST', '/v2/apps', webApp('/shop/web', { instances: 2, extra }));

    await isNamed(2);

    expect(await ask.resolve4('web.shop.pacer')).toEqual(['127.0.0.1']);
    expect(await ask.resolve4('web-shop.marathon.mesos')).toEqual(['127.0.0.1']);
    const [one] = await ask.resolveSrv('_web-shop._tcp.marathon.mesos');
    expect(await ask.resolve4(one?.name ?? '')).toEqual(['127.0.0.1']);
    await eventually('the way by the routers is named', async () =>
      ask.resolve4('web.shop.vip.pacer').then(
        (addresses) => addresses.includes('127.0.0.1'),
        () => false,
      ),
    );
    // What a name says is where the app answers.
    const [port] = await services();
    expect((await request(`http://127.0.0.1:${port}/`)).text).toBe(`v1 ${port}`);
  });

  it('follows a scaling up and down', async () => {
    await cluster.api.send('PUT', '/v2/apps/shop/web', { instances: 4 });
    await isNamed(4);
    await cluster.api.send('PUT', '/v2/apps/shop/web', { instances: 1 });
    await isNamed(1);
  });

  it('goes on while the controller is killed, and never says that there is nothing', async () => {
    const before = await services();
    let isOver = false;
    const failures: unknown[] = [];
    const asking = (async () => {
      while (!isOver) {
        const named = await services().catch((error: unknown) => {
          failures.push(error);
          return before;
        });
        if (named.join() !== before.join()) failures.push(named);
        await pause(5);
      }
    })();

    for (let round = 0; round < 2; round += 1) {
      killQuietly(cluster.pid('controller'));
      await eventually(
        'names are known to be old',
        async () => (await status()).dns['stale'] === true,
      );
      await eventually(
        'the controller is back',
        async () => (await status()).dns['stale'] === false,
      );
    }
    isOver = true;
    await asking;

    expect(failures).toEqual([]);
  });

  it('answers the last state after a restart of the router', async () => {
    const before = await services();
    const serial = Number((await status()).dns['serial']);
    const pid = cluster.pid('router');
    const tasks = (await cluster.api.app('/shop/web'))?.tasks ?? [];
    const task = tasks.find(({ state }) => state === 'TASK_RUNNING')?.id ?? 'none';
    const file = join(cluster.dataDirectory, 'router/dns-names.json');
    await eventually(`${task} of ${tasks.length} is on disk`, async () =>
      readFileSync(file, 'utf8').includes(task),
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${readFileSync(file, 'utf8')}`);
    });

    killQuietly(pid);
    await eventually('another router answers', async () => {
      if (cluster.pid('router') === pid) return false;
      return (await services().catch(() => [])).join() === before.join();
    });

    expect(Number((await status()).dns['serial'])).toBeGreaterThan(serial);
    await cluster.api.send('DELETE', '/v2/apps/shop/web');
    await eventually('the name is gone', async () =>
      ask.resolve4('web.shop.pacer').then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ENOTFOUND',
      ),
    );
  });
});
