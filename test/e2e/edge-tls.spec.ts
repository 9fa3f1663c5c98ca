import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateAuthority } from '../support/certificates.js';
import { EdgeInstances } from './support/edge-instances.js';
import { EdgeRouter, takePort } from './support/edge-router.js';
import { appOf, FakeMarathon, taskOf } from './support/fake-marathon.js';
import { eventually, pause, request } from './support/http.js';

/** Certificates by the name in the hello, HTTP/2, TLS that is not ended here, and what is no HTTP at all. */
describe('TLS and TCP at the edge', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-tls-'));
  const certificates = join(folder, 'certificates');
  const authority = new CertificateAuthority(join(folder, 'ca'));
  const marathon = new FakeMarathon();
  const instances = new EdgeInstances(['one', 'two']);
  const servers: Server[] = [];
  let edge: EdgeRouter;

  const write = (name: string, pem: string): void => {
    // As whoever renews certificates does: never half of one.
    const path = join(certificates, `${name}.pem`);
    writeFileSync(`${path}.new`, pem);
    renameSync(`${path}.new`, path);
  };

  beforeAll(async () => {
    mkdirSync(certificates);
    write('shop', authority.issuePem('shop-1', ['shop.localhost']));
    write('others', authority.issuePem('others-1', ['*.others.localhost']));
    await Promise.all([marathon.start(), instances.start()]);
    edge = await EdgeRouter.start([marathon.url], { PACER_EDGE_CERTIFICATES: certificates });
    marathon.put(
      appOf('/shop', [instances.port('one')]),
      appOf('/wild', [instances.port('two')], { HAPROXY_0_VHOST: '*.others.localhost' }),
      appOf('/nowhere', [instances.port('two')]),
    );
    await edge.answers('nowhere.localhost');
  });
  afterAll(async () => {
    await edge?.destroy();
    await instances.kill();
    await marathon.stop();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  const portOf = async (server: Server): Promise<number> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  };

  /** Whose certificate a client is shown that asks for a name. */
  const subjectAt = (servername: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls(
        { port: edge.tlsPort, host: '127.0.0.1', servername, rejectUnauthorized: false },
        () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.end();
        },
      );
      socket.once('error', reject);
    });
  const overTls = (host: string) =>
    request(`https://127.0.0.1:${edge.tlsPort}/`, {
      headers: { host },
      tls: { servername: host, rejectUnauthorized: false },
    });

  it('SNI chooses the certificate; a name without one is refused', async () => {
    expect(await subjectAt('shop.localhost')).toBe('shop-1');
    expect(await subjectAt('a.others.localhost')).toBe('others-1');
    await expect(subjectAt('nowhere.localhost')).rejects.toThrow();

    expect((await overTls('shop.localhost')).text).toContain('"name":"one"');
    expect((await overTls('a.others.localhost')).text).toContain('"name":"two"');
  });

  it('a certificate is replaced, added and taken away without a reload or a failed request', async () => {
    const reloads = await edge.metric('pacer_router_reloads_total');
    const failures: unknown[] = [];
    let requests = 0;
    let isRunning = true;
    const client = async (): Promise<void> => {
      while (isRunning) {
        requests += 1;
        await overTls('shop.localhost').then(
          ({ status }) => status === 200 || failures.push(status),
          (error: unknown) => failures.push(error),
        );
      }
    };
    const clients = [client(), client(), client()];

    write('shop', authority.issuePem('shop-2', ['shop.localhost']));
    write('fresh', authority.issuePem('fresh-1', ['nowhere.localhost']));
    await eventually('the new one is shown', async () => {
      return (await subjectAt('shop.localhost')) === 'shop-2';
    });
    await eventually('the added one is shown', async () => {
      return (await subjectAt('nowhere.localhost')) === 'fresh-1';
    });
    rmSync(join(certificates, 'fresh.pem'));
    write('broken', 'no certificate at all');
    await eventually('it is gone', () =>
      subjectAt('nowhere.localhost').then(
        () => false,
        () => true,
      ),
    );
    await eventually('the broken one is told', async () =>
      (await edge.status()).includes('broken'),
    );
    rmSync(join(certificates, 'broken.pem'));
    isRunning = false;
    await Promise.all(clients);

    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(50);
    expect(await edge.metric('pacer_router_reloads_total')).toBe(reloads);
  });

  it('one too large for HAProxy to take at run time is served after a reload, without a failed request', async () => {
    const reloads = await edge.metric('pacer_router_reloads_total');
    const chain = Array.from({ length: 25 }, () => readFileSync(authority.cert, 'utf8')).join('');

    write('shop', authority.issuePem('shop-3', ['shop.localhost']) + chain);
    await eventually('the large one is shown', async () => {
      expect((await overTls('shop.localhost')).status).toBe(200);
      return (await subjectAt('shop.localhost')) === 'shop-3';
    });

    expect(await edge.metric('pacer_router_reloads_total')).toBe(reloads + 1);
    await eventually(
      'nothing is wrong',
      async () => !(await edge.status()).includes('lastProblem'),
    );
  });

  it('what somebody else took out of HAProxy is brought back, and counted', async () => {
    const list = /^\/\S+certificates\.list$/m.exec(await edge.admin('show ssl crt-list'))?.[0];
    const file = list?.replace(/\.list$/, '/others.pem');
    await edge.admin(`del ssl crt-list ${list} ${file}`);
    await expect(subjectAt('a.others.localhost')).rejects.toThrow();

    await eventually('it is shown again', async () => {
      return (await subjectAt('a.others.localhost').catch(() => '')) === 'others-1';
    });

    expect(await edge.metric('pacer_router_drift_repairs_total{kind="certificate"}')).toBe(1);
  });

  it.concurrent('HTTP/2 is spoken with clients that want it: many requests on one connection', async () => {
    const session = connectHttp2(`https://127.0.0.1:${edge.tlsPort}`, {
      ...{ servername: 'shop.localhost', rejectUnauthorized: false },
    });
    const ask = (index: number): Promise<string> =>
      new Promise((resolve, reject) => {
        const stream = session.request({
          ...{ ':path': `/?ms=30&n=${index}`, ':authority': 'shop.localhost', ':method': 'POST' },
        });
        let text = '';
        stream.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        stream.on('error', reject).on('end', () => resolve(text));
        stream.end(`body-${index}`);
      });

    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(index)));
    const { alpnProtocol } = session;
    session.close();

    expect(alpnProtocol).toBe('h2');
    for (const [index, answer] of answers.entries()) {
      expect(JSON.parse(answer)).toMatchObject({ name: 'one', body: `body-${index}` });
    }
  });

  it.concurrent('SERVER_PROTOCOL https: the instance is spoken to over TLS', async () => {
    const { createServer: createHttps } = await import('node:https');
    const [cert, key] = splitPem(authority.issuePem('inner', ['inner.localhost']));
    const server = createHttps({ cert, key }, (request_, response) =>
      response.end(`secure ${request_.headers.host}`),
    );
    const port = await portOf(server);
    marathon.put(appOf('/inner', [port], { HAPROXY_0_SERVER_PROTOCOL: 'https' }));

    expect((await edge.answers('inner.localhost')).text).toBe('secure inner.localhost');
  });

  it.concurrent('SSL_PASSTHROUGH: the certificate of the instance is seen, of others that of the edge', async () => {
    const [cert, key] = splitPem(authority.issuePem('of-the-instance', ['pass.localhost']));
    const server = createTlsServer({ cert, key }, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npassed'));
    });
    marathon.put(appOf('/pass', [await portOf(server)], { HAPROXY_0_SSL_PASSTHROUGH: 'true' }));

    await eventually('it is passed through', async () => {
      return (await subjectAt('pass.localhost').catch(() => '')) === 'of-the-instance';
    });

    expect((await overTls('pass.localhost')).text).toBe('passed');
    expect(await subjectAt('a.others.localhost')).toBe('others-1');
    expect((await overTls('a.others.localhost')).text).toContain('"name":"two"');
    // What is plain is sent to TLS.
    const plain = await edge.get('pass.localhost', '/x');
    expect([plain.status, plain.headers['location']]).toEqual([301, 'https://pass.localhost/x']);
  });

  it.concurrent('TCP: bytes both ways, half closed too; ended when the instance is out and gone', async () => {
    const sockets = new Set<Socket>();
    // Answers when it has heard everything: only a half close lets it.
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      let heard = 0;
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.length;
      });
      socket.on('end', () => socket.end(`heard ${heard}`));
      socket.write('welcome ');
    });
    const instance = await portOf(server);
    const servicePort = await takePort();
    marathon.put(
      appOf(
        '/tcp',
        [instance],
        { HAPROXY_0_VHOST: '' },
        {
          portDefinitions: [{ port: servicePort, protocol: 'tcp' }],
        },
      ),
    );
    const talk = (bytes: number): Promise<string> =>
      new Promise((resolve, reject) => {
        let text = '';
        const socket = connectTcp({ port: servicePort, host: '127.0.0.1', allowHalfOpen: true });
        socket.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        socket.on('error', reject).on('end', () => socket.destroy());
        socket.on('close', () => resolve(text));
        socket.end(Buffer.alloc(bytes, 'x'));
      });

    const answer = await eventually('it answers', async () => {
      const text = await talk(1_000_000);
      return text !== '' && text;
    });
    const before = await talk(0);
    marathon.setTasks('/tcp', [taskOf('/tcp', instance, { state: 'TASK_FAILED' })]);
    await eventually('nobody answers any more', async () => {
      return (await talk(1).catch(() => '')) === '';
    });

    expect(answer).toBe('welcome heard 1000000');
    expect(before).toBe('welcome heard 0');
    for (const socket of sockets) socket.destroy();
    await pause(0);
  });
});

/** Certificate and key of what `issuePem` gives. */
function splitPem(pem: string): readonly [string, string] {
  const at = pem.indexOf('-----BEGIN', 1);
  return [pem.slice(0, at), pem.slice(at)];
}
