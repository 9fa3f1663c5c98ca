import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { identifyProcess, isRunning } from '#platform';
import type { DaemonPlan } from './cluster-plan.js';
import { endHaproxy } from './haproxy-record.js';
import { LogFiles } from './log-files.js';
import { RunDirectory } from './run-record.js';
import { stopDaemons } from './shutdown.js';
import { SupervisedDaemon } from './supervised-daemon.js';

const WAIT = { timeout: 20_000, interval: 20 };
const LIMIT_MS = 60_000;

/** Cannot run until the file `mended` exists; then answers `answer` to a POST, which it writes to `asked`, and ends. */
const PROGRAM = `
import { createServer } from 'node:http';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const file = (name) => new URL(name, import.meta.url);
if (!existsSync(file('mended'))) process.exit(1);
createServer((request, response) => {
  if (request.method === 'GET') return response.end('{}');
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    writeFileSync(file('asked'), request.url + ' ' + Buffer.concat(chunks));
    const { status, body } = JSON.parse(readFileSync(file('answer'), 'utf8'));
    response.writeHead(status).end(JSON.stringify(body));
    if (status === 200) setTimeout(() => process.exit(), 50);
  });
}).listen(Number(process.env.PACER_PORT), '127.0.0.1');
`;

let directory: string;
let lines: string[];
let daemons: SupervisedDaemon[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pacer-shutdown-'));
  writeFileSync(join(directory, 'program.mjs'), PROGRAM);
  lines = [];
  daemons = [];
});
afterEach(async () => {
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  rmSync(directory, { recursive: true, force: true });
});

async function supervise(program: DaemonPlan['program'], name: string): Promise<SupervisedDaemon> {
  const port = await findFreePort();
  const plan: DaemonPlan = {
    name,
    program,
    port,
    url: `http://127.0.0.1:${port}`,
    environment: { PACER_PORT: String(port) },
  };
  const daemon = new SupervisedDaemon(plan, {
    run: new RunDirectory(directory),
    logs: new LogFiles(directory),
    programOf: () => join(directory, 'program.mjs'),
    buildId: '',
    report: (line) => lines.push(line),
  });
  daemons.push(daemon);
  await daemon.start();
  return daemon;
}

const findFreePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });

const set = (name: string, content: unknown): void =>
  writeFileSync(join(directory, name), JSON.stringify(content));

const asked = (): string | undefined =>
  existsSync(join(directory, 'asked')) ? readFileSync(join(directory, 'asked'), 'utf8') : undefined;

const stop = (keepTasks: boolean) =>
  stopDaemons(daemons, {
    keepTasks,
    endEdge: () => endHaproxy(directory),
    report: (line) => lines.push(line),
  });

it('says nothing about tasks when there is no agent that could have any', async () => {
  const result = await stop(false);

  expect(lines).toEqual([]);
  expect(result).toEqual({ mayHaveTasks: false });
});

describe('stopping an agent', () => {
  it(
    'starts one that waits to be started again once more, to end its tasks',
    async () => {
      set('answer', { status: 200, body: { tasksLeft: 0 } });
      await supervise('agent', 'agent-1');
      await vi.waitFor(() => expect(lines.at(-1)).toContain('again in 1600 ms'), WAIT);
      set('mended', true);

      const result = await stop(false);

      expect(asked()).toBe('/pacer/v1/shutdown {"killTasks":true}');
      expect(lines).toContain('agent-1 does not run: starting it once more to end its tasks');
      expect(result).toEqual({ mayHaveTasks: false });
    },
    LIMIT_MS,
  );

  it.each([
    [{ status: 200, body: { tasksLeft: 2 } }, 'agent-1: 2 tasks did not end'],
    [{ status: 500, body: 'broken' }, 'agent-1: tasks may still run: HTTP 500: "broken"'],
  ])(
    'says which tasks stay, answered %j',
    async (answer, line) => {
      set('answer', answer);
      set('mended', true);
      await supervise('agent', 'agent-1');

      const result = await stop(false);

      expect(lines).toContain(line);
      expect(result).toEqual({ mayHaveTasks: true });
    },
    LIMIT_MS,
  );

  it(
    'leaves its tasks alone when asked to, and says how many go on',
    async () => {
      set('answer', { status: 200, body: { tasksLeft: 3 } });
      set('mended', true);
      const agent = await supervise('agent', 'agent-1');
      await vi.waitFor(async () => expect((await fetch(agent.url)).status).toBe(200), WAIT);

      const result = await stop(true);

      expect(asked()).toBe('/pacer/v1/shutdown {"killTasks":false}');
      expect(lines).toContain('agent-1: 3 tasks go on');
      expect(result).toEqual({ mayHaveTasks: true });
    },
    LIMIT_MS,
  );
});

describe('stopping a router', () => {
  it.each([200, 404])(
    'asks it to, and ends the HAProxy it leaves, answered %i',
    async (status) => {
      set('answer', { status, body: {} });
      set('mended', true);
      const haproxy = spawn('sleep', ['60']);
      const identity = identifyProcess(haproxy.pid ?? 0);
      if (identity === undefined) throw new Error('it has just been started');
      mkdirSync(join(directory, 'haproxy'));
      set('haproxy/haproxy.json', { pid: identity.pid, startTime: identity.startTime });
      const router = await supervise('router', 'router');
      await vi.waitFor(async () => expect((await fetch(router.url)).status).toBe(200), WAIT);

      await stop(true);

      expect(asked()).toBe('/pacer/v1/shutdown {}');
      expect(router.isAlive).toBe(false);
      expect(isRunning(identity)).toBe(false);
    },
    LIMIT_MS,
  );

  it('leaves a process alone that only has the pid of a HAProxy', async () => {
    const other = spawn('sleep', ['60']);
    const identity = identifyProcess(other.pid ?? 0);
    if (identity === undefined) throw new Error('it has just been started');
    mkdirSync(join(directory, 'haproxy'));
    set('haproxy/haproxy.json', { pid: identity.pid, startTime: '1' });

    await endHaproxy(directory);

    expect(isRunning(identity)).toBe(true);
    other.kill();
  });
});
