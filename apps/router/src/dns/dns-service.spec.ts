import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger, readConfig } from '#platform';
import { sampleRoute } from '../../../../test/support/edge-samples.js';
import { DnsService } from './dns.service.js';
import { askTcp, askUdp, dnsApp, dnsTask, eventually, opt, query } from './dns.test-support.js';
import { dnsSettings, toDnsConfig } from './dns-config.js';
import { ZoneFile } from './zone-file.js';

const CHECK = {
  protocol: 'HTTP',
  gracePeriodSeconds: 30,
  intervalSeconds: 1,
  timeoutSeconds: 5,
  maxConsecutiveFailures: 3,
};
const alive = (isAlive: boolean) => ({
  healthCheckResults: [{ alive: isAlive, consecutiveFailures: 0, instanceId: 'i' }],
});
const config = (environment: Readonly<Record<string, string>> = {}) =>
  toDnsConfig(
    readConfig(dnsSettings, { environment: { PACER_DNS_PORT: '0', ...environment }, argv: [] }),
  );

describe('DNS of the router', () => {
  let directory: string;
  let service: DnsService;
  let isConnected = true;
  const make = (environment: Readonly<Record<string, string>> = {}): DnsService =>
    new DnsService({
      config: config(environment),
      dataDirectory: directory,
      edgeHosts: ['192.0.2.1'],
      logger: createLogger('router'),
      isConnected: () => isConnected,
    });
  const start = async (environment: Readonly<Record<string, string>> = {}): Promise<void> => {
    service = make(environment);
    await service.start();
  };
  const port = (): number => service.server.port ?? 0;
  const resolver = (): Resolver => {
    const made = new Resolver({ timeout: 5_000, tries: 2 });
    made.setServers([`127.0.0.1:${port()}`]);
    return made;
  };
  const sync = async (...apps: readonly ReturnType<typeof dnsApp>[]): Promise<void> => {
    service.names.replaceAll(apps, new Map());
    await eventually(() => expect(service.names.isSynced).toBe(true));
  };
  const rcode = async (name: string, type = 'A'): Promise<unknown> =>
    ((await askUdp(port(), query(name, type))) as { rcode?: string }).rcode;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pacer-dns-'));
    isConnected = true;
  });
  afterEach(async () => {
    vi.useRealTimers();
    await service.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('answers a resolver by A, SRV, TXT, PTR, NS and SOA', async () => {
    await start();
    await sync(dnsApp('/shop/web', [dnsTask(1), dnsTask(2)]));
    const ask = resolver();

    expect((await ask.resolve4('web.shop.pacer')).sort()).toEqual(['10.0.0.1', '10.0.0.2']);
    expect((await ask.resolve4('web-shop.marathon.mesos')).sort()).toEqual([
      '10.0.0.1',
      '10.0.0.2',
    ]);
    expect(await ask.resolve4('web-shop.marathon.slave.mesos')).toHaveLength(2);
    const services = await ask.resolveSrv('_http._web._tcp.shop.pacer');
    expect(services).toHaveLength(2);
    const [one] = services;
    expect(one).toMatchObject({ port: 31_000, weight: 1, priority: 0 });
    const [address = ''] = await ask.resolve4(one?.name ?? '');
    expect(await ask.reverse(address)).toEqual([one?.name]);
    expect(await ask.resolveTxt('web.shop.pacer')).toEqual([['version=v1']]);
    expect(await ask.resolveNs('pacer')).toEqual(['ns.pacer']);
    expect(await ask.resolve4('ns.pacer')).toEqual(['127.0.0.1']);
    expect(await ask.resolve4('edge.pacer')).toEqual(['192.0.2.1']);
    expect(await ask.resolveSoa('mesos')).toMatchObject({ nsname: 'ns.pacer', minttl: 5 });
    await expect(ask.resolve4('shop.pacer')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(ask.resolve4('no.shop.pacer')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(ask.resolve4('example.com')).rejects.toMatchObject({ code: 'EREFUSED' });
  });

  it('names the routers for apps they lead to', async () => {
    await start();
    await sync(dnsApp('/shop/web', [dnsTask(1)]));
    const route = sampleRoute({ appId: '/shop/web' });
    service.names.followRoutes({ routes: [route], conflicts: [] });

    expect(await resolver().resolve4('web.shop.vip.pacer')).toEqual(['192.0.2.1']);
    expect(await resolver().resolveSrv('_http._web._tcp.shop.vip.pacer')).toMatchObject([
      { port: 10_000, name: 'web.shop.vip.pacer' },
    ]);
    service.names.followRoutes({ routes: [], conflicts: [] });
    expect(await rcode('web.shop.vip.pacer')).toBe('NXDOMAIN');
  });

  it('says nothing about names before the first snapshot, and nothing wrong after', async () => {
    await start();

    expect(service.status()).toMatchObject({ ready: false });
    expect(await rcode('web.shop.pacer')).toBe('SERVFAIL');
    expect(await rcode('example.com')).toBe('REFUSED');
    await sync();
    expect(await rcode('web.shop.pacer')).toBe('NXDOMAIN');
  });

  it('follows one app without a look at the others', async () => {
    await start();
    await sync(dnsApp('/shop/web', [dnsTask(1)]), dnsApp('/other', [dnsTask(9)]));
    const { serial } = service.names;

    service.names.put('/shop/web', dnsApp('/shop/web', [dnsTask(2)]), new Map());
    await eventually(async () =>
      expect(await resolver().resolve4('web.shop.pacer')).toEqual(['10.0.0.2']),
    );
    expect(service.names.serial).toBe(serial + 1);
    service.names.put('/shop/web', undefined, new Map());
    await eventually(async () => expect(await rcode('web.shop.pacer')).toBe('NXDOMAIN'));
    await sync(dnsApp('/other', [dnsTask(9)]));
    expect(service.names.serial).toBe(serial + 2);
  });

  it('keeps the answer when all instances fall ill, and says so', async () => {
    await start();
    const app = (isAlive: boolean) =>
      dnsApp('/web', [dnsTask(1, alive(isAlive))], { healthChecks: [CHECK] });
    await sync(app(true));

    service.names.put('/web', app(false), new Map());

    await eventually(() => expect(service.status()).toMatchObject({ failStaticApps: 1 }));
    expect(await resolver().resolve4('web.pacer')).toEqual(['10.0.0.1']);
  });

  it('answers the last state after a restart without a controller, with a higher serial', async () => {
    await start();
    await sync(dnsApp('/shop/web', [dnsTask(1)]));
    await eventually(() => expect(service.ageSeconds).toBe(0));
    const { serial } = service.names;
    await service.stop();

    isConnected = false;
    await start();

    expect(await resolver().resolve4('web.shop.pacer')).toEqual(['10.0.0.1']);
    expect(await rcode('gone.pacer')).toBe('NXDOMAIN');
    expect(service.status()).toMatchObject({ ready: true, stale: true });
    expect(service.ageSeconds).toBeGreaterThanOrEqual(0);
    expect(service.names.serial).toBeGreaterThan(serial);
  });

  it('writes changes down while it runs, so that a kill loses seconds at most', async () => {
    await start();
    await sync(dnsApp('/web', [dnsTask(1)]));
    const written = () => readFileSync(join(directory, 'dns-names.json'), 'utf8');
    await eventually(() => expect(written()).toContain(dnsTask(1).id));

    service.names.put('/web', dnsApp('/web', [dnsTask(2)]), new Map());

    await eventually(() => expect(written()).toContain(dnsTask(2).id));
    expect(written()).not.toContain(dnsTask(1).id);
  });

  it('knows after a kill when the controller last confirmed names that did not change for long', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'] });
    await start();
    await sync(dnsApp('/web', [dnsTask(1)]));
    const startedMs = Date.now();
    const confirmedAfter = (seconds: number) => async (): Promise<void> => {
      vi.advanceTimersByTime(1_000);
      const killed = new ZoneFile(join(directory, 'dns-names.json'), { warn: () => undefined });
      const ageMs = Date.now() - ((await killed.load())?.confirmedAtMs ?? 0);
      expect(Date.now() - startedMs).toBeGreaterThan(seconds * 1_000);
      expect(ageMs).toBeLessThan(15_000);
    };

    await eventually(confirmedAfter(60));
    await eventually(confirmedAfter(120));
    isConnected = false;
    const restarted = make();
    await restarted.restore();

    expect(restarted.ageSeconds).toBeLessThan(30);
    expect(restarted.isReady).toBe(true);
  });

  it('says that names do not exist after a restart where there were none', async () => {
    await start();
    await sync();
    await eventually(() => expect(service.ageSeconds).toBe(0));
    await service.stop();
    isConnected = false;

    await start();

    expect(await rcode('web.pacer')).toBe('NXDOMAIN');
  });

  it('answers what it can read of the file, and leaves the rest there until all is heard', async () => {
    await start();
    await sync(dnsApp('/web', [dnsTask(1)]), dnsApp('/other', [dnsTask(2)]));
    await service.stop();
    const path = join(directory, 'dns-names.json');
    const saved = JSON.parse(readFileSync(path, 'utf8')) as { entries: { id: string }[] };
    const strange = { ...saved.entries[1], instances: [{ taskId: 7 }] };
    const broken = { ...saved.entries[1], id: '/unreadable', version: 7 };
    writeFileSync(path, JSON.stringify({ ...saved, entries: [strange, saved.entries[0], broken] }));
    const idsSaved = (): readonly string[] =>
      (JSON.parse(readFileSync(path, 'utf8')) as typeof saved).entries.map(({ id }) => id);
    isConnected = false;

    await start();
    expect(await resolver().resolve4('web.pacer')).toEqual(['10.0.0.1']);
    await service.stop();
    expect(idsSaved()).toEqual(['/other', '/web', '/unreadable']);
    await start();
    await sync(dnsApp('/web', [dnsTask(1)]));

    await service.stop();
    expect(idsSaved()).toEqual(['/web']);
  });

  it.each([
    ['is not JSON', '{"version":1,"entr'],
    ['is of another version', '{"version":2,"serialLimit":5,"entries":[],"vips":[]}'],
  ])('keeps a file aside that %s', async (_, text) => {
    const path = join(directory, 'dns-names.json');
    writeFileSync(path, text);

    await start();

    expect(readFileSync(`${path}.unreadable`, 'utf8')).toBe(text);
  });

  it('does not take a zone for complete that nobody ever confirmed', async () => {
    isConnected = false;
    await start();
    await service.stop();
    await start();

    expect(await rcode('web.pacer')).toBe('SERVFAIL');
  });

  it('gives large answers by TCP, all of them on one connection', async () => {
    await start();
    await sync(
      dnsApp(
        '/web',
        Array.from({ length: 300 }, (_, index) => dnsTask(index + 1)),
      ),
    );

    const plain = await askUdp(port(), query('web.pacer', 'A'));
    const large = await askUdp(port(), query('web.pacer', 'A', { additionals: opt(4_096) }));
    expect(plain.flag_tc).toBe(true);
    expect(plain.answers?.length).toBeGreaterThan(20);
    expect(large.flag_tc).toBe(true);
    expect(large.answers?.length).toBeGreaterThan(60);
    expect(await resolver().resolve4('web.pacer')).toHaveLength(300);
    const answers = await askTcp(port(), [
      query('web.pacer', 'A'),
      query('_web._tcp.pacer', 'SRV'),
      query('no.pacer', 'A'),
    ]);
    expect(answers.map((answer) => answer.answers?.length)).toEqual([300, 300, 0]);
    expect(answers[1]?.additionals).toHaveLength(300);
  });

  it('mixes the order and bounds the number', async () => {
    await start({ PACER_DNS_MAX_RECORDS: '4' });
    await sync(
      dnsApp(
        '/web',
        Array.from({ length: 20 }, (_, index) => dnsTask(index + 1)),
      ),
    );

    const seen = new Set<string>();
    await eventually(async () => {
      const addresses = await resolver().resolve4('web.pacer');
      expect(addresses).toHaveLength(4);
      for (const address of addresses) seen.add(address);
      expect(seen.size).toBe(20);
    });
  });

  it('does not fail for a port in use, says so, and takes it when it is free', async () => {
    const holder = createServer();
    holder.listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const taken = (holder.address() as { readonly port: number }).port;

    await start({ PACER_DNS_PORT: String(taken) });

    expect(service.status()).toMatchObject({
      listening: null,
      problem: expect.stringContaining(`127.0.0.1:${taken}: `),
    });
    holder.close();
    await once(holder, 'close');
    await eventually(() => expect(service.server.port).toBe(taken));
    expect(service.status()).not.toHaveProperty('problem');
  });

  it('passes questions on only where it is told to, for whom it is told to', async () => {
    const upstream = createSocket('udp4');
    upstream.bind(0, '127.0.0.1');
    await once(upstream, 'listening');
    upstream.on('message', (message, client) => {
      const answer = Buffer.from(message);
      answer.writeUInt16BE(0x8580 | 3, 2);
      upstream.send(answer, client.port, client.address);
    });
    const resolvers = `127.0.0.1:${upstream.address().port}`;
    await start({ PACER_DNS_RESOLVERS: resolvers });
    const asked = query('example.com', 'A', { flags: 0x0100 });

    expect(await askUdp(port(), asked)).toMatchObject({ id: 4711, rcode: 'NXDOMAIN' });
    expect(await askUdp(port(), query('example.com', 'A'))).toMatchObject({ rcode: 'REFUSED' });
    await service.stop();
    await start({ PACER_DNS_RESOLVERS: resolvers, PACER_DNS_FORWARD_CLIENTS: '10.0.0.0/8' });
    expect(await askUdp(port(), asked)).toMatchObject({ rcode: 'REFUSED', flag_ra: false });
    upstream.close();
  });
});
