import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDaemon, createLogger, type Daemon, readConfig } from '#platform';
import { RouterService } from '../router.service.js';
import { ROUTER_CONFIG } from '../router-config.js';
import { DnsController } from './dns.controller.js';
import { DnsService } from './dns.service.js';
import { dnsApp, dnsTask, eventually } from './dns.test-support.js';
import { dnsSettings, toDnsConfig } from './dns-config.js';

describe('the zone over HTTP', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pacer-dns-'));
  const dns = toDnsConfig(
    readConfig(dnsSettings, { environment: { PACER_DNS_PORT: '0' }, argv: [] }),
  );
  const service = new DnsService({
    config: dns,
    dataDirectory: directory,
    edgeHosts: ['127.0.0.1'],
    logger: createLogger('router'),
    isConnected: () => true,
  });
  let daemon: Daemon;
  const get = async (path: string): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${daemon.url}${path}`);
    return { status: response.status, body: await response.json() };
  };
  const web = (...numbers: readonly number[]) =>
    dnsApp(
      '/shop/web',
      numbers.map((one) => dnsTask(one)),
    );

  beforeAll(async () => {
    daemon = await createDaemon({
      name: 'router',
      host: '127.0.0.1',
      port: 0,
      module: {
        module: class {},
        controllers: [DnsController],
        providers: [
          { provide: RouterService, useValue: { dns: service } },
          { provide: ROUTER_CONFIG, useValue: { dns, host: '127.0.0.1', port: 9090 } },
        ],
      },
    });
    await service.start();
  });
  afterAll(async () => {
    await service.stop();
    await daemon.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('tells nothing before there is something to tell', async () => {
    expect(await get('/v1/hosts/web.shop.pacer')).toMatchObject({ status: 503 });
    expect(await get('/v1/http_sd')).toMatchObject({ status: 503 });
    service.names.replaceAll([web(1, 2)], new Map());
    await eventually(async () =>
      expect(await get('/v1/hosts/web.shop.pacer')).toMatchObject({ status: 200 }),
    );
  });

  it('answers as Mesos-DNS does, under its paths and our own', async () => {
    for (const prefix of ['/v1', '/dns/v1']) {
      expect((await get(`${prefix}/hosts/Web-Shop.marathon.mesos.`)).body).toEqual([
        { host: 'web-shop.marathon.mesos.', ip: '10.0.0.1' },
        { host: 'web-shop.marathon.mesos.', ip: '10.0.0.2' },
      ]);
      expect((await get(`${prefix}/hosts/none.mesos`)).body).toEqual([{ host: '', ip: '' }]);
      expect((await get(`${prefix}/services/none.mesos`)).body).toEqual([
        { service: '', host: '', ip: '', port: '' },
      ]);
    }
    expect((await get('/v1/services/_web-shop._tcp.marathon.mesos.')).body).toContainEqual({
      service: '_web-shop._tcp.marathon.mesos.',
      host: expect.stringMatching(/^web-shop-\w{5}-s1\.marathon\.mesos\.$/),
      ip: '10.0.0.1',
      port: '31000',
    });
    expect((await get('/v1/hosts/web.shop.pacer/ports')).body).toHaveLength(2);
    expect((await get('/v1/version')).body).toMatchObject({ Service: 'Pacer' });
    expect((await get('/v1/config')).body).toMatchObject({ Domain: 'mesos', TTL: 5 });
  });

  it('lists tasks, records and apps', async () => {
    const { body } = await get('/v1/enumerate');
    expect(body).toMatchObject({ frameworks: [{ name: 'marathon', tasks: { length: 2 } }] });
    expect(JSON.stringify(body)).toContain(
      '"name":"web-shop.marathon.mesos.","host":"10.0.0.1","rtype":"A"',
    );
    const transfer = (await get('/v1/axfr')).body as { Records: Record<string, object> };
    expect(transfer).toMatchObject({
      Domain: 'mesos',
      Serial: service.names.serial,
      Records: { As: { 'web-shop.marathon.mesos.': ['10.0.0.1', '10.0.0.2'] } },
    });
    expect(Object.keys(transfer.Records)).toEqual(['As', 'AAAAs', 'SRVs']);
    expect(await get('/v1/axfr?domain=example.com')).toMatchObject({ status: 404 });
    expect((await get('/dns/v1/apps')).body).toMatchObject({
      apps: [{ id: '/shop/web', failStatic: false, instances: { length: 2 }, problems: [] }],
      conflicts: [],
    });
  });

  it('gives Prometheus its targets', async () => {
    expect((await get('/dns/v1/http_sd')).body).toEqual([
      {
        targets: ['10.0.0.1:31000', '10.0.0.2:31000'],
        labels: {
          __meta_pacer_app_id: '/shop/web',
          __meta_pacer_app_version: 'v1',
          __meta_pacer_framework: 'marathon',
          __meta_pacer_port_index: '0',
          __meta_pacer_port_name: 'http',
        },
      },
    ]);
    expect((await get('/dns/v1/http_sd?app=/other')).body).toEqual([]);
    expect((await get('/dns/v1/http_sd?port=http')).body).toHaveLength(1);
    expect((await get('/dns/v1/http_sd?port=admin')).body).toEqual([]);
  });

  it('tells of each change to who watches', async () => {
    const stop = new AbortController();
    const response = await fetch(`${daemon.url}/dns/v1/watch`, { signal: stop.signal });
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    let text = '';
    const readUntil = async (mark: string): Promise<void> => {
      while (!text.includes(mark)) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) return;
        text += decoder.decode(value, { stream: true });
      }
    };
    await readUntil('event: state');

    service.names.put('/shop/web', web(1), new Map());
    await readUntil('event: change');
    await readUntil('\n\n');

    expect(text).toContain('"app":"/shop/web"');
    expect(text).toContain('"removed":[');
    stop.abort();
  });
});
