import type { IncomingMessage } from 'node:http';
import type { ConnectionOptions } from 'node:tls';
import type { Clock } from '#core';
import { type AgentCall, type AgentMessage, RecordDecoder } from '#mesos-v1';
import type { MasterLink, MasterLinkHandlers } from '../engine/master-link.port.js';
import { CallRefusedError, type HttpStream, MasterCalls, openStream } from './master-http.js';
import { UpdateBatches } from './update-batches.js';

export interface HttpMasterLinkOptions {
  /** Tried in turn; `http://host:port`. */
  readonly masters: readonly string[];
  readonly clock: Clock;
  /** 0 <= x < 1; spreads reconnections. */
  readonly random: () => number;
  /** Who we are; asked at each subscription, and kept for its calls. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** For each new connection to an https master: whom to trust, who we are. */
  readonly tls?: () => ConnectionOptions;
  /** Why a connection failed, in words for an operator. */
  readonly explain?: (error: Error) => string;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

const AGENT_PATH = '/api/v1/agent';
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;
/** So many failures in a row lead to the longest delay. */
const SLOWEST = 6;
/**
 * So long a SUBSCRIBE may take until SUBSCRIBED: half of the 10 s after which a master gives an agent up, so that another
 * master is asked in time. A master holds one for a second while it recovers; one that is slow, as all its agents come
 * back at once, is given twice as long each time nobody answers.
 */
const FIRST_ANSWER_MS = 5_000;
const MAX_ANSWER_MS = 30_000;
/** Redirects followed in a row before going through the list again. */
const MAX_REDIRECTS = 5;
const OK = 200;
const TEMPORARY_REDIRECT = 307;
/** Token or credentials are missing or wrong, or no longer right. */
const UNAUTHORIZED = 401;
/** The master no longer takes this stream for the agent's current one. */
const FORBIDDEN = 403;

/** The link over HTTP: one streaming SUBSCRIBE, and calls over a small pool beside it. */
export class HttpMasterLink implements MasterLink {
  private handlers: MasterLinkHandlers | undefined;
  private stream: HttpStream | undefined;
  private connection = 0;
  private isConnected = false;
  private isPaused = false;
  private isClosed = false;
  private failures = 0;
  private redirects = 0;
  private turn = 0;
  /** Where the last answer pointed to; tried before the list. */
  private redirected: string | undefined;
  private current = '';
  private lastComplaint = '';
  private cancelRetry: (() => void) | undefined;
  private cancelAnswerWait: (() => void) | undefined;
  /** SUBSCRIBEs nobody answered since the last SUBSCRIBED. */
  private silences = 0;
  private updates: UpdateBatches | undefined;
  /** Of this subscription. */
  private headers: Readonly<Record<string, string>> = {};
  private readonly calls: MasterCalls;

  constructor(private readonly options: HttpMasterLinkOptions) {
    this.calls = new MasterCalls({ headers: () => this.headers, tls: () => options.tls?.() ?? {} });
  }

  open(handlers: MasterLinkHandlers): void {
    this.handlers = handlers;
    this.connect();
  }

  async send(call: Exclude<AgentCall, { readonly type: 'SUBSCRIBE' }>): Promise<void> {
    if (!this.isConnected) throw new Error('no master is connected');
    if (call.type !== 'UPDATE') {
      await this.post(call);
      return;
    }
    if (this.updates?.isOf(call) !== true) {
      this.updates = new UpdateBatches(
        { agent_id: call.agent_id, stream_id: call.stream_id },
        (batch) => this.post(batch),
      );
    }
    await this.updates?.add(call.update);
  }

  reconnect(reason: string): void {
    this.drop(reason);
    this.retryLater();
  }

  pause(reason: string): void {
    this.isPaused = true;
    this.drop(reason);
    this.cancelRetry?.();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.retryLater();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelRetry?.();
    this.drop('the agent stops');
    this.calls.close();
  }

  private async post(call: Exclude<AgentCall, { readonly type: 'SUBSCRIBE' }>): Promise<void> {
    const { connection } = this;
    try {
      await this.calls.post(`${this.current}${AGENT_PATH}`, call);
    } catch (error) {
      const isOutdated =
        error instanceof CallRefusedError && [UNAUTHORIZED, FORBIDDEN].includes(error.status);
      if (isOutdated && this.connection === connection) this.reconnect(error.message);
      throw error;
    }
  }

