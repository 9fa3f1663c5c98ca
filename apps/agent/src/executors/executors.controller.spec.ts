import { connect } from 'node:net';
import { Module } from '@nestjs/common';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ExecutorEvent, RecordDecoder } from '#mesos-v1';
import { createDaemon, createLogger, type Daemon } from '#platform';
import { AgentService } from '../agent.service.js';
import {
  EXECUTOR,
  executorTask,
  launchTasks,
  nextUuid,
  type StartedAgent,
  startAgent,
  statesOf,
  statusOf,
} from '../engine/executors.test-support.js';
import { installV1Gate } from '../v1-gate.js';
import { ExecutorsController, LibprocessExecutorsController } from './executors.controller.js';

class ExecutorsModule {}
Module({})(ExecutorsModule);

const CALLER = { framework_id: { value: 'F' }, executor_id: { value: 'E' } };
const subscribe = { ...CALLER, type: 'SUBSCRIBE', subscribe: {} };
const update = (more: object = {}) => ({
  ...CALLER,
  type: 'UPDATE',
  update: { status: { ...statusOf('a', 'TASK_RUNNING'), ...more } },
});

let daemon: Daemon;
let agent: StartedAgent;
let isStarted = true;

beforeEach(async () => {
  isStarted = true;
  agent = await startAgent();
  const logger = createLogger('agent', 'silent');
  const service = {
    get executors() {
      return isStarted ? agent.engine.executors : undefined;
    },
  };
  daemon = await createDaemon({
    ...{ name: 'agent', host: '127.0.0.1', port: 0, logger },
    configure: installV1Gate,
    module: {
      module: ExecutorsModule,
      controllers: [ExecutorsController, LibprocessExecutorsController],
      providers: [{ provide: AgentService, useValue: service }],
    },
  });
});

afterEach(async () => {
  agent.engine.halt();
  await daemon.close();
});

const url = () => `${daemon.url}/api/v1/executor`;

async function post(body: unknown, headers: Readonly<Record<string, string>> = {}) {
  const answer = await request(url(), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.statusCode, body: await answer.body.text(), headers: answer.headers };
}

