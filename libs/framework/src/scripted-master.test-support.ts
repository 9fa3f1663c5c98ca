import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resources } from '#core';
import {
  encodeRecord,
  type SchedulerEvent,
  type TaskInfo,
  toWireResources,
  type WireOffer,
} from '#mesos-v1';

interface Received {
  readonly type: string;
  readonly framework_id?: { readonly value: string };
  readonly subscribe?: {
    readonly framework_info: { readonly roles?: readonly string[]; readonly principal?: string };
  };
  readonly accept?: {
    readonly offer_ids: readonly { readonly value: string }[];
    readonly operations: readonly {
      readonly launch: { readonly task_infos: readonly TaskInfo[] };
    }[];
  };
  readonly decline?: { readonly offer_ids: readonly { readonly value: string }[] };
  readonly kill?: { readonly task_id: { readonly value: string } };
  readonly acknowledge?: { readonly uuid: string };
  readonly reconcile?: { readonly tasks: readonly unknown[] };
}

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';

/** A master that does as the test says: streams what it is told to, answers calls as it is told to. */
export class ScriptedMaster {
  readonly received: Received[] = [];
  /** The `authorization` header of each of them. */
  readonly authorizations: (string | undefined)[] = [];
  /** Answers SUBSCRIBE with this instead of a stream. */
  refusal: { readonly status: number; readonly location?: string } | undefined;
  /** Statuses of the next calls; 202 when empty. */
  readonly answers: number[] = [];
  /** Takes calls and never answers them. */
  isSilent = false;
  subscriptions = 0;
  heartbeatSeconds = 15;
  private offersMade = 0;
  private streams: ServerResponse[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<ScriptedMaster> {
    const server = createServer();
    server.keepAliveTimeout = 0;
    const master = new ScriptedMaster(server);
    server.on('request', (request, response) => void master.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return master;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  send(event: SchedulerEvent): void {
    for (const stream of this.streams) stream.write(encodeRecord(JSON.stringify(event)));
  }

  /** Dies: all connections break at once. */
  crash(): void {
    this.server.closeAllConnections();
    this.streams = [];
  }

  endStreams(): void {
    for (const stream of this.streams) stream.end();
    this.streams = [];
  }

  /** Offers all of an agent. */
  offer(...agents: readonly { readonly id: string; readonly cpus: number }[]): void {
    this.offersMade += 1;
    const offers = agents.map(
      ({ id, cpus }): WireOffer => ({
        id: { value: `offer-${this.offersMade}-${id}` },
        framework_id: { value: 'fw-1' },
        agent_id: { value: id },
        hostname: `host-of-${id}`,
        url: { scheme: 'http', address: { ip: '127.0.0.1', port: 5051 } },
        resources: toWireResources(
          resources({ cpus, mem: 4096, ports: [{ begin: 31_000, end: 31_009 }] }),
        ),
        attributes: [],
      }),
    );
    this.send({ type: 'OFFERS', offers: { offers } });
  }

  /** Tells the state of a task, to be acknowledged. */
  tell(taskId: string, state: string): void {
    const status = { task_id: { value: taskId }, agent_id: { value: 'a' }, state, uuid: UUID };
    this.send({ type: 'UPDATE', update: { status } });
  }

  /** All tasks it was told to launch. */
  launched(): readonly TaskInfo[] {
    return this.received.flatMap(
      ({ accept }) => accept?.operations.flatMap(({ launch }) => launch.task_infos) ?? [],
    );
  }

  typesReceived(): string[] {
    return this.received.map(({ type }) => type);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = JSON.parse(Buffer.concat(chunks).toString()) as Received;
    this.received.push(call);
    this.authorizations.push(request.headers.authorization);
    if (call.type !== 'SUBSCRIBE') {
      if (!this.isSilent) response.writeHead(this.answers.shift() ?? 202).end();
      return;
    }
    if (this.refusal !== undefined) {
      const { status, location } = this.refusal;
      response.writeHead(status, location === undefined ? {} : { location }).end();
      return;
    }
    this.subscriptions += 1;
    response.writeHead(200, {
      'content-type': 'application/json',
      'mesos-stream-id': `stream-${this.subscriptions}`,
    });
    this.streams.push(response);
    const framework_id = call.framework_id ?? { value: 'fw-1' };
    this.send({
      type: 'SUBSCRIBED',
      subscribed: { framework_id, heartbeat_interval_seconds: this.heartbeatSeconds },
    });
  }
}
