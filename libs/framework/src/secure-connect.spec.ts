import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { encodeRecord } from '#mesos-v1';
import { CertificateAuthority } from '../../../test/support/certificates.js';
import { startSecureServer } from '../../../test/support/secure-server.js';
import { createScheduler } from './create-scheduler.js';
import { readTaskFile } from './read-task-file.js';

/** openssl takes its time on a busy machine. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: string;
let ca: CertificateAuthority;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-framework-tls-'));
  ca = new CertificateAuthority(join(folder, 'ca'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const tlsAs = (name: string) => {
  const files = ca.issue(name);
  return {
    ca: readFileSync(ca.cert),
    ...{ cert: readFileSync(files.cert), key: readFileSync(files.key) },
  };
};
const SUBSCRIBED = encodeRecord(
  JSON.stringify({ type: 'SUBSCRIBED', subscribed: { framework_id: { value: 'fw-1' } } }),
);

it('stays with TLS through a redirect without a scheme, for its calls, and with new certificates', async () => {
  let redirected = 0;
  let isSuppressed = false;
  const streams: (() => void)[] = [];
  const master = await startSecureServer(ca, ca.issue('master'), (request, response) => {
    if (request.headers['mesos-stream-id'] !== undefined) {
      isSuppressed = true;
      return void response.writeHead(202).end();
    }
    if (redirected === 0) {
      redirected += 1;
      const location = `//${request.headers.host}/api/v1/scheduler`;
      return void response.writeHead(307, { location }).end();
    }
    response.writeHead(200, { 'mesos-stream-id': 's' }).write(SUBSCRIBED);
    streams.push(() => response.destroy());
  });
  let tls = tlsAs('first');
  const ids: string[] = [];
  const scheduler = createScheduler({
    masters: [master.url],
    frameworkInfo: { user: 'root', name: 'n' },
    backOff: { initialMs: 1, maxMs: 10 },
    tls: () => tls,
    handlers: {
      onSubscribed: (id) => void ids.push(id),
      ...{ onOffers: ignore, onRescind: ignore, onFailure: ignore, onDisconnected: ignore },
      onUpdate: async () => undefined,
      onError: ignore,
    },
  });

  scheduler.start();
  await expect.poll(() => ids, { timeout: 30_000 }).toEqual(['fw-1']);
  await scheduler.call({ type: 'SUPPRESS', suppress: {} } as never);
  tls = tlsAs('second');
  streams[0]?.();
  await expect.poll(() => ids, { timeout: 30_000 }).toEqual(['fw-1', 'fw-1']);
  await scheduler.stop();
  master.close();

  expect(isSuppressed).toBe(true);
  expect(new Set(master.clients.slice(0, 3))).toEqual(new Set(['first']));
  expect(master.clients.at(-1)).toBe('second');
});

it('reads files of tasks from agents over TLS', async () => {
  const agent = await startSecureServer(ca, ca.issue('agent'), (_request, response) =>
    response.end('printed'),
  );
  const place = { taskId: 't', agentUrl: agent.url };

  const text = await readTaskFile(place, 'stdout', { tls: () => tlsAs('reader') });
  agent.close();

  expect([text, agent.clients]).toEqual(['printed', ['reader']]);
});

const ignore = (): void => undefined;
