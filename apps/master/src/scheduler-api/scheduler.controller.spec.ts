import { connect } from 'node:net';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { resources } from '#core';
import { type SchedulerEvent, toWireResources } from '#mesos-v1';
import {
  post,
  type RunningMaster,
  StreamClient,
  startMaster,
  subscribeAgent,
  subscribeFramework,
} from '../master.test-support.js';

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
let master: RunningMaster;

beforeEach(async () => {
  master = await startMaster();
});

afterEach(async () => {
  await master.daemon.close();
});

const scheduler = (): string => `${master.url}/api/v1/scheduler`;
const subscribe = {
  type: 'SUBSCRIBE',
  subscribe: { framework_info: { user: 'root', name: 'n' } },
};

describe('POST /api/v1/scheduler', () => {
  it('GetRequest: answers 405 with Allow to other methods', async () => {
    const answer = await request(scheduler());

    expect(answer.statusCode).toBe(405);
    expect(answer.headers['allow']).toBe('POST');
  });

  it('NoContentType: answers 400', async () => {
    const answer = await request(scheduler(), { method: 'POST' });

    expect(answer.statusCode).toBe(400);
  });

  it('UnsupportedContentMediaType: answers 415', async () => {
    const answer = await post(scheduler(), 'x', { 'content-type': 'text/plain' });

    expect(answer.status).toBe(415);
  });

  it('answers 400 to what is not JSON, and to a message that is not whole', async () => {
    expect((await post(scheduler(), '{')).status).toBe(400);
    const answer = await post(scheduler(), { type: 'DECLINE', framework_id: { value: 'f' } });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('decline');
  });

  it('answers 501 to a type it does not know', async () => {
    const answer = await post(scheduler(), { type: 'DANCE', framework_id: { value: 'f' } });

    expect(answer.status).toBe(501);
  });

  it('NotAcceptable: answers 406 to a SUBSCRIBE that accepts nothing we have', async () => {
    const answer = await post(scheduler(), subscribe, { accept: 'foo' });

    expect(answer.status).toBe(406);
  });

  it('SubscribeWithStreamId: answers 400', async () => {
    const answer = await post(scheduler(), subscribe, { 'mesos-stream-id': 'x' });

    expect(answer.status).toBe(400);
  });

  it('names a Content-Type it has not got, protobuf too: 415', async () => {
    const answer = await post(scheduler(), 'x', { 'content-type': 'application/x-protobuf' });

    expect(answer.status).toBe(415);
  });

  it('answers 406 to a SUBSCRIBE that accepts protobuf only; other calls have no events to encode', async () => {
    const framework = await subscribeFramework(master);
    const accept = { accept: 'application/x-protobuf' };

    expect((await post(scheduler(), subscribe, accept)).status).toBe(406);
    expect((await framework.call({ type: 'REVIVE' }, accept)).status).toBe(202);
    framework.stream.close();
  });

  it('answers 400 to a stream id longer than any of ours, and names it in part', async () => {
    const framework = await subscribeFramework(master);

    const answer = await framework.call(
      { type: 'REVIVE' },
      { 'mesos-stream-id': 'x'.repeat(4_000) },
    );

    expect(answer.status).toBe(400);
    expect(answer.body.length).toBeLessThan(500);
    framework.stream.close();
  });

  it('answers 401 with the realm of schedulers to a bad credential', async () => {
    vi.stubEnv('PACER_CREDENTIALS', 'ops:secret');
    const closed = await startMaster();
    vi.unstubAllEnvs();

    const answer = await post(`${closed.url}/api/v1/scheduler`, subscribe);

    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Basic realm="mesos-master-scheduler"');
    await closed.daemon.close();
  });

  it('answers UPDATE_FRAMEWORK 200, and 400 when it may not be so', async () => {
    const framework = await subscribeFramework(master);
    const update = (info: object) =>
      framework.call({
        type: 'UPDATE_FRAMEWORK',
        update_framework: {
          framework_info: { user: 'root', name: 'n', id: { value: framework.id }, ...info },
        },
      });

    const accepted = await update({ name: 'renamed' });
    const refused = await update({ user: 'other' });

    expect([accepted.status, accepted.body]).toEqual([200, '']);
    expect(refused.status).toBe(400);
    expect(refused.body).toContain('FrameworkInfo.user');
    framework.stream.close();
  });

  it.each([
    { type: 'REQUEST', request: { requests: [] } },
    { type: 'SUPPRESS' },
    { type: 'RECONCILE', reconcile: { tasks: null } },
    { type: 'RECONCILE_OPERATIONS', reconcile_operations: {} },
    { type: 'KILL', kill: { task_id: { value: 't' } } },
    { type: 'SHUTDOWN', shutdown: { executor_id: { value: 'e' }, agent_id: { value: 'a' } } },
    {
      type: 'MESSAGE',
      message: { executor_id: { value: 'e' }, agent_id: { value: 'a' }, data: 'aGk=' },
    },
    {
      type: 'ACKNOWLEDGE_OPERATION_STATUS',
      acknowledge_operation_status: { uuid: UUID, operation_id: { value: 'o' } },
    },
    { type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: { inverse_offer_ids: [] } },
    { type: 'DECLINE', decline: { offer_ids: [{ value: 'nope' }] } },
  ])('answers $type 202 without a body', async (call) => {
    const framework = await subscribeFramework(master);

    const answer = await framework.call(call);

    expect([answer.status, answer.body]).toEqual([202, '']);
    framework.stream.close();
  });

  it('answers 400 to an ACKNOWLEDGE whose uuid is not of 16 bytes', async () => {
    const framework = await subscribeFramework(master);

    const answer = await framework.call({
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: 'a' }, task_id: { value: 't' }, uuid: 'AAAA' },
    });

    expect(answer.status).toBe(400);
    expect(answer.body).toContain('acknowledge.uuid');
    framework.stream.close();
  });

  it('tells a semantic mistake of a SUBSCRIBE by an ERROR event on a 200 stream', async () => {
    const stream = await StreamClient.open<SchedulerEvent>(scheduler(), {
      type: 'SUBSCRIBE',
      subscribe: { framework_info: { user: 'root', name: 'n', role: 'a b' } },
    });

    expect(stream.status).toBe(200);
    expect(await stream.next()).toMatchObject({ type: 'ERROR' });
    await stream.end();
  });

  it('opens a chunked stream without a length, one chunk a record, though the client says close', async () => {
    const body = JSON.stringify(subscribe);
    const { hostname, port } = new URL(master.url);
    const text = await new Promise<string>((resolve) => {
      let seen = '';
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `POST /api/v1/scheduler HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n` +
            `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
      });
      socket.on('data', (chunk) => {
        seen += chunk.toString();
        if (seen.includes('HEARTBEAT')) {
          socket.destroy();
          resolve(seen);
        }
      });
    });

    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(text).toMatch(/\r\nTransfer-Encoding: chunked\r\n/i);
    expect(text).toMatch(/\r\nMesos-Stream-Id: [0-9a-f-]{36}\r\n/);
    expect(text).not.toMatch(/content-length/i);
    expect(text).toContain('\r\n17\r\n20\n{"type":"HEARTBEAT"}\r\n');
  });

  it('answers 202 without a body to a call, and 400 without or with a wrong stream id', async () => {
    const framework = await subscribeFramework(master);

    const accepted = await framework.call({ type: 'REVIVE' });
    expect([accepted.status, accepted.body]).toEqual([202, '']);
    expect((await framework.call({ type: 'REVIVE' }, { 'mesos-stream-id': 'x' })).status).toBe(400);
    const without = { type: 'REVIVE', framework_id: { value: framework.id } };
    expect((await post(scheduler(), without)).status).toBe(400);
    framework.stream.close();
  });

  it('answers 403 to a framework whose stream has ended', async () => {
    const framework = await subscribeFramework(master);
    framework.stream.close();
    await framework.stream.end();

    await expect.poll(async () => (await framework.call({ type: 'REVIVE' })).status).toBe(403);
  });

  it('SubscribedOnRetry: a second SUBSCRIBE of one id ends the first stream', async () => {
    const framework = await subscribeFramework(master);
    const again = await request(scheduler(), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        type: 'SUBSCRIBE',
        framework_id: { value: framework.id },
        subscribe: {
          framework_info: { user: 'root', name: 'n', id: { value: framework.id } },
        },
      }),
    });

    expect(again.statusCode).toBe(200);
    const error = await framework.stream.next((event) => event.type === 'ERROR');
    expect(error).toMatchObject({ error: { message: 'Framework failed over' } });
    await framework.stream.end();
    again.body.destroy();
  });

  it('carries a task from offer to its acknowledged end', async () => {
    const framework = await subscribeFramework(master);
    const agent = await subscribeAgent(master);
    const offers = await framework.stream.next((event) => event.type === 'OFFERS');
    const offer = offers.type === 'OFFERS' ? offers.offers.offers[0] : undefined;

    const accepted = await framework.call({
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer?.id],
        operations: [
          {
            type: 'LAUNCH',
            launch: {
              task_infos: [
                {
                  name: 't',
                  task_id: { value: 't' },
                  agent_id: { value: agent.id },
                  resources: toWireResources(resources({ cpus: 1, mem: 64 })),
                  command: { value: 'true' },
                },
              ],
            },
          },
        ],
      },
    });
    const launch = await agent.stream.next((message) => message.type === 'LAUNCH');
    const updated = await agent.update(framework.id, 't', 'TASK_FINISHED', UUID);
    const update = await framework.stream.next((event) => event.type === 'UPDATE');
    const acknowledged = await framework.call({
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agent.id }, task_id: { value: 't' }, uuid: UUID },
    });
    const acknowledgement = await agent.stream.next(({ type }) => type === 'ACKNOWLEDGE');

    expect([accepted.status, updated.status, acknowledged.status]).toEqual([202, 202, 202]);
    expect(launch.sequence).toBe(2);
    expect(update).toMatchObject({
      update: { status: { state: 'TASK_FINISHED', agent_id: { value: agent.id }, uuid: UUID } },
    });
    expect(acknowledgement).toMatchObject({ acknowledge: { uuid: UUID } });
    framework.stream.close();
    agent.stream.close();
  });

  it('answers 503 to every call, and still reads, while the database is away', async () => {
    const framework = await subscribeFramework(master);
    master.leases.setAvailable(false);

    await expect
      .poll(async () => (await framework.call({ type: 'REVIVE' })).status, { timeout: 10_000 })
      .toBe(503);
    const state = await request(`${master.url}/state`);
    expect(state.statusCode).toBe(200);
    await state.body.dump();

    master.leases.setAvailable(true);
    await expect
      .poll(async () => (await framework.call({ type: 'REVIVE' })).status, { timeout: 10_000 })
      .toBe(202);
    framework.stream.close();
  }, 30_000);

  it('sends clients of a standby to the leader by a scheme-relative Location', async () => {
    await subscribeFramework(master);
    const standby = await startMaster({ leases: master.leases });

    const answer = await expect
      .poll(async () => post(`${standby.url}/api/v1/scheduler`, subscribe))
      .toMatchObject({ status: 307 })
      .then(() => post(`${standby.url}/api/v1/scheduler`, subscribe));

    expect(answer.headers['location']).toBe(`//${new URL(master.url).host}/api/v1/scheduler`);
    await standby.daemon.close();
  });

  it('hands over at once when the leader stops', async () => {
    const standby = await startMaster({ leases: master.leases });

    await master.daemon.close();

    await expect.poll(() => standby.service.isLeading, { timeout: 5_000 }).toBe(true);
    await standby.daemon.close();
  });
});
