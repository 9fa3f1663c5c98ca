import { once } from 'node:events';
import { connect } from 'node:net';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import type { SchedulerEvent } from '#mesos-v1';
import {
  post,
  type RunningMaster,
  StreamClient,
  startMaster,
  subscribeAgent,
  subscribeFramework,
} from '../master.test-support.js';

interface Task {
  readonly task_id: { readonly value: string };
  readonly state: string;
}
/** As much of the stream's events as is looked at here. */
interface Event {
  readonly type: string;
  readonly subscribed?: {
    readonly get_state: {
      readonly get_tasks: { readonly tasks: readonly Task[]; readonly completed_tasks: Task[] };
    };
    readonly heartbeat_interval_seconds: number;
  };
  readonly task_added?: { readonly task: Task };
  readonly task_updated?: {
    readonly framework_id: { readonly value: string };
    readonly status: Task;
    readonly state: string;
  };
  readonly agent_added?: { readonly agent: { readonly agent_info: object } };
  readonly agent_removed?: object;
  readonly framework_added?: object;
  readonly framework_removed?: object;
  readonly error?: { readonly message: string };
}

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
const LIMIT_MS = 60_000;
let master: RunningMaster;

afterEach(async () => {
  await master.daemon.close();
});

const subscribe = (): Promise<StreamClient<Event>> =>
  StreamClient.open<Event>(`${master.url}/api/v1`, { type: 'SUBSCRIBE' });

const ofType = (type: string) => (event: Event) => event.type === type;

type Framework = Awaited<ReturnType<typeof subscribeFramework>>;

async function launch(framework: Framework, id: string): Promise<void> {
  const event = await framework.stream.next((one: SchedulerEvent) => one.type === 'OFFERS');
  const offer = event.type === 'OFFERS' ? event.offers.offers[0] : undefined;
  const task = {
    name: id,
    task_id: { value: id },
    agent_id: offer?.agent_id,
    resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } }],
    command: { value: 'true' },
  };
  const answer = await framework.call({
    type: 'ACCEPT',
    accept: {
      offer_ids: [offer?.id],
      operations: [{ type: 'LAUNCH', launch: { task_infos: [task] } }],
      filters: { refuse_seconds: 0 },
    },
  });
  expect(answer.status).toBe(202);
}

