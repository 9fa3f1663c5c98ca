import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateAuthority } from '../support/certificates.js';
import { EdgeInstances } from './support/edge-instances.js';
import { EdgeRouter, takePort } from './support/edge-router.js';
import { appOf, FakeMarathon, taskOf } from './support/fake-marathon.js';
import { eventually, type Reply, request } from './support/http.js';

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);
/** Of `secret`, by openssl passwd -6. */
const PASSWORD =
  '$6$ab$2lDVylRMp48hlYZZFOCx/xnhJEsGPynJ17rt2um9Gb8wX6ygI4uDxg3Bg43pp/Hv397hwWfT8mciHws9eE4sR/';

interface Seen {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const seenBy = ({ text }: Reply): Seen => JSON.parse(text) as Seen;

/** The labels of marathon-lb and our own, each by what a client sees of them through a real HAProxy. */
describe('labels', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-labels-'));
  const authority = new CertificateAuthority(join(folder, 'ca'));
  const marathon = new FakeMarathon();
  const instances = new EdgeInstances(['one', 'two', 'three', 'four']);
  let edge: EdgeRouter;
  let inner: EdgeRouter;
  let port: (name: string) => number;

  beforeAll(async () => {
    const certificates = join(folder, 'certificates');
    mkdirSync(certificates);
    writeFileSync(
      join(certificates, 'all.pem'),
      authority.issuePem('all', ['*.localhost', 'localhost']),
    );
    await Promise.all([marathon.start(), instances.start()]);
    port = (name) => instances.port(name);
    [edge, inner] = await Promise.all([
      EdgeRouter.start([marathon.url], {
        PACER_ROUTER_GROUPS: 'external',
        PACER_EDGE_CERTIFICATES: certificates,
      }),
      EdgeRouter.start([marathon.url], {
        ...{ PACER_ROUTER_GROUPS: 'internal', PACER_ROUTER_STRICT: 'true' },
        PACER_EDGE_ACCEPT_PROXY: 'true',
      }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([edge?.destroy(), inner?.destroy()]);
    await instances.kill();
    await marathon.stop();
    rmSync(folder, { recursive: true });
  });

  const overTls = (host: string, path = '/'): Promise<Reply> =>
    request(`https://127.0.0.1:${edge.tlsPort}${path}`, {
      headers: { host },
      tls: { servername: host, rejectUnauthorized: false },
    });
  const ask = async (host: string, path = '/', headers: Readonly<Record<string, string>> = {}) =>
    seenBy(await edge.get(host, path, headers));
  const listen = (servicePort: number, more: Readonly<Record<string, unknown>> = {}) => ({
    portDefinitions: [{ port: servicePort, protocol: 'tcp', labels: {}, ...more }],
  });

  /** What the inner edge answers to one that comes through a balancer for a client, or without a word of it. */
  function throughProxy(host: string, header: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(inner.edgePort, '127.0.0.1', () => {
        socket.write(`${header}GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      });
      socket.on('data', (chunk: Buffer) => {
        answer += chunk.toString();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer));
    });
  }

  // Before those that go on side by side: it counts reloads.
  it('STICKY: the same instance after a server is added at run time, and after a reload', async () => {
    const id = '/sticky';
    marathon.put(appOf(id, [port('one'), port('two')], { HAPROXY_0_STICKY: 'true' }));
    await edge.answers('sticky.localhost');
    const cookies = new Map<string, string>();
    const meet = async (): Promise<string> => {
      const reply = await edge.get('sticky.localhost');
      const { name } = seenBy(reply);
      cookies.set(name, String(reply.headers['set-cookie']).split(';')[0] ?? '');
      return name;
    };
    const faithful = async (): Promise<void> => {
      for (const [name, cookie] of cookies) {
        for (let count = 0; count < 4; count += 1) {
          expect((await ask('sticky.localhost', '/', { cookie })).name).toBe(name);
        }
      }
    };
    for (let count = 0; count < 4; count += 1) await meet();
    const reloads = await edge.metric('pacer_router_reloads_total');

    marathon.setTasks(
      id,
      ['one', 'two', 'three'].map((name) => taskOf(id, port(name))),
    );
    await eventually('the third serves', async () => (await meet()) === 'three');
    await faithful();
    expect(await edge.metric('pacer_router_reloads_total')).toBe(reloads);
    marathon.put(appOf('/after-sticky', [port('four')]));
    await edge.answers('after-sticky.localhost');
    await faithful();

    expect(await edge.metric('pacer_router_reloads_total')).toBeGreaterThan(reloads);
    expect([...cookies.keys()].sort()).toEqual(['one', 'three', 'two']);
  });

  it.concurrent('VHOST: several names, in any case and with any port; none leads elsewhere', async () => {
    marathon.put(
      appOf('/hosts', [port('one')], { HAPROXY_0_VHOST: 'first.localhost, Second.localhost' }),
    );
    await edge.answers('first.localhost');

    expect((await ask('second.localhost')).name).toBe('one');
    expect((await ask('SECOND.localhost:4711')).name).toBe('one');
    const elsewhere = await edge.get('third.localhost');
    expect([elsewhere.status, elsewhere.text]).toEqual([503, expect.stringContaining('No route')]);
  });

  it.concurrent('VHOST: a wildcard, and an exact name before it', async () => {
    marathon.put(
      appOf('/wild', [port('one')], { HAPROXY_0_VHOST: '*.wild.localhost' }),
      appOf('/exact', [port('two')], { HAPROXY_0_VHOST: 'exact.wild.localhost' }),
    );
    await edge.answers('exact.wild.localhost');

    expect((await ask('any.wild.localhost')).name).toBe('one');
    expect((await ask('exact.wild.localhost')).name).toBe('two');
    expect((await edge.get('wild.localhost')).status).toBe(503);
  });

  it.concurrent('PATH: the longest wins, the rest of the host is another app; -i: in any case', async () => {
    const at = (path: string, more = {}) => ({
      HAPROXY_0_VHOST: 'paths.localhost',
      ...(path !== '' && { HAPROXY_0_PATH: path }),
      ...more,
    });
    marathon.put(
      appOf('/rest', [port('one')], at('')),
      appOf('/shop', [port('two')], at('/shop /store')),
      appOf('/shop-admin', [port('three')], at('/shop/admin')),
      appOf('/any-case', [port('four')], {
        ...at('-i /Mixed'),
        HAPROXY_0_VHOST: 'mixed.localhost',
      }),
    );
    await edge.answers('mixed.localhost', 200, '/mIXED/x');

    const names = await Promise.all(
      ['/', '/shop/x', '/store', '/shop/admin/y'].map(
        async (path) => (await ask('paths.localhost', path)).name,
      ),
    );
    expect(names).toEqual(['one', 'two', 'two', 'three']);
    expect((await edge.get('mixed.localhost', '/other')).status).toBe(503);
  });

  it.concurrent('REDIRECT_TO_HTTPS and USE_HSTS: plain requests are sent to TLS, which says so', async () => {
    marathon.put(
      appOf('/secure', [port('one')], {
        ...{ HAPROXY_0_REDIRECT_TO_HTTPS: 'true', HAPROXY_0_USE_HSTS: 'true' },
      }),
      appOf('/hsts', [port('one')], { HAPROXY_0_USE_HSTS: 'true' }),
    );
    const redirect = await edge.answers('secure.localhost', 301, '/a?b=c');
    const plain = await edge.answers('hsts.localhost');

    const secure = await overTls('secure.localhost');

    expect(redirect.headers['location']).toBe('https://secure.localhost/a?b=c');
    expect(plain.headers).not.toHaveProperty('strict-transport-security');
    expect(secure.headers['strict-transport-security']).toBe('max-age=15768000');
    expect(seenBy(secure).headers['x-forwarded-proto']).toBe('https');
  });

  it.concurrent('AUTH: 401 without or with a wrong password, 200 with it', async () => {
    marathon.put(
      appOf('/auth', [port('one')], { HAPROXY_0_AUTH: `The shop:ann:${PASSWORD}` }),
      appOf('/auth-bad', [port('one')], { HAPROXY_0_AUTH: 'no user here' }),
    );
    const basic = (text: string) => ({
      authorization: `Basic ${Buffer.from(text).toString('base64')}`,
    });
    const without = await edge.answers('auth.localhost', 401);

    const wrong = await edge.get('auth.localhost', '/', basic('ann:other'));
    const right = await edge.get('auth.localhost', '/', basic('ann:secret'));

    expect(without.headers['www-authenticate']).toBe('Basic realm="The shop"');
    expect([wrong.status, right.status]).toEqual([401, 200]);
    expect((await edge.get('auth-bad.localhost')).status).toBe(401);
    expect(await edge.conflictsOf('/auth-bad')).toContain('nobody is let in');
  });

  it.concurrent('BACKEND_NETWORK_ALLOWED_ACL: 403 for all others', async () => {
    const allow = (networks: string) => ({ HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL: networks });
    marathon.put(
      appOf('/closed', [port('one')], allow('10.0.0.0/8 192.0.2.1')),
      appOf('/open', [port('one')], allow('10.0.0.0/8 127.0.0.0/8')),
      appOf('/typo', [port('one')], allow('10.0.0.0/99')),
    );
    await edge.answers('open.localhost');

    expect((await edge.get('closed.localhost')).status).toBe(403);
    expect((await edge.get('typo.localhost')).status).toBe(403);
  });

  it.concurrent('PROXYPASS_PATH, REVPROXY_PATH and REDIR: paths are rewritten on the way and back', async () => {
    marathon.put(
      appOf('/pass', [port('one')], { HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH: '/api' }),
      appOf('/reverse', [port('one')], { HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH: '/ui' }),
      appOf('/root', [port('one')], { HAPROXY_0_HTTP_BACKEND_REDIR: '/start' }),
    );
    await edge.answers('root.localhost', 301);

    const passed = await ask('pass.localhost', '/api/x?q=/api/y');
    const bare = await ask('pass.localhost', '/api');
    const other = await ask('pass.localhost', '/apis');
    const answers = await Promise.all([
      edge.get('reverse.localhost', '/location?to=/x'),
      edge.get('reverse.localhost', '/location?to=http://reverse.localhost/y'),
      edge.get('reverse.localhost', '/location?to=http://elsewhere.example/z'),
      edge.get('root.localhost', '/'),
    ]);

    expect([passed.url, bare.url, other.url]).toEqual(['/x?q=/api/y', '/', '/apis']);
    expect(passed.headers['host']).toBe('pass.localhost');
    expect(answers.map(({ headers }) => headers['location'])).toEqual([
      ...['/ui/x', '/ui/y', 'http://elsewhere.example/z', '/start'],
    ]);
    expect((await edge.get('root.localhost', '/other')).status).toBe(200);
  });

  it.concurrent('BALANCE: by a header, one client has one instance; a bad one is told and served', async () => {
    const all = ['one', 'two', 'three', 'four'].map(port);
    marathon.put(
      appOf('/hashed', all, { HAPROXY_0_BALANCE: 'hdr(X-User)' }),
      appOf('/unbalanced', all, { HAPROXY_0_BALANCE: 'by-magic' }),
    );
    await edge.answers('hashed.localhost');
    const names = new Map<string, Set<string>>();

    for (let count = 0; count < 60; count += 1) {
      const user = `user-${count % 12}`;
      const { name } = await ask('hashed.localhost', '/', { 'x-user': user });
      names.set(user, (names.get(user) ?? new Set()).add(name));
    }

    expect([...names.values()].every((seen) => seen.size === 1)).toBe(true);
    expect(new Set([...names.values()].flatMap((seen) => [...seen])).size).toBeGreaterThan(1);
    expect(await edge.conflictsOf('/unbalanced')).toContain('roundrobin is used');
    expect((await edge.get('unbalanced.localhost')).status).toBe(200);
  });

  it.concurrent('GROUP, {n}_GROUP and ENABLED: each port only where it belongs', async () => {
    marathon.put(
      appOf(
        '/split',
        [],
        {
          ...{ HAPROXY_0_VHOST: 'outside.localhost', HAPROXY_1_VHOST: 'inside.localhost' },
          ...{ HAPROXY_1_GROUP: 'internal', HAPROXY_1_ENABLED: 'true' },
          ...{ HAPROXY_2_VHOST: 'lax.localhost', HAPROXY_2_GROUP: 'internal' },
          ...{ HAPROXY_3_VHOST: 'off.localhost', HAPROXY_3_ENABLED: 'no' },
        },
        {
          portDefinitions: [0, 0, 0, 0].map(() => ({ port: 0, protocol: 'tcp' })),
          tasks: [taskOf('/split', 0, { ports: ['one', 'two', 'three', 'four'].map(port) })],
        },
      ),
    );
    const client = 'PROXY TCP4 203.0.113.7 127.0.0.1 1000 80\r\n';
    await edge.answers('outside.localhost');
    await eventually('it is served inside', async () =>
      (await throughProxy('inside.localhost', client)).includes('"two"'),
    );

    for (const host of ['inside.localhost', 'lax.localhost', 'off.localhost']) {
      expect((await edge.get(host)).status, host).toBe(503);
    }
    for (const host of ['outside.localhost', 'lax.localhost', 'off.localhost']) {
      expect(await throughProxy(host, client), host).toContain('503');
    }
  });

  it.concurrent('PROXY protocol in: the client is the one the balancer names, and who names none is refused', async () => {
    marathon.put(
      appOf('/behind', [port('one')], { HAPROXY_GROUP: 'internal', HAPROXY_0_ENABLED: 'true' }),
    );
    const client = 'PROXY TCP4 203.0.113.7 127.0.0.1 1000 80\r\n';
    const answer = await eventually('it is served', async () => {
      const text = await throughProxy('behind.localhost', client);
      return text.includes('200 OK') && text;
    });

    expect(answer).toContain('"x-forwarded-for":"203.0.113.7"');
    expect(await throughProxy('behind.localhost', '')).not.toContain('200 OK');
  });

  it.concurrent('SEND_PROXY: the instance is told of the client, in both versions', async () => {
    const heard: string[] = [];
    const servers: Server[] = [];
    const open = async (): Promise<number> => {
      const server = createServer((socket) => {
        socket.once('data', (chunk: Buffer) => {
          heard.push(chunk.toString('latin1'));
          socket.end('heard');
        });
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      return typeof address === 'object' ? (address?.port ?? 0) : 0;
    };
    const ports = { v1: await takePort(), v2: await takePort() };
    for (const version of ['v1', 'v2'] as const) {
      marathon.put(
        appOf(
          `/told-${version}`,
          [await open()],
          { HAPROXY_0_VHOST: '', HAPROXY_0_SEND_PROXY: version },
          listen(ports[version]),
        ),
      );
    }

    for (const servicePort of Object.values(ports)) {
      await eventually('the instance hears of it', async () => {
        const before = heard.length;
        const socket = connect(servicePort, '127.0.0.1', () => socket.end('hello'));
        await new Promise((resolve) => socket.on('error', resolve).on('close', resolve).resume());
        return heard.length > before;
      });
    }
    for (const server of servers) server.close();

    expect(heard[0]).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n/);
    expect(heard.at(-1)?.startsWith('\r\n\r\n\0\r\nQUIT\n')).toBe(true);
  });

  it.concurrent('TRAFFIC_WEIGHT in a DEPLOYMENT_GROUP: shares by app, whatever their instances', async () => {
    const colour = (weight: string) => ({
      ...{ HAPROXY_0_VHOST: 'shared.localhost', HAPROXY_DEPLOYMENT_GROUP: 'shared' },
      HAPROXY_0_TRAFFIC_WEIGHT: weight,
    });
    marathon.put(
      appOf('/blue', [port('one')], colour('80')),
      appOf('/green', ['two', 'three', 'four'].map(port), colour('20')),
    );
    const share = async (requests: number): Promise<number> => {
      let blue = 0;
      for (let count = 0; count < requests; count += 20) {
        const names = await Promise.all(
          Array.from({ length: 20 }, async () => (await ask('shared.localhost')).name),
        );
        blue += names.filter((name) => name === 'one').length;
      }
      return blue / requests;
    };
    await edge.answers('shared.localhost');
    await eventually('green serves', async () => (await ask('shared.localhost')).name !== 'one');

    const before = await share(1_000);
    marathon.put(appOf('/blue', [port('one')], colour('30')));
    marathon.put(appOf('/green', ['two', 'three', 'four'].map(port), colour('70')));
    await eventually('the shares are others', async () => (await share(100)) < 0.4);
    const after = await share(1_000);

    expect(before).toBeGreaterThan(0.77);
    expect(before).toBeLessThan(0.83);
    expect(after).toBeGreaterThan(0.27);
    expect(after).toBeLessThan(0.33);
  });

  it.concurrent('the labels of zdd: each healthy new instance above the target drains an old one', async () => {
    const colour = (startedAt: string) => ({
      ...{ HAPROXY_0_VHOST: 'zdd.localhost', HAPROXY_DEPLOYMENT_GROUP: 'zdd' },
      ...{ HAPROXY_DEPLOYMENT_STARTED_AT: startedAt, HAPROXY_DEPLOYMENT_TARGET_INSTANCES: '2' },
    });
    marathon.put(
      appOf('/zdd-blue', ['one', 'two'].map(port), colour('2026-01-01T00:00:00Z')),
      appOf('/zdd-green', [port('three')], colour('2026-01-02T00:00:00Z')),
    );
    const names = async (): Promise<ReadonlySet<string>> => {
      const seen = new Set<string>();
      for (let count = 0; count < 12; count += 1) seen.add((await ask('zdd.localhost')).name);
      return seen;
    };
    await edge.answers('zdd.localhost');

    await eventually('one old and the new one serve', async () => {
      const seen = await names();
      return seen.size === 2 && seen.has('three');
    });
    marathon.setTasks(
      '/zdd-green',
      ['three', 'four'].map((name) => taskOf('/zdd-green', port(name))),
    );
    await eventually('only new ones serve', async () => {
      const seen = await names();
      return seen.size === 2 && seen.has('three') && seen.has('four');
    });
  });

  it.concurrent('templates: a good one acts; a bad one is told, and its app served without it', async () => {
    marathon.put(
      appOf('/template', [port('one')], {
        HAPROXY_0_BACKEND_HTTP_OPTIONS:
          '  option forwardfor\n  http-response set-header X-By {appId}',
        HAPROXY_0_HTTP_FRONTEND_ACL:
          '  acl is_{cleanedUpHostname} hdr(host) -i {hostname} its-alias.localhost\n  use_backend {backend} if is_{cleanedUpHostname}',
      }),
      appOf('/template-bad', [port('one')], {
        HAPROXY_0_BACKEND_HTTP_OPTIONS: '  http-response set-header X-By {nobody}',
      }),
      appOf('/template-evil', [port('one')], {
        HAPROXY_0_BACKEND_HTTP_OPTIONS: 'listen evil\n  bind :1\n',
      }),
    );
    const good = await edge.answers('template.localhost');

    expect(good.headers['x-by']).toBe('/template');
    expect((await edge.get('its-alias.localhost')).headers['x-by']).toBe('/template');
    for (const [id, reason] of [
      ['/template-bad', '{nobody} is not a placeholder'],
      ['/template-evil', 'would open a section'],
    ] as const) {
      expect(await edge.conflictsOf(id)).toContain(reason);
      expect((await edge.get(`${id.slice(1)}.localhost`)).headers).not.toHaveProperty('x-by');
      expect((await edge.get(`${id.slice(1)}.localhost`)).status).toBe(200);
    }
  });

  it.concurrent('SSL_CERT, BIND_OPTIONS and PORT: a listen port of its own, with TLS of its own', async () => {
    const file = join(folder, 'own.pem');
    writeFileSync(file, authority.issuePem('own', ['own.example']));
    const [declared, asked] = [await takePort(), await takePort()];
    marathon.put(
      appOf(
        '/own-port',
        [port('one')],
        {
          ...{ HAPROXY_0_SSL_CERT: file, HAPROXY_0_PORT: String(asked), HAPROXY_0_MODE: 'http' },
          HAPROXY_0_BIND_OPTIONS: 'ssl-min-ver TLSv1.3',
        },
        listen(declared),
      ),
    );
    const askThere = (tls = {}) =>
      request(`https://127.0.0.1:${asked}/`, {
        tls: { rejectUnauthorized: false, ...tls },
      });

    const reply = await eventually('it answers there', () => askThere());

    expect(seenBy(reply).headers['x-forwarded-proto']).toBe('https');
    await expect(askThere({ maxVersion: 'TLSv1.2' })).rejects.toThrow();
    await expect(request(`http://127.0.0.1:${declared}/`)).rejects.toThrow('ECONNREFUSED');
  });

  it.runIf(hasIpv6)('BIND_ADDR: an IPv6 address, and there only', async () => {
    const servicePort = await takePort();
    marathon.put(appOf('/six', [port('one')], { HAPROXY_0_BIND_ADDR: '::1' }, listen(servicePort)));

    const reply = await eventually('it answers there', () =>
      request(`http://[::1]:${servicePort}/`),
    );

    expect(reply.status).toBe(200);
    await expect(request(`http://127.0.0.1:${servicePort}/`)).rejects.toThrow('ECONNREFUSED');
  });

  it.concurrent('UDP: the port is not served, and it is told why', async () => {
    const servicePort = await takePort();
    marathon.put(
      appOf('/syslog', [port('one')], {}, listen(servicePort, { protocol: 'udp' })),
      appOf('/after-syslog', [port('one')]),
    );
    await edge.answers('after-syslog.localhost');

    expect(await edge.conflictsOf('/syslog')).toContain('HAProxy does not forward UDP');
    await expect(request(`http://127.0.0.1:${servicePort}/`)).rejects.toThrow('ECONNREFUSED');
  });
});
