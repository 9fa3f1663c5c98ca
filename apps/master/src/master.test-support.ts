import { request } from 'undici';
import type { MasterConfig } from '#cluster';
import { type Clock, resources } from '#core';
import {
  type AgentCall,
  type AgentMessage,
  type FrameworkInfo,
  RecordDecoder,
  type SchedulerEvent,
  toWireResources,
} from '#mesos-v1';
import { createDaemon, createLogger, type Daemon, systemClock } from '#platform';
import { FakeLeaseKeeper } from '../../../test/support/fake-lease-keeper.js';
import { FakeMasterRegistry } from '../../../test/support/fake-master-registry.js';
import { masterAccess } from './access.js';
import { masterModule } from './master.module.js';
import { MasterService } from './master.service.js';
import { installV1Gate } from './v1-gate.js';

/** A real master on loopback, its store in memory. */
export interface RunningMaster {
  readonly daemon: Daemon;
  readonly url: string;
  readonly service: MasterService;
  readonly leases: FakeLeaseKeeper;
  readonly failures: Error[];
}

export async function startMaster(
  options: {
    readonly leases?: FakeLeaseKeeper;
    readonly registry?: FakeMasterRegistry;
    readonly config?: Partial<MasterConfig>;
    readonly clock?: Clock;
    readonly streamBufferBytes?: number;
    readonly maxSubscribers?: number;
    readonly flags?: Readonly<Record<string, string>>;
    readonly logFile?: string;
  } = {},
): Promise<RunningMaster> {
  const clock = options.clock ?? systemClock;
  const leases = options.leases ?? new FakeLeaseKeeper(() => clock.now());
  const failures: Error[] = [];
  const logger = createLogger('master-test');
  logger.level = 'silent';
  const daemon = await createDaemon({
    name: 'master',
    host: '127.0.0.1',
    port: 0,
    logger,
    configure: installV1Gate,
    access: masterAccess,
    module: masterModule({
      registry: options.registry ?? new FakeMasterRegistry(leases),
      leaseKeeper: leases,
      clock,
      logger,
      apiVersion: '1.11.0',
      hostname: '127.0.0.1',
      onFatal: (error) => failures.push(error),
      ...(options.config === undefined ? {} : { config: options.config }),
      ...(options.streamBufferBytes === undefined
        ? {}
        : { streamBufferBytes: options.streamBufferBytes }),
      ...(options.maxSubscribers === undefined ? {} : { maxSubscribers: options.maxSubscribers }),
      ...(options.flags === undefined ? {} : { flags: options.flags }),
      ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    }),
  });
  const service = daemon.app.get(MasterService);
  service.start(daemon.url);
  return { daemon, url: daemon.url, service, leases, failures };
}

/** One open RecordIO stream: its head, its records as they come, and a way to leave. */
export class StreamClient<Record> {
  private readonly records: Record[] = [];
  private wake: () => void = () => undefined;
  private ended = false;

  private constructor(
    readonly status: number,
    readonly headers: Readonly<globalThis.Record<string, unknown>>,
    private readonly abort: AbortController,
  ) {}

  static async open<Record>(
    url: string,
    body: unknown,
    headers: Readonly<globalThis.Record<string, string>> = {},
  ): Promise<StreamClient<Record>> {
    const abort = new AbortController();
    const response = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: abort.signal,
    });
    const client = new StreamClient<Record>(response.statusCode, response.headers, abort);
    void client.read(response.body);
    return client;
  }

  get isEnded(): boolean {
    return this.ended;
  }

  /** The first record not taken yet that fits; waits for it. */
  async next(fits: (record: Record) => boolean = () => true): Promise<Record> {
    for (;;) {
      const index = this.records.findIndex(fits);
      const [found] = index < 0 ? [] : this.records.splice(index, 1);
      if (found !== undefined) return found;
      if (this.ended) throw new Error('the stream ended');
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  async end(): Promise<void> {
    while (!this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  close(): void {
    this.abort.abort();
  }

  private async read(body: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new RecordDecoder();
    try {
      for await (const chunk of body) {
        for (const record of decoder.push(chunk)) {
          this.records.push(JSON.parse(new TextDecoder().decode(record)) as Record);
        }
        this.wake();
      }
    } catch {
      // Broken or left: the end either way.
    }
    this.ended = true;
    this.wake();
  }
}

export async function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}> {
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return {
    status: response.statusCode,
    body: await response.body.text(),
    headers: response.headers,
  };
}

/** Subscribes a framework and waits until it has its id. */
export async function subscribeFramework(
  master: RunningMaster,
  name = 'test',
  info: Partial<FrameworkInfo> = {},
) {
  const stream = await StreamClient.open<SchedulerEvent>(`${master.url}/api/v1/scheduler`, {
    type: 'SUBSCRIBE',
    subscribe: { framework_info: { user: 'root', name, failover_timeout: 60, ...info } },
  });
  const event = await stream.next((one) => one.type === 'SUBSCRIBED');
  const id = event.type === 'SUBSCRIBED' ? event.subscribed.framework_id.value : '';
  const streamId = String(stream.headers['mesos-stream-id']);
  const call = (body: object, headers: Readonly<Record<string, string>> = {}) =>
    post(
      `${master.url}/api/v1/scheduler`,
      { framework_id: { value: id }, ...body },
      { 'mesos-stream-id': streamId, ...headers },
    );
  return { stream, id, streamId, call };
}

/** Subscribes an agent of 4 cpus and 1 GiB that runs every task it is told to at once. */
export async function subscribeAgent(master: RunningMaster) {
  const url = `${master.url}/api/v1/agent`;
  const subscription: Extract<AgentCall, { readonly type: 'SUBSCRIBE' }>['subscribe'] = {
    agent_info: {
      hostname: '127.0.0.1',
      port: 1,
      resources: toWireResources(resources({ cpus: 4, mem: 1024 })),
      attributes: [],
    },
    version: 'test',
    highest_epoch: 0,
    tasks: [],
    frameworks: [],
  };
  const stream = await StreamClient.open<AgentMessage>(url, {
    type: 'SUBSCRIBE',
    subscribe: subscription,
  });
  const first = await stream.next();
  const id = first.type === 'SUBSCRIBED' ? first.subscribed.agent_id.value : '';
  const update = (framework: string, task: string, state: string, uuid: string) =>
    post(url, {
      type: 'UPDATE',
      agent_id: { value: id },
      stream_id: first.stream_id,
      update: {
        framework_id: { value: framework },
        status: { task_id: { value: task }, state, uuid },
        latest_state: state,
      },
    });
  const pong = () =>
    post(url, { type: 'PONG', agent_id: { value: id }, stream_id: first.stream_id });
  return { stream, id, update, pong };
}