describe('the operator stream', () => {
  it('begins with the state and a heartbeat, then tells every change in order', {
    timeout: LIMIT_MS,
  }, async () => {
    master = await startMaster();
    const stream = await subscribe();

    const subscribed = await stream.next();
    expect(subscribed.type).toBe('SUBSCRIBED');
    expect(subscribed.subscribed?.heartbeat_interval_seconds).toBe(15);
    expect(subscribed.subscribed?.get_state).toMatchObject({
      get_tasks: { tasks: [] },
      get_frameworks: { frameworks: [] },
      get_agents: { agents: [] },
    });
    expect((await stream.next()).type).toBe('HEARTBEAT');
    const framework = await subscribeFramework(master, 'web');
    const agent = await subscribeAgent(master);
    await launch(framework, 't1');
    await agent.update(framework.id, 't1', 'TASK_RUNNING', UUID);
    await framework.call({ type: 'TEARDOWN' });
    await post(`${master.url}/api/v1`, {
      type: 'MARK_AGENT_GONE',
      mark_agent_gone: { agent_id: { value: agent.id } },
    });

    const types: string[] = [];
    while (types.at(-1) !== 'AGENT_REMOVED') types.push((await stream.next()).type);
    expect(types).toEqual([
      'FRAMEWORK_ADDED',
      'AGENT_ADDED',
      'TASK_ADDED',
      'TASK_UPDATED',
      'TASK_UPDATED',
      'FRAMEWORK_REMOVED',
      'AGENT_REMOVED',
    ]);
    stream.close();
  });

  it('has neither a gap nor a repetition after the snapshot, whenever a client subscribes', async () => {
    master = await startMaster();
    const framework = await subscribeFramework(master, 'web');
    const agent = await subscribeAgent(master);
    const streams: StreamClient<Event>[] = [];
    for (let index = 0; index < 30; index += 1) {
      const opening = index % 3 === 0 ? subscribe() : undefined;
      await launch(framework, `t${index}`);
      await agent.update(framework.id, `t${index}`, 'TASK_RUNNING', UUID);
      if (opening !== undefined) streams.push(await opening);
    }

    for (const stream of streams) {
      const known = new Map<string, string>();
      const first = await stream.next();
      for (const task of first.subscribed?.get_state.get_tasks.tasks ?? []) {
        known.set(task.task_id.value, task.state);
      }
      while (known.get('t29') !== 'TASK_RUNNING') {
        const event = await stream.next();
        const added = event.task_added?.task;
        if (added !== undefined) {
          expect(known.has(added.task_id.value)).toBe(false);
          known.set(added.task_id.value, added.state);
        }
        const updated = event.task_updated;
        if (updated === undefined) continue;
        expect(known.get(updated.status.task_id.value)).toBe('TASK_STAGING');
        known.set(updated.status.task_id.value, updated.state);
      }
      expect(known.size).toBe(30);
      expect(new Set(known.values())).toEqual(new Set(['TASK_RUNNING']));
      stream.close();
    }
  });

  it('sends each record in a chunk of its own', async () => {
    master = await startMaster();
    const { port, host } = new URL(master.url);
    const socket = connect(Number(port), '127.0.0.1');
    const body = '{"type":"SUBSCRIBE"}';
    socket.write(
      `POST /api/v1 HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    let text = '';
    while (!text.includes('HEARTBEAT')) {
      const [data] = (await once(socket, 'data')) as [Buffer];
      text += data.toString();
    }
    socket.destroy();

    const [head = '', ...rest] = text.split('\r\n\r\n');
    expect(head).toMatch(/transfer-encoding: chunked/i);
    const chunks = rest.join('\r\n\r\n').split('\r\n');
    for (let index = 0; index + 1 < chunks.length; index += 2) {
      const chunk = chunks[index + 1] ?? '';
      expect(Number.parseInt(chunks[index] ?? '', 16)).toBe(chunk.length);
      const [length, json = ''] = chunk.split('\n');
      expect(Number(length)).toBe(json.length);
      expect(JSON.parse(json)).toHaveProperty('type');
    }
  });

  it('speaks application/recordio to who asks for it, and refuses what cannot be JSON', async () => {
    master = await startMaster();
    const ask = (headers: Readonly<Record<string, string>>) =>
      request(`${master.url}/api/v1`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{"type":"SUBSCRIBE"}',
      });

    const answer = await ask({
      accept: 'application/recordio',
      'message-accept': 'application/json',
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/recordio');
    expect(answer.headers['message-content-type']).toBe('application/json');
    answer.body.destroy();
    const protobuf = { 'message-accept': 'application/x-protobuf' };
    for (const headers of [
      { accept: 'application/x-protobuf' },
      { accept: 'application/recordio', ...protobuf },
    ]) {
      const refused = await ask(headers);
      expect(refused.statusCode).toBe(406);
      await refused.body.dump();
    }
  });

  it('lets the oldest subscriber give way to one more than there may be', async () => {
    master = await startMaster({ maxSubscribers: 2 });
    const oldest = await subscribe();
    await subscribe();
    await subscribe();

    const last = await oldest.next(ofType('ERROR'));
    expect(last.error?.message).toBe('more than 2 subscribers: the oldest gives way');
    await oldest.end();
  });

  it(
    'cuts off a client that does not keep up, tells it so, and counts it',
    async () => {
      master = await startMaster({ streamBufferBytes: 4_000_000 });
      const { port, host } = new URL(master.url);
      const socket = connect(Number(port), '127.0.0.1');
      const body = '{"type":"SUBSCRIBE"}';
      socket.pause();
      socket.write(
        `POST /api/v1 HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      const others = await subscribe();
      await others.next();
      const metric = 'master/slow_streams_cut_off/subscriber';
      const isCut = async (): Promise<boolean> => {
        const answer = await request(`${master.url}/metrics/snapshot`);
        return ((await answer.body.json()) as Readonly<Record<string, number>>)[metric] === 1;
      };
      // About a megabyte, in as many labels as it takes.
      const value = 'x'.repeat(65_536);
      const labels = Array.from({ length: 15 }, (_, index) => ({ key: `x${index}`, value }));
      for (let index = 0; index < 200 && !(await isCut()); index += 1) {
        const framework = await StreamClient.open<SchedulerEvent>(
          `${master.url}/api/v1/scheduler`,
          {
            type: 'SUBSCRIBE',
            subscribe: {
              framework_info: {
                user: 'root',
                name: 'big',
                labels: { labels },
              },
            },
          },
        );
        await framework.next();
        await others.next(ofType('FRAMEWORK_ADDED'));
      }

      expect(await isCut()).toBe(true);
      let text = '';
      socket.resume();
      while (!text.includes('"ERROR"')) {
        const [data] = (await once(socket, 'data')) as [Buffer];
        text = text.slice(-1_000) + data.toString();
      }
      socket.destroy();
      expect(text).toMatch(/"type":"ERROR".*cut off: \d+ bytes wait/);
      others.close();
    },
    LIMIT_MS,
  );
});