/** Subscribes; gives each record as it comes. */
async function open(path = url()) {
  const answer = await request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(subscribe),
  });
  const events: ExecutorEvent[] = [];
  const decoder = new RecordDecoder();
  let wake: () => void = () => undefined;
  let isEnded = false;
  answer.body.on('data', (chunk: Buffer) => {
    for (const record of decoder.push(chunk)) {
      events.push(JSON.parse(new TextDecoder().decode(record)) as ExecutorEvent);
    }
    wake();
  });
  answer.body.on('close', () => {
    isEnded = true;
    wake();
  });
  answer.body.on('error', () => undefined);
  const until = async (claim: () => boolean) => {
    while (!claim()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { answer, events, until, isEnded: () => isEnded };
}

describe('POST /api/v1/executor', () => {
  it('GetRequest: answers 405 with Allow to other methods', async () => {
    const answer = await request(url());

    expect([answer.statusCode, answer.headers['allow']]).toEqual([405, 'POST']);
    await answer.body.dump();
  });

  it('NoContentType: 400; another one than JSON: 415', async () => {
    const answer = await request(url(), { method: 'POST' });
    expect(answer.statusCode).toBe(400);
    await answer.body.dump();

    expect((await post('x', { 'content-type': 'application/x-protobuf' })).status).toBe(415);
  });

  it.each([
    ['what is not JSON', '{'],
    ['a call without its union member', { ...CALLER, type: 'SUBSCRIBE' }],
    ['a call without an executor_id', { type: 'HEARTBEAT', framework_id: { value: 'F' } }],
    ['an update without a uuid', update({ uuid: null })],
    ['an update whose uuid is not 16 bytes', update({ uuid: 'AAAA' })],
    ['an update whose source is another', update({ source: 'SOURCE_AGENT' })],
    ['TASK_STAGING, which is not for executors', update({ state: 'TASK_STAGING' })],
    ['a state there is not', update({ state: 'TASK_DANCING' })],
  ])('answers 400 to %s', async (_, body) => {
    expect((await post(body)).status).toBe(400);
  });

  it('answers 501 to a type it does not know', async () => {
    expect((await post({ ...CALLER, type: 'DANCE' })).status).toBe(501);
  });

  it('NotAcceptable: answers 406 to a SUBSCRIBE that accepts nothing we have', async () => {
    expect((await post(subscribe, { accept: 'foo' })).status).toBe(406);
  });

  it('answers 400 to an executor or a framework that is unknown, and 503 before it can know', async () => {
    expect((await post(subscribe)).status).toBe(400);
    await launchTasks(agent, [executorTask('a')]);
    expect((await post({ ...subscribe, framework_id: { value: 'G' } })).status).toBe(400);

    isStarted = false;
    const answer = await post(subscribe);

    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
  });

  it('answers 403 to other calls before SUBSCRIBE and after the stream broke, 202 meanwhile', async () => {
    await launchTasks(agent, [executorTask('a')]);
    expect((await post(update())).status).toBe(403);

    const stream = await open();
    await stream.until(() => stream.events.some(({ type }) => type === 'LAUNCH'));
    const accepted = await post(update({ data: null, labels: null }));
    expect((await post({ ...CALLER, type: 'HEARTBEAT' })).status).toBe(202);
    stream.answer.body.destroy();
    while ([...agent.engine.state.executors.values()].some((one) => one.connection !== undefined)) {
      await new Promise((resolve) => setImmediate(resolve));
    }

    expect([accepted.status, accepted.body]).toEqual([202, '']);
    expect(statesOf(agent, 'a')).toEqual(['TASK_RUNNING']);
    expect((await post(update())).status).toBe(403);
  });

  it('streams chunked records, one a chunk, without a stream id', async () => {
    await launchTasks(agent, [executorTask('a'), executorTask('b')]);
    const { hostname, port } = new URL(daemon.url);
    const socket = connect(Number(port), hostname);
    const body = JSON.stringify(subscribe);
    socket.write(
      `POST /slave(1)/api/v1/executor HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    let text = '';
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('"value":"b"')) resolve();
      });
    });
    socket.destroy();

    const [head = '', ...rest] = text.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1.1 200 /);
    expect(head.toLowerCase()).toContain('transfer-encoding: chunked');
    expect(head.toLowerCase()).not.toContain('mesos-stream-id');
    const chunks = rest
      .join('\r\n\r\n')
      .split('\r\n')
      .filter((_, at) => at % 2 === 1);
    const lengths = chunks.slice(0, 3).map((chunk) => {
      const at = chunk.indexOf('\n');
      return [Number(chunk.slice(0, at)), Buffer.byteLength(chunk.slice(at + 1))];
    });
    expect(lengths).toHaveLength(3);
    for (const [said, is] of lengths) expect(said).toBe(is);
  });

  it('a second SUBSCRIBE takes the place of the first, whose end changes nothing', async () => {
    await launchTasks(agent, [executorTask('a')]);
    const first = await open();
    await first.until(() => first.events.length === 2);

    const second = await open();
    await second.until(() => second.events.length > 0);
    await first.until(first.isEnded);
    await post(update());
    agent.link.acknowledge('a');
    await second.until(() => second.events.some(({ type }) => type === 'ACKNOWLEDGED'));

    expect(second.events.map(({ type }) => type)).toEqual(['SUBSCRIBED', 'LAUNCH', 'ACKNOWLEDGED']);
  });

  it('ends the stream with the executor', async () => {
    await launchTasks(agent, [executorTask('a', { executor: EXECUTOR })]);
    const stream = await open();
    await stream.until(() => stream.events.length === 2);

    agent.launcher.end('E', { kind: 'exited', code: 0 });
    await stream.until(stream.isEnded);

    expect((await post(update({ uuid: nextUuid() }))).status).toBe(400);
  });
});
