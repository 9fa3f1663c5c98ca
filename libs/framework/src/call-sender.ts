import { Pool } from 'undici';
import type { Clock } from '#core';
import { BackOff, type BackOffOptions } from './back-off.js';
import { messageOf } from './event-stream.js';
import { SchedulerCallError, type SchedulerCallWithoutFrameworkId } from './scheduler-driver.js';
import { connectBy, type TlsConnection } from './secure-connect.js';

const CALL_TIMEOUT_MS = 15_000;
/** How long the answers of calls under way are waited for when the subscription has ended. */
const CLOSE_GRACE_MS = 2_000;
const MAX_ATTEMPTS = 5;
const ACKNOWLEDGE_CONNECTIONS = 2;
/** Acknowledgements sent on one connection before the first is answered. */
const ACKNOWLEDGE_PIPELINING = 64;
const MAX_ERROR_BODY = 1_000;

/**
 * Sends the calls of one subscription. Calls leave in the order made, over one connection; acknowledgements have their
 * own few, as each is about another task. Bounded retries: of everything on 503 (the master did nothing), and of what
 * is harmless to repeat on a broken connection. ACCEPT is not: the second one would find its offers used and report the
 * tasks lost.
 */
export class CallSender {
  private readonly calls: Pool;
  private readonly acknowledgements: Pool;
  private isClosed = false;

  constructor(
    private readonly options: {
      readonly origin: string;
      readonly streamId: string;
      readonly frameworkId: string;
      readonly headers: () => Readonly<Record<string, string>>;
      readonly tls?: (() => TlsConnection) | undefined;
      readonly clock: Clock;
      readonly backOff: BackOffOptions;
    },
  ) {
    const connect = connectBy(options.tls);
    this.calls = new Pool(options.origin, { ...connect, connections: 1, pipelining: 1 });
    this.acknowledgements = new Pool(options.origin, {
      ...connect,
      connections: ACKNOWLEDGE_CONNECTIONS,
      pipelining: ACKNOWLEDGE_PIPELINING,
    });
  }

  /** Resolves on 202 or 200. Throws {@link SchedulerCallError}. */
  async send(call: SchedulerCallWithoutFrameworkId): Promise<void> {
    const body = JSON.stringify({ ...call, framework_id: { value: this.options.frameworkId } });
    const pool = call.type === 'ACKNOWLEDGE' ? this.acknowledgements : this.calls;
    const backOff = new BackOff(this.options.backOff);
    for (let attempt = 1; ; attempt += 1) {
      const failure = await this.attempt(pool, call.type, body);
      if (failure === undefined) return;
      const isWorthRepeating =
        failure.code === 'UNAVAILABLE' && (failure.status === 503 || call.type !== 'ACCEPT');
      if (!isWorthRepeating || attempt >= MAX_ATTEMPTS || this.isClosed) throw failure;
      await this.wait(backOff.next());
    }
  }

  /** Nothing new is sent; calls under way get a little time for their answer (a TEARDOWN ends its own stream). */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const pools = [this.calls, this.acknowledgements];
    await new Promise<void>((resolve) => {
      const cancel = this.options.clock.schedule(CLOSE_GRACE_MS, resolve);
      const done = () => {
        cancel();
        resolve();
      };
      Promise.all(pools.map((pool) => pool.close())).then(done, done);
    });
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  private async attempt(
    pool: Pool,
    type: string,
    body: string,
  ): Promise<SchedulerCallError | undefined> {
    if (this.isClosed) {
      return new SchedulerCallError('DISCONNECTED', `${type}: the subscription has ended`);
    }
    try {
      const response = await pool.request({
        method: 'POST',
        path: '/api/v1/scheduler',
        headers: {
          'content-type': 'application/json',
          'mesos-stream-id': this.options.streamId,
          ...this.options.headers(),
        },
        body,
        // May be repeated, so it may be pipelined.
        idempotent: type === 'ACKNOWLEDGE',
        headersTimeout: CALL_TIMEOUT_MS,
        bodyTimeout: CALL_TIMEOUT_MS,
      });
      const { statusCode } = response;
      const text = (await response.body.text()).slice(0, MAX_ERROR_BODY);
      if (statusCode === 202 || statusCode === 200) return undefined;
      const isOurs = statusCode >= 400 && statusCode < 500;
      return new SchedulerCallError(
        isOurs || statusCode === 501 ? 'REFUSED' : 'UNAVAILABLE',
        `${type} was answered ${statusCode}: ${text}`,
        statusCode,
      );
    } catch (error) {
      // It may have been carried out, also when it was we who closed the connection.
      return new SchedulerCallError(
        'UNAVAILABLE',
        `${type} was not answered by the master: ${messageOf(error)}`,
        undefined,
        { cause: error },
      );
    }
  }

  private wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.options.clock.schedule(delayMs, resolve));
  }
}
