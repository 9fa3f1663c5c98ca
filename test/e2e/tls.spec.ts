import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireTask } from '#marathon-v2';
import { CertificateAuthority, type CertificateFiles } from '../support/certificates.js';
import { Cluster, PORTS } from './support/cluster.js';
import { eventually, request } from './support/http.js';
import { type CommandRun, startPacer } from './support/pacer.js';

const AGENT = join(resolve(import.meta.dirname, '../..'), 'dist/apps/agent/bundle/main.js');
const TOKEN = 'token-of-the-agents-0123456789';

/** Agents join by a token: the certificate of the cluster is that of a framework and an operator. */
describe('a cluster under mutual TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-e2e-tls-'));
  const ca = new CertificateAuthority(join(folder, 'ca'));
  const own = ca.issue('pacer', { kinds: ['framework', 'operator'] });
  const olga = ca.issue('olga', { kinds: ['operator'] });
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const settings = (files: CertificateFiles, authority = ca): Readonly<Record<string, string>> => ({
    PACER_TLS_CERT_FILE: files.cert,
    PACER_TLS_KEY_FILE: files.key,
    PACER_TLS_CA_FILE: authority.cert,
  });
  const environment = {
    ...settings(own),
    PACER_TLS_CLIENT_CERTS: 'require',
    PACER_AGENT_TOKENS_FILE: file('tokens', `rack-1 ${TOKEN}\nrack-2 another-${TOKEN}\n`),
    PACER_AGENT_TOKEN_FILE: file('token', TOKEN),
    PACER_AGENT_LAUNCHERS: 'process',
  };
  const cluster = new Cluster({ environment });
  const [api, master, agent, router] = [
    cluster.api.url,
    cluster.masterUrl,
    cluster.agentUrl,
    cluster.routerUrl,
  ].map((url) => url.replace('http:', 'https:'));
  const all = [api, master, agent, router].map(String);
  const tlsOf = (files?: CertificateFiles): ConnectionOptions => ({
    ca: readFileSync(ca.cert),
    ...(files && { cert: readFileSync(files.cert), key: readFileSync(files.key) }),
  });
  const ask = async <Answer>(url: string): Promise<Answer> => {
    const headers = { accept: 'application/json' };
    return JSON.parse((await request(url, { tls: tlsOf(olga), headers })).text) as Answer;
  };
  const pacer = (args: readonly string[], input = ''): Promise<CommandRun> =>
    startPacer(String(api), args, { input, environment: settings(olga) }).ended;
  const runningTasks = async (): Promise<readonly WireTask[]> => {
    const { tasks } = await ask<{ tasks: readonly WireTask[] }>(`${api}/v2/apps/web/tasks`);
    return tasks.filter(({ state }) => state === 'TASK_RUNNING');
  };
  const strangers: ChildProcess[] = [];
  /** One more agent, with other settings. Says what it has logged so far. */
  const startAgent = (index: number, others: Readonly<Record<string, string>>): (() => string) => {
    const child = spawn(process.execPath, [AGENT], {
      env: {
        ...process.env,
        ...environment,
        PACER_DATA: join(folder, `agent-${index}`),
        PACER_PORT: String(5051 + index + PORTS.offset),
        PACER_MASTER_URLS: String(master),
        ...others,
      },
    });
    strangers.push(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    return () => output;
  };

  // It is ready only when the agent and the controller have registered, and the supervisor has seen it.
  beforeAll(() => cluster.start());
  afterAll(async () => {
    for (const stranger of strangers) stranger.kill('SIGKILL');
    await cluster.destroy();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  it('runs an app, shows its log through controller and agent, and routes to it', async () => {
    const app = {
      ...{ id: '/web', cpus: 0.05, mem: 32, instances: 1 },
      cmd: 'echo hello >&2; exec python3 -m http.server $PORT',
      labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'web.localhost' },
    };

    const created = await pacer(['app', 'create', '-f', '-', '--wait'], JSON.stringify(app));
    expect(created.error).toContain('has ended');
    const [task] = await eventually('it runs', async () => {
      const tasks = await runningTasks();
      return tasks.length > 0 && tasks;
    });
    const log = await pacer(['logs', task?.id ?? '', '--file', 'stderr']);
    const { marathon_config: config } = await ask<{
      readonly marathon_config: { readonly webui_url: string };
    }>(`${api}/v2/info`);

    expect(log.out).toContain('hello');
    expect(config.webui_url).toBe(api);
    await eventually('the edge serves it', async () => {
      const headers = { host: 'web.localhost' };
      return (await request(cluster.edgeUrl, { headers })).status === 200;
    });
  });

  it('runs commands in a task and follows its log', async () => {
    const [task] = await runningTasks();
    const command = ['sh', '-c', 'cat; echo in the task >&2; exit 7'];
    const run = await pacer(['exec', '-i', task?.id ?? '', '--', ...command], 'typed');
    const following = startPacer(
      String(api),
      ['logs', '--follow', task?.id ?? '', '--file', 'stderr'],
      { environment: settings(olga) },
    );

    expect(run).toMatchObject({ code: 7, out: 'typed', error: 'in the task\n' });
    await eventually('it follows', async () => following.output().includes('hello'));
    following.stop();
    await following.ended;
  });

  it('speaks nothing but TLS, and with nobody without a certificate of its authority', async () => {
    const foreign = new CertificateAuthority(join(folder, 'foreign')).issue('olga', {
      kinds: ['operator'],
    });

    for (const url of all) {
      const ping = `${url}/ping`;
      await expect(request(ping.replace('https:', 'http:'))).rejects.toThrow();
      await expect(request(ping, { tls: tlsOf() })).rejects.toThrow();
      await expect(request(ping, { tls: tlsOf(foreign) })).rejects.toThrow();
      expect((await request(`${url}/metrics`, { tls: tlsOf(olga) })).status).toBe(200);
      expect((await request(`${url}/metrics`, { tls: tlsOf(ca.issue('web')) })).status).toBe(403);
    }
  });

  it('lets no agent join with a wrong token or authority, and one by its certificate alone', async () => {
    const token = file('wrong', 'token-of-somebody-else-01234');
    const wrongToken = startAgent(1, { PACER_AGENT_TOKEN_FILE: token });
    const wrongAuthority = startAgent(2, {
      PACER_TLS_CA_FILE: join(folder, 'foreign/ca.crt'),
    });

    await eventually('the first says why', async () =>
      wrongToken().includes('SUBSCRIBE was answered 401: {\\"message\\":\\"The token is not acc'),
    );
    await eventually('the second says why', async () =>
      wrongAuthority().includes('is not signed by PACER_TLS_CA_FILE'),
    );
    const { slaves } = await ask<{ slaves: readonly unknown[] }>(`${master}/slaves`);
    expect(slaves).toHaveLength(1);
    for (const stranger of strangers.splice(0)) stranger.kill('SIGKILL');

    startAgent(1, {
      ...settings(ca.issue('rack-3', { kinds: ['agent'] })),
      PACER_AGENT_TOKEN_FILE: '',
      PACER_AGENT_CPUS: '0.01',
    });
    await eventually('the third joins', async () => {
      const answer = await ask<{ slaves: readonly unknown[] }>(`${master}/slaves`);
      return answer.slaves.length === 2;
    });
  });

  it('goes over to new certificates, and tasks and processes stay', async () => {
    const [before, pids] = [await runningTasks(), cluster.pids()];
    const old = await Promise.all(all.map(serialOf));

    ca.issue('pacer', { kinds: ['framework', 'operator'], files: own });

    await eventually('all show the new one', async () => {
      const shown = await Promise.all(all.map(serialOf));
      return shown.every((serial, index) => serial !== old[index]);
    });
    await pacer(['app', 'scale', '/web', '2', '--wait']);
    const after = await eventually('another runs', async () => {
      const tasks = await runningTasks();
      return tasks.length === 2 && tasks;
    });
    expect(after.map(({ id }) => id)).toContain(before[0]?.id);
    expect(cluster.pids()).toEqual(pids);
  });

  /** Of the certificate a new connection is shown. */
  const serialOf = (url: string): Promise<string> =>
    new Promise((resolveSerial, reject) => {
      const { hostname: host, port } = new URL(url);
      const socket = connect({ host, port: Number(port), ...tlsOf(olga) }, () => {
        resolveSerial(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.on('error', reject);
    });
});
