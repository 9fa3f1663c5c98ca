import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type AgentCall, type AgentMessageBody, encodeRecord } from '#mesos-v1';
import { CertificateAuthority } from '../../../../test/support/certificates.js';
import { startSecureServer } from '../../../../test/support/secure-server.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { HttpMasterLink, type HttpMasterLinkOptions } from './http-master-link.js';

/** openssl takes its time on a busy machine. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: string;
let ca: CertificateAuthority;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-link-'));
  ca = new CertificateAuthority(join(folder, 'ca'));
});
afterAll(() => rmSync(folder, { recursive: true }));
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const SUBSCRIBED: AgentMessageBody = {
  type: 'SUBSCRIBED',
  subscribed: { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 },
};
const record = () =>
  encodeRecord(JSON.stringify({ ...SUBSCRIBED, epoch: 1, stream_id: 's', sequence: 1 }));

const startMaster = async (
  handle: (...args: [...Parameters<RequestListener>, AgentCall]) => void,
) => {
  const master = await startSecureServer(ca, ca.issue('master'), (request, response) => {
    void readBody(request).then((text) => handle(request, response, JSON.parse(text) as AgentCall));
  });
  closers.push(() => master.close());
  return master;
};

const tlsAs = (name: string, authority = ca) => {
  const files = ca.issue(name);
  const [cert, key] = [readFileSync(files.cert), readFileSync(files.key)];
  return { ca: readFileSync(authority.cert), cert, key };
};

/** A link; `until` lets time pass, a little at a time, until something holds. */
function openLink(url: string, options: Partial<HttpMasterLinkOptions>) {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const link = new HttpMasterLink({
    ...{ masters: [url], clock, random: () => 0.5, headers: () => ({}) },
    log: (level, message) => lines.push(`${level}: ${message}`),
    ...options,
  });
  closers.push(() => void link.close());
  const agent_info = { hostname: 'h', port: 1, resources: [], attributes: [] };
  let isOpen = false;
  link.open({
    subscribe: () => ({
      type: 'SUBSCRIBE',
      subscribe: { agent_info, version: '1', highest_epoch: 0, tasks: [], frameworks: [] },
    }),
    opened: () => undefined,
    message: () => {
      isOpen = true;
    },
    closed: () => {
      isOpen = false;
    },
  });
  const until = async (holds: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 2_000 && !holds(); turn += 1) {
      await clock.advance(50);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(holds()).toBe(true);
  };
  return { link, lines, until, clock, isOpen: () => isOpen };
}

test('subscribes and calls over TLS, with the certificate of that moment', async () => {
  const streams: (() => void)[] = [];
  const master = await startMaster((_request, response, call) => {
    if (call.type !== 'SUBSCRIBE') return void response.writeHead(202).end();
    response.writeHead(200).write(record());
    streams.push(() => response.destroy());
  });
  let tls = tlsAs('first');
  const { link, until, isOpen } = openLink(master.url, { tls: () => tls });

  await until(isOpen);
  await link.send({ type: 'PONG', agent_id: { value: 'a1' }, stream_id: 's' } as never);
  tls = tlsAs('second');
  streams[0]?.();
  await until(() => streams.length === 2 && isOpen());

  expect(master.clients).toEqual(['first', 'first', 'second']);
});

test('says why it is turned away, once, and does not ask again at once', async () => {
  let asked = 0;
  const master = await startMaster((_request, response) => {
    asked += 1;
    response.writeHead(401).end('{"message":"The token is not accepted here"}');
  });
  const { lines, until, clock } = openLink(master.url, { tls: () => tlsAs('agent') });

  await until(() => lines.length > 0);
  const before = asked;
  for (let second = 0; second < 3; second += 1) {
    await clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  expect(asked).toBe(before);
  await until(() => asked > before);
  expect(lines).toEqual([
    expect.stringMatching(/^warn: .*SUBSCRIBE was answered 401: .*The token is not accepted here/),
  ]);
});

test('comes back with the new token when the old one is no longer good', async () => {
  let accepted = 'Bearer old';
  const master = await startMaster(({ headers }, response, call) => {
    if (headers.authorization !== accepted) return void response.writeHead(401).end('{}');
    if (call.type !== 'SUBSCRIBE') return void response.writeHead(202).end();
    response.writeHead(200).write(record());
  });
  let own = 'Bearer old';
  const headers = () => ({ authorization: own });
  const { link, until, isOpen } = openLink(master.url, { tls: () => tlsAs('agent'), headers });

  await until(isOpen);
  accepted = 'Bearer new';
  own = 'Bearer new';
  const pong = { type: 'PONG', agent_id: { value: 'a1' }, stream_id: 's' } as never;
  await expect(link.send(pong)).rejects.toThrow('401');
  await until(isOpen);

  await expect(link.send(pong)).resolves.toBeUndefined();
});

test('trusts no master but those of its authority, and says so', async () => {
  const other = new CertificateAuthority(join(folder, 'other'));
  const master = await startMaster((_request, response) => response.end());
  const { lines, until } = openLink(master.url, {
    tls: () => tlsAs('agent', other),
    explain: (error) => `explained ${(error as NodeJS.ErrnoException).code}`,
  });

  await until(() => lines.length > 0);

  expect(lines[0]).toMatch(/explained (UNABLE_TO|CERT_SIG|SELF_SIGNED)/);
  expect(master.clients).toEqual([]);
});

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