  private connect(): void {
    const { handlers } = this;
    if (this.isClosed || this.isPaused || handlers === undefined) return;
    this.cancelRetry = undefined;
    this.current = this.redirected ?? this.nextMaster();
    this.redirected = undefined;
    this.connection += 1;
    const connection = this.connection;
    const isMine = () => this.connection === connection && this.stream !== undefined;
    const answerMs = Math.min(FIRST_ANSWER_MS * 2 ** this.silences, MAX_ANSWER_MS);
    this.cancelAnswerWait = this.options.clock.schedule(answerMs, () => {
      if (answerMs < MAX_ANSWER_MS) this.silences += 1;
      if (isMine()) this.lose(`no answer within ${answerMs} ms`);
    });
    const { explain } = this.options;
    this.headers = this.options.headers();
    this.stream = openStream(`${this.current}${AGENT_PATH}`, {
      body: JSON.stringify(handlers.subscribe()),
      headers: this.headers,
      tls: this.options.tls?.() ?? {},
      answered: (response) => {
        if (isMine()) this.answered(connection, response);
      },
      failed: (error) => {
        if (isMine()) this.lose(explain?.(error) ?? error.message);
      },
    });
  }

  private nextMaster(): string {
    const { masters } = this.options;
    const master = masters[this.turn % masters.length] ?? '';
    this.turn += 1;
    return master;
  }

  private answered(connection: number, response: IncomingMessage): void {
    const location = response.headers.location;
    if (response.statusCode === TEMPORARY_REDIRECT && location !== undefined) {
      this.follow(location);
      return;
    }
    if (response.statusCode !== OK) {
      readText(response, (text) => this.refused(connection, response.statusCode ?? 0, text));
      return;
    }
    this.isConnected = true;
    this.redirects = 0;
    this.handlers?.opened(connection);
    const decoder = new RecordDecoder();
    response.on('data', (chunk: Buffer) => this.receive(connection, decoder, chunk));
    response.on('close', () => {
      if (this.connection === connection) this.lose('the stream ended');
    });
  }

  private refused(connection: number, status: number, text: string): void {
    if (this.connection !== connection) return;
    // Asking again does not help before somebody changes something.
    const isRefused = status === UNAUTHORIZED || status === FORBIDDEN;
    if (isRefused) this.failures = SLOWEST;
    this.lose(`SUBSCRIBE was answered ${status}: ${text}`, isRefused ? 'warn' : 'info');
  }

  private follow(location: string): void {
    this.redirects += 1;
    this.drop('redirected');
    if (this.redirects <= MAX_REDIRECTS && URL.canParse(location, this.current)) {
      this.redirected = new URL(location, this.current).origin;
      this.failures = 0;
    } else this.redirects = 0;
    this.retryLater();
  }

  private receive(connection: number, decoder: RecordDecoder, chunk: Buffer): void {
    if (this.connection !== connection || !this.isConnected) return;
    try {
      for (const record of decoder.push(chunk)) {
        const message = JSON.parse(Buffer.from(record).toString()) as AgentMessage;
        if (message.type === 'SUBSCRIBED') {
          this.cancelAnswerWait?.();
          this.silences = 0;
          this.failures = 0;
          this.lastComplaint = '';
        }
        this.handlers?.message(connection, message);
        if (this.connection !== connection || !this.isConnected) return;
      }
    } catch (error) {
      this.lose(`unreadable record: ${String(error)}`);
    }
  }

  private lose(reason: string, level: 'info' | 'warn' = 'info'): void {
    // An absent master is tried for hours: each reason is logged once.
    const complaint = `master ${this.current}: ${reason}`;
    if (complaint !== this.lastComplaint) this.options.log(level, complaint);
    this.lastComplaint = complaint;
    this.drop(reason);
    this.retryLater();
  }

  private drop(reason: string): void {
    const { stream, connection, isConnected } = this;
    this.cancelAnswerWait?.();
    this.stream = undefined;
    this.isConnected = false;
    // Numbers go up so that late callbacks of this attempt find themselves outdated.
    this.connection += 1;
    stream?.destroy();
    if (isConnected) this.handlers?.closed(connection, reason);
  }

  private retryLater(): void {
    if (this.isClosed || this.isPaused || this.stream !== undefined) return;
    this.cancelRetry?.();
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.failures, MAX_DELAY_MS);
    if (delayMs < MAX_DELAY_MS) this.failures += 1;
    const jittered = delayMs * (0.5 + this.options.random() / 2);
    this.cancelRetry = this.options.clock.schedule(jittered, () => this.connect());
  }
}

const MAX_REASON_LENGTH = 500;

function readText(response: IncomingMessage, done: (text: string) => void): void {
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text = (text + chunk).slice(0, MAX_REASON_LENGTH);
  });
  response.on('close', () => done(text));
}
