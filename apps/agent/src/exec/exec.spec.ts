import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { request as openRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createProcessLauncher } from '#containerizer';
import { frameworkId, type Launcher, runKey, type SessionHost, taskId } from '#core';
import { createDaemon, createLogger, type Daemon } from '#platform';
import { agentAccess } from '../access.js';
import { AgentService } from '../agent.service.js';
import { readAgentConfig } from '../agent-config.js';
import { AGENT_CONFIG, AGENT_LOGGER } from '../tokens.js';
import { ExecController } from './exec.controller.js';
import { ExecSessions } from './exec-sessions.js';

const WAIT_MS = 30_000;
const RUN = runKey('web.1', 'a');
const SCOPE = `exec-api-${process.pid}`;
const logger = createLogger('agent', 'silent');

let folder = '';
let launcher: Launcher & SessionHost;
let daemon: Daemon;

const framework = (id: string) => ({ user: 'root', name: id, id: { value: id } });
const taskOf = (id: string, owner: string, kind = 'running') => ({
  ...{ run: RUN, id, framework: framework(owner), launcher: 'process', phase: { kind } },
});
const STATE = {
  ...{ executors: new Map(), executorRuns: new Map(), completedExecutors: new Map() },
  tasks: new Map<string, unknown>([
    [RUN, taskOf('web.1', 'f1')],
    ['old', { ...taskOf('web.0', 'f1', 'ended'), run: 'old' }],
    ['x1', { ...taskOf('both', 'f1'), run: 'x1' }],
    ['x2', { ...taskOf('both', 'f2'), run: 'x2' }],
  ]),
  current: new Map([
    ['f1', new Map([...[['web.1', RUN]], ...[['web.0', 'old']], ...[['both', 'x1']]] as never)],
    ['f2', new Map([['both', 'x2']])],
  ]),
  completed: new Map(),
};

const startAgent = (environment: Readonly<Record<string, string>> = {}): Promise<Daemon> =>
  createDaemon({
    ...{ name: 'agent', host: '127.0.0.1', port: 0, logger },
    ...{ access: agentAccess, acceptsUpgrades: true },
    module: {
      module: class ExecModule {},
      controllers: [ExecController],
      providers: [
        {
          provide: AgentService,
          useValue: {
            state: STATE,
            openSession: (task: { run: typeof RUN }, ...rest: [never, never]) =>
              launcher.openSession(task.run, ...rest),
          },
        },
        { provide: AGENT_CONFIG, useValue: readAgentConfig({ environment, argv: [] }) },
        { provide: AGENT_LOGGER, useValue: logger },
        ExecSessions,
      ],
    },
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacer-exec-api-'));
  launcher = createProcessLauncher({ scope: SCOPE });
  const [sandbox, runtimeDirectory] = [join(folder, 'sandbox'), join(folder, 'runtime')];
  await Promise.all([mkdir(sandbox), mkdir(runtimeDirectory)]);
  await launcher.launch({
    ...{ run: RUN, taskId: taskId('web.1'), frameworkId: frameworkId('f1') },
    ...{ sandbox, runtimeDirectory, cpuMillis: 100, memMib: 64, environment: {} },
    command: { kind: 'shell', value: 'sleep 1000; true' },
  });
  daemon = await startAgent();
}, WAIT_MS);
afterAll(async () => {
  await daemon.close();
  const ended = new Promise<void>((resolve) => launcher.onExit(() => resolve()));
  await launcher.kill(RUN, { graceMs: 0 });
  await ended;
  await launcher.release(RUN);
  await launcher.close();
  await rm(folder, { recursive: true, force: true });
}, WAIT_MS);

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS / 2;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error('not reached in time');
    await sleep(20);
  }
}

const addressOf = (argv: readonly string[], rest = '', path = '/tasks/web.1/exec'): string =>
  `${path}?${argv.map((one) => `command=${encodeURIComponent(one)}`).join('&')}${rest}`;

