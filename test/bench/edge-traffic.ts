import { Agent, request } from 'node:http';
import { CLIENT_KINDS, type ClientKind } from './edge-client-kinds.js';

/** Load on the edge at a steady rate, whether answers come or not, in a process of its own: `fork`, a job, `stop`, a result. */
export interface TrafficJob {
  readonly address: string;
  readonly port: number;
  readonly host: string;
  /** Of each kind of client. */
  readonly ratePerSecond: number;
  /** Ends by itself after this time, unless told to stop before. */
  readonly seconds: number;
  /** Every second request is a POST, which HAProxy must not repeat. */
  readonly hasPosts?: boolean;
}

export interface TrafficResult {
  readonly requests: number;
  /** What became of those that failed -> how many. */
  readonly failures: Readonly<Record<string, number>>;
  readonly latenciesMs: Readonly<Record<ClientKind, readonly number[]>>;
  readonly elapsedMs: number;
}

const TICK_MS = 5;
const ANSWER_LIMIT_MS = 10_000;
/** Shorter than the edge's own limit, as a careful client has it. */
const IDLE_LIMIT_MS = 5_000;

class Traffic {
  private readonly agents: Readonly<Record<ClientKind, Agent>> = {
    keep: new Agent({ keepAlive: true, timeout: IDLE_LIMIT_MS }),
    new: new Agent({ keepAlive: false }),
  };
  private readonly latenciesMs: Record<ClientKind, number[]> = { keep: [], new: [] };
  private readonly failures: Record<string, number> = {};
  private readonly startedMs = performance.now();
  private sent = 0;
  private pending = 0;
  private isOver = false;

  constructor(private readonly job: TrafficJob) {}

  stop(): void {
    this.isOver = true;
  }

  async run(): Promise<TrafficResult> {
    const { seconds, ratePerSecond } = this.job;
    let elapsedMs = 0;
    while (!this.isOver && elapsedMs < seconds * 1_000) {
      const due = (elapsedMs / 1_000) * ratePerSecond;
      for (; this.sent < due; this.sent += 1) for (const kind of CLIENT_KINDS) this.send(kind);
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      elapsedMs = performance.now() - this.startedMs;
    }
    while (this.pending > 0) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    for (const agent of Object.values(this.agents)) agent.destroy();
    const { failures, latenciesMs } = this;
    return { requests: this.sent * CLIENT_KINDS.length, failures, latenciesMs, elapsedMs };
  }

  private send(kind: ClientKind): void {
    const { address, port, host, hasPosts } = this.job;
    const method = hasPosts === true && this.sent % 2 === 1 ? 'POST' : 'GET';
    const sentMs = performance.now();
    this.pending += 1;
    let isSettled = false;
    const settle = (failure: string | undefined): void => {
      if (isSettled) return;
      isSettled = true;
      this.pending -= 1;
      if (failure === undefined) this.latenciesMs[kind].push(performance.now() - sentMs);
      else {
        const name = `${kind} ${method} ${failure}`;
        this.failures[name] = (this.failures[name] ?? 0) + 1;
      }
    };
    const outgoing = request(
      { host: address, port, method, agent: this.agents[kind], headers: { host } },
      (response) => {
        response.resume();
        response.on('end', () =>
          settle(response.statusCode === 200 ? undefined : String(response.statusCode)),
        );
        response.on('error', () => settle('cut'));
        response.on('close', () => settle('cut'));
      },
    );
    outgoing.setTimeout(ANSWER_LIMIT_MS, () => outgoing.destroy(new Error('timeout')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    outgoing.end(method === 'POST' ? 'payload' : undefined);
  }
}

let traffic: Traffic | undefined;
process.on('disconnect', () => process.exit(1));
process.on('message', (message: TrafficJob | 'stop') => {
  if (message === 'stop') {
    traffic?.stop();
    return;
  }
  traffic = new Traffic(message);
  void traffic.run().then((result) => process.send?.(result, () => process.exit(0)));
});
