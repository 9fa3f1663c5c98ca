import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request } from 'node:http';
import { Agent as HttpsAgent, request as secureRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { AgentCall } from '#mesos-v1';

/** A request whose answer is a stream. */
export interface HttpStream {
  destroy(): void;
}

/** Connections for calls. Updates of one task wait for each other anyway, so few suffice. */
const POOL_SIZE = 8;
/** Calls under way or waiting for a connection. */
const MAX_CALLS = 10_000;
const CALL_TIMEOUT_MS = 15_000;
const TCP_KEEP_ALIVE_MS = 15_000;

/** The master answered a call with something other than 2xx. */
export class CallRefusedError extends Error {
  readonly code = 'CALL_REFUSED';
  constructor(
    readonly status: number,
    type: string,
  ) {
    super(`the master answered ${type} with ${status}`);
  }
}

/** Starts the SUBSCRIBE call. `failed` is called once, and only before `answered`. How long to wait is the caller's. */
export function openStream(
  url: string,
  options: {
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly tls: ConnectionOptions;
    readonly answered: (response: IncomingMessage) => void;
    readonly failed: (error: Error) => void;
  },
): HttpStream {
  let isSettled = false;
  const fail = (error: Error) => {
    if (isSettled) return;
    isSettled = true;
    options.failed(error);
  };
  const call = startRequest(url, {
    body: options.body,
    headers: options.headers,
    tls: options.tls,
    agent: undefined,
  });
  call.on('socket', (socket) => socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS));
  call.on('response', (response) => {
    // After an answer, its end is what tells that the stream is lost.
    response.on('error', () => undefined);
    if (isSettled) return;
    isSettled = true;
    options.answered(response);
  });
  call.on('error', fail);
  call.on('close', () => fail(new Error('the connection was closed')));
  return { destroy: () => call.destroy() };
}

/** Plain calls to the master over a few kept connections. */
export class MasterCalls {
  private readonly plain = new HttpAgent({ keepAlive: true, maxSockets: POOL_SIZE });
  /** No resumed sessions: they would be trusted by what was trusted once. */
  private readonly secure = new HttpsAgent({
    keepAlive: true,
    maxSockets: POOL_SIZE,
    maxCachedSessions: 0,
  });
  private underWay = 0;

  constructor(
    private readonly options: {
      readonly headers: () => Readonly<Record<string, string>>;
      readonly tls: () => ConnectionOptions;
    },
  ) {}

  /** Resolves when the master answered 2xx. */
  async post(url: string, call: AgentCall): Promise<void> {
    if (this.underWay >= MAX_CALLS) {
      throw new Error(`${MAX_CALLS} calls to the master are under way already`);
    }
    this.underWay += 1;
    try {
      await this.exchange(url, call);
    } finally {
      this.underWay -= 1;
    }
  }

  close(): void {
    this.plain.destroy();
    this.secure.destroy();
  }

  private exchange(url: string, call: AgentCall): Promise<void> {
    return new Promise((resolve, reject) => {
      const started = startRequest(url, {
        body: JSON.stringify(call),
        headers: this.options.headers(),
        tls: this.options.tls(),
        agent: url.startsWith('https:') ? this.secure : this.plain,
      });
      started.setTimeout(CALL_TIMEOUT_MS, () =>
        started.destroy(new Error(`${call.type}: no answer within ${CALL_TIMEOUT_MS} ms`)),
      );
      started.on('error', reject);
      started.on('response', (response) => {
        response.resume();
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve();
          else reject(new CallRefusedError(status, call.type));
        });
      });
    });
  }
}

function startRequest(
  url: string,
  options: {
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly tls: ConnectionOptions;
    readonly agent: HttpAgent | undefined;
  },
): ClientRequest {
  const start = url.startsWith('https:') ? secureRequest : request;
  const call = start(url, {
    ...options.tls,
    method: 'POST',
    headers: {
      ...options.headers,
      'content-type': 'application/json',
      accept: 'application/json',
      'content-length': Buffer.byteLength(options.body),
    },
    // No agent: a connection of its own that lives as long as the stream.
    agent: options.agent ?? false,
  });
  call.end(options.body);
  return call;
}
