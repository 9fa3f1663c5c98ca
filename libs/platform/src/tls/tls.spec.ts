import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request, type Server } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { Controller, Get, Module, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CertificateAuthority,
  type CertificateFiles,
} from '../../../../test/support/certificates.js';
import type { AccessRule } from '../access.js';
import { createDaemon } from '../create-daemon.js';
import type { Daemon } from '../daemon.js';
import { createLogger } from '../logger.js';
import { principalOf } from '../principal.js';
import { TlsFiles } from './tls-files.js';
import { readTlsMaterial } from './tls-material.js';
import type { ClientCertificates, TlsSettings } from './tls-settings.js';

/** openssl takes its time on a busy machine. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

@Controller('whoami')
class WhoAmIController {
  @Get()
  tell(@Req() { raw }: FastifyRequest): { readonly principal: string | null } {
    return { principal: principalOf(raw) ?? null };
  }
}

@Module({ controllers: [WhoAmIController] })
class WhoAmIModule {}

const agentsOnly: AccessRule = () => ({ kind: 'closed', to: ['agent'], realm: 'test' });

let folder: string;
let ca: CertificateAuthority;
let other: CertificateAuthority;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-tls-'));
  ca = new CertificateAuthority(join(folder, 'ca'));
  other = new CertificateAuthority(join(folder, 'other'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settingsOf = (
  files: CertificateFiles,
  clientCertificates: ClientCertificates = 'off',
): TlsSettings => ({
  certFile: files.cert,
  keyFile: files.key,
  caFile: ca.cert,
  clientCertificates,
});

const asClient = (files?: CertificateFiles): ConnectionOptions => ({
  ca: readFileSync(ca.cert),
  ...(files === undefined ? {} : { cert: readFileSync(files.cert), key: readFileSync(files.key) }),
});

describe('a daemon with certificates', () => {
  const lines: string[] = [];
  let files: CertificateFiles;
  let tls: TlsFiles;
  let daemon: Daemon;

  const start = async (clientCertificates: ClientCertificates): Promise<void> => {
    lines.length = 0;
    files = ca.issue('server');
    tls = new TlsFiles(settingsOf(files, clientCertificates), (level, message) =>
      lines.push(`${level}: ${message}`),
    );
    const logger = createLogger('secure', 'silent');
    logger.warn = (message: string) => void lines.push(`warn: ${message}`);
    daemon = await createDaemon({
      ...{ name: 'secure', module: WhoAmIModule, host: '127.0.0.1', port: 0, tls },
      ...{ access: agentsOnly, logger },
    });
  };
  const stop = async (): Promise<void> => {
    tls.close();
    await daemon.close();
  };
  const get = (path: string, options: ConnectionOptions & { headers?: Record<string, string> }) =>
    new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const sent = request(`${daemon.url}${path}`, { ...options, agent: false }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      sent.on('error', reject).end();
    });
  /** Of the certificate a new connection is shown. */
  const shownSerial = () =>
    new Promise<string>((resolve, reject) => {
      const socket: TLSSocket = connectTls({ port: daemon.port, ...asClient() }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.on('error', reject);
    });
  const logged = (pattern: RegExp) =>
    vi.waitFor(() => expect(lines.join('\n')).toMatch(pattern), { timeout: 30_000 });

  describe('that asks nobody for theirs', () => {
    beforeAll(() => start('off'));
    afterAll(stop);

    it('is reached by https alone and keeps idle connections', async () => {
      expect(daemon.url).toMatch(/^https:/);
      expect((await get('/ping', asClient())).text).toBe('pong');
      expect((daemon.app.getHttpServer() as unknown as Server).keepAliveTimeout).toBe(0);
      await expect(get('/ping', { ca: readFileSync(other.cert) })).rejects.toThrow(/certificate/);
      await expect(
        new Promise((resolve, reject) => {
          const url = daemon.url.replace('https:', 'http:');
          plainRequest(`${url}/ping`, resolve).on('error', reject).end();
        }),
      ).rejects.toThrow();
      expect((await get('/ping', asClient())).text).toBe('pong');
    });

    it('refuses versions before 1.2', async () => {
      const old = { ...asClient(), maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1' } as const;

      await expect(get('/ping', { ...old, ciphers: 'ALL@SECLEVEL=0' })).rejects.toThrow(/version/i);
    });

    it('takes no page of plain http for its own', async () => {
      const host = `localhost:${daemon.port}`;
      const from = (origin: string) => get('/whoami', { ...asClient(), headers: { host, origin } });

      expect((await from(`https://${host}`)).status).toBe(200);
      expect((await from(`http://${host}`)).status).toBe(403);
    });

    it('serves a new certificate on new connections, and leaves the old ones open', async () => {
      const before = await shownSerial();
      const kept = await open(connectTls({ port: daemon.port, ...asClient() }), 'secureConnect');

      ca.issue('server', { files });

      await logged(/new connections use them/);
      expect(await shownSerial()).not.toBe(before);
      expect(await ask(kept)).toContain('pong');
      kept.destroy();
    });

    it('goes on with the former pair while a new one is half written or does not match', async () => {
      const serial = await shownSerial();
      const next = ca.issue('server');

      writeFileSync(files.cert, readFileSync(next.cert, 'utf8').slice(0, 300));
      await logged(/the former go on: .*PACER_TLS_CERT_FILE/);
      copyFileSync(next.cert, files.cert);
      await logged(/the former go on: .*is not the key of the certificate/);
      const meanwhile = await shownSerial();
      copyFileSync(next.key, files.key);

      expect(meanwhile).toBe(serial);
      await vi.waitFor(async () => expect(await shownSerial()).not.toBe(serial), 30_000);
    });

    it('goes on with the former key when others may read the new one', async () => {
      chmodSync(files.key, 0o644);

      await logged(/the former go on: .*mode 0644: take it from others with chmod 600/);
      chmodSync(files.key, 0o600);
    });

    it('is not held up by a client that says nothing', async () => {
      const silent = await open(connect(daemon.port, '127.0.0.1'), 'connect');

      expect((await get('/ping', asClient())).text).toBe('pong');
      silent.destroy();
    });
  });

  describe('that requires those of its clients', () => {
    beforeAll(() => start('require'));
    afterAll(stop);

    it('lets nobody connect without one, or with one of another authority', async () => {
      const foreign = other.issue('agent-7', { kinds: ['agent'] });

      await expect(get('/ping', asClient(foreign))).rejects.toThrow(/socket|ECONNRESET/);
      await logged(/warn: no TLS with .*: (UNABLE_TO|SELF_SIGNED|CERT_SIG)/);
      await expect(get('/ping', asClient())).rejects.toThrow(/certificate|ECONNRESET/i);
    });

    it('knows an agent by the common name, if the certificate is that of an agent', async () => {
      const agent = ca.issue('agent-7', { kinds: ['agent', 'berlin'] });
      const operator = ca.issue('olga', { kinds: ['operator'] });
      const anybody = ca.issue('web');

      const answers = await Promise.all(
        [agent, operator, anybody].map((one) => get('/whoami', asClient(one))),
      );

      expect(answers[0]).toEqual({ status: 200, text: '{"principal":"agent-7"}' });
      expect(answers.map(({ status }) => status)).toEqual([200, 403, 403]);
      expect(answers[1]?.text).toContain('may act as operator; GET /whoami is for agent');
    });

    it('refuses a wrong token whatever the certificate says', async () => {
      const agent = ca.issue('agent-7', { kinds: ['agent'] });
      const headers = { authorization: 'Bearer 0123456789abcdef' };

      const answer = await get('/whoami', { ...asClient(agent), headers });

      expect([answer.status, answer.text]).toEqual([401, expect.stringContaining('token')]);
    });
  });

  describe('that asks for those of its clients', () => {
    beforeEach(() => start('request'));

    it('asks those without for other proof, and refuses wrong ones', async () => {
      const foreign = other.issue('agent-7', { kinds: ['agent'] });

      const [none, wrong, ping] = await Promise.all([
        get('/whoami', asClient()),
        get('/whoami', asClient(foreign)),
        get('/ping', asClient()),
      ]);

      expect([none.status, wrong.status, ping.status]).toEqual([401, 401, 200]);
      expect(wrong.text).toContain('The client certificate is not accepted');
      await stop();
    });
  });
});