/** A client, and what it has seen. */
function connect(path: string, given: { readonly url?: string; readonly headers?: object } = {}) {
  const socket = new WebSocket(`${(given.url ?? daemon.url).replace('http', 'ws')}${path}`, {
    headers: { ...given.headers },
  });
  const seen = { 1: '', 2: '', messages: [] as unknown[], status: 0, closeCode: 0 };
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) seen.messages.push(JSON.parse(data.toString()));
    else seen[data[0] === 1 ? 1 : 2] += data.subarray(1).toString();
  });
  socket.on('unexpected-response', (_request, response) => {
    seen.status = response.statusCode ?? 0;
    response.resume();
    socket.terminate();
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', (code) => {
      seen.closeCode = code;
      resolve();
    });
  });
  const opened = new Promise<void>((resolve) => socket.once('open', () => resolve()));
  return { socket, seen, closed, opened };
}

/** Command lines of processes of sessions. */
async function left(): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const marks = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      const isOurs = marks.includes(`PACER_AGENT_SCOPE=${SCOPE}`) && marks.includes('PACER_EXEC=');
      return isOurs ? [await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')] : [];
    }),
  );
  return lines.flat();
}

describe('a session', { timeout: WAIT_MS }, () => {
  it('has a terminal that is resized, and tells the exit code', async () => {
    const command =
      'read a; stty size; until [ "$(stty size)" = "40 120" ]; do sleep 0.1; done; read b; echo "$b"; exit 7';
    const rest = '&tty=true&stdin=true&columns=90&rows=30';
    const { socket, seen, closed, opened } = connect(addressOf(['sh', '-c', command], rest));
    await opened;

    socket.send(Buffer.from('one\r'));
    await until(() => seen[1].includes('30 90'));
    socket.send(JSON.stringify({ kind: 'resize', columns: 120, rows: 40 }));
    socket.send(Buffer.from('two\r'));
    await closed;

    expect(seen).toMatchObject({ messages: [{ kind: 'exit', code: 7 }], closeCode: 1000 });
  });

  it('keeps outputs apart without a terminal, and ends its input when told', async () => {
    const path = '/frameworks/f1/executors/web.1/runs/latest/exec';
    const argv = ['sh', '-c', 'cat; echo oops >&2'];
    const { socket, seen, closed, opened } = connect(addressOf(argv, '&stdin=true', path));
    await opened;

    socket.send(Buffer.from('größe'));
    socket.send(JSON.stringify({ kind: 'end' }));
    await closed;

    expect(seen).toMatchObject({ 1: 'größe', 2: 'oops\n', messages: [{ kind: 'exit', code: 0 }] });
  });

  it('leaves no process when its client leaves', async () => {
    const argv = ['sh', '-c', 'trap "" HUP TERM; setsid sleep 1000 & echo up; sleep 1000; true'];
    const { socket, seen } = connect(addressOf(argv, '&tty=true'));
    await until(() => seen[1].includes('up'));
    expect(await left()).not.toEqual([]);

    socket.terminate();

    await until(async () => (await left()).length === 0);
  });

  it('goes on only as fast as its client reads', async () => {
    const argv = ['sh', '-c', 'head -c 30000000 /dev/zero | tr "\\0" x'];
    const { socket, seen, closed, opened } = connect(addressOf(argv));
    await opened;
    socket.pause();
    await connect(addressOf(['sleep', '0.5'])).closed;
    expect(await left()).not.toEqual([]);

    socket.resume();
    await closed;

    expect(seen[1].length).toBe(30_000_000);
    expect(seen.messages).toEqual([{ kind: 'exit', code: 0 }]);
  });

  it('is ended by a message that makes no sense, and at its limits', async () => {
    const [idle, long] = await Promise.all([
      startAgent({ PACER_AGENT_EXEC_IDLE_SECONDS: '1' }),
      startAgent({ PACER_AGENT_EXEC_TOTAL_SECONDS: '1' }),
    ]);
    const bad = connect(addressOf(['sleep', '1000']));
    const silent = connect(addressOf(['sleep', '1000']), { url: idle.url });
    const chatty = connect(addressOf(['sh', '-c', 'while :; do echo x; sleep 0.2; done']), {
      url: long.url,
    });
    await bad.opened;
    bad.socket.send(JSON.stringify({ kind: 'resize', columns: 0, rows: 1 }));
    await Promise.all([bad.closed, silent.closed, chatty.closed]);

    expect([bad, silent, chatty].map(({ seen }) => seen.closeCode)).toEqual([1008, 4001, 4002]);
    expect(silent.seen.messages).toMatchObject([{ kind: 'error' }]);
    await until(async () => (await left()).length === 0);
    await Promise.all([idle.close(), long.close()]);
  });
});