describe('the files of TLS', () => {
  it('are refused with the setting, the file and the reason', () => {
    const files = ca.issue('server');
    const stranger = ca.issue('other');
    const refusal = (settings: Partial<TlsSettings>) => () =>
      readTlsMaterial({ ...settingsOf(files), ...settings });

    expect(refusal({})).not.toThrow();
    expect(refusal({ keyFile: stranger.key })).toThrow(/^PACER_TLS_KEY_FILE: .* is not the key of/);
    expect(refusal({ certFile: files.key })).toThrow(/^PACER_TLS_CERT_FILE: .* no certificate/);
    expect(refusal({ caFile: join(folder, 'none') })).toThrow(/^PACER_TLS_CA_FILE: .*ENOENT/);
    expect(refusal({ keyFile: files.cert })).toThrow(/mode 0644/);
    chmodSync(files.cert, 0o600);
    expect(refusal({ keyFile: files.cert })).toThrow(/no private key/);
  });

  it('whose certificate has expired are told at the start', () => {
    const lines: string[] = [];
    const files = ca.issue('server', { days: -1 });

    new TlsFiles(settingsOf(files), (level, message) => lines.push(`${level}: ${message}`)).close();

    expect(lines).toEqual([
      expect.stringMatching(/^warn: the TLS certificate of CN=server has exp/),
    ]);
  });
});

const open = <Connection extends Socket>(socket: Connection, event: string) =>
  new Promise<Connection>((resolve, reject) => {
    socket.once(event, () => resolve(socket)).once('error', reject);
  });

const ask = (socket: Socket) =>
  new Promise<string>((resolve, reject) => {
    socket.once('data', (chunk) => resolve(chunk.toString())).once('error', reject);
    socket.once('end', () => reject(new Error('the connection was closed')));
    socket.write('GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n');
  });