describe('is refused', { timeout: WAIT_MS }, () => {
  it.each([
    ['a web page of another site', '/tasks/web.1/exec?command=id', { origin: 'http://evil' }, 403],
    ['a foreign host', '/tasks/web.1/exec?command=id', { host: 'evil.example' }, 403],
    ['an unknown task', '/tasks/ghost/exec?command=id', {}, 404],
    ['a path without sessions', '/ping', {}, 200],
    ['an id of two frameworks', '/tasks/both/exec?command=id', {}, 400],
    ['a task that has ended', '/tasks/web.0/exec?command=id', {}, 409],
    ['no command', '/tasks/web.1/exec', {}, 400],
    ['no size', '/tasks/web.1/exec?command=id&tty=true&rows=0', {}, 400],
    ['half a truth', '/tasks/web.1/exec?command=id&tty=maybe', {}, 400],
    ['a terminal with blanks', '/tasks/web.1/exec?command=id&tty=true&term=a%20b', {}, 400],
  ])('%s', async (_name, path, headers, status) => {
    const { seen, closed } = connect(path, { headers });
    await closed;

    expect(seen.status).toBe(status);
    expect(await left()).toEqual([]);
  });

  it('one more than may be open', async () => {
    const small = await startAgent({ PACER_AGENT_EXEC_SESSIONS: '1' });
    const first = connect(addressOf(['sleep', '1000']), { url: small.url });
    await first.opened;
    const second = connect(addressOf(['id']), { url: small.url });
    await second.closed;

    expect(second.seen.status).toBe(503);
    first.socket.terminate();
    await until(async () => (await left()).length === 0);
    await until(async () => {
      const third = connect(addressOf(['echo', 'hi']), { url: small.url });
      await third.closed;
      return third.seen[1] === 'hi\n';
    });
    await small.close();
  });

  it('who does not come with credentials, or may only read', async () => {
    process.env['PACER_CREDENTIALS'] = 'ops:secret';
    const closedAgent = await startAgent().finally(() => delete process.env['PACER_CREDENTIALS']);
    const headers = { authorization: `Basic ${btoa('ops:secret')}` };

    const stranger = connect(addressOf(['echo', 'hi']), { url: closedAgent.url });
    const operator = connect(addressOf(['echo', 'hi']), { url: closedAgent.url, headers });
    await Promise.all([stranger.closed, operator.closed]);

    expect(stranger.seen.status).toBe(401);
    expect(operator.seen[1]).toBe('hi\n');
    await closedAgent.close();
  });
});

describe('a plain request', () => {
  it('for a session is answered with 426', async () => {
    const answer = await fetch(`${daemon.url}/tasks/web.1/exec?command=id`);

    expect(answer.status).toBe(426);
    expect(answer.headers.get('upgrade')).toBe('websocket');
  });

  it('that also offers another protocol is answered as it is', async () => {
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c' };
    const asked = openRequest(`${daemon.url}/ping`, { headers });
    asked.end();
    const [answer] = await once(asked, 'response');

    expect(answer.statusCode).toBe(200);
    expect((await answer.toArray()).join('')).toBe('pong');
  });
});
