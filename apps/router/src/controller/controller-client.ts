import { ReadableStream } from 'node:stream/web';
import type { WireApp, WireCertificate, WireCertificates, WireRouterReport } from '#marathon-v2';
import { BODY_LIMIT_BYTES, describeConnectionError, fetchDaemon } from '#platform';
import { readMarathonApp } from './read-marathon-app.js';

/** No controller answered as it should. */
export class ControllerUnavailableError extends Error {
  readonly code = 'CONTROLLER_UNAVAILABLE';
}

const REQUEST_TIMEOUT_MS = 10_000;
/** The controller sends a heartbeat well within this; silence means a dead connection. */
const SILENCE_LIMIT_MS = 45_000;
/** Marathon before 1.7 sends whole groups with its events otherwise. */
const EVENTS = '/v2/events?plan-format=light';
const EMBEDS = 'embed=apps.tasks&embed=apps.deployments&embed=apps.readiness&embed=apps.leaving';

export interface ControllerEvent {
  readonly id: number | undefined;
  readonly type: string;
  readonly data: unknown;
}

/** A standby of Marathon answers /v2/events with the leader's URL. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 3;
const NOT_FOUND: ReadonlySet<number> = new Set([404]);
/** What a Marathon answers that does not have a resource of ours. */
const ABSENT: ReadonlySet<number> = new Set([404, 405]);

/** Marathon v2 over HTTP. A controller that fails is left for the next in the list; the one that answers is kept. */
export class ControllerClient {
  private preferred = 0;

  /** `headers` are asked for each request: the credentials, where the controller demands some. */
  constructor(
    private readonly urls: readonly string[],
    private readonly headers: () => Readonly<Record<string, string>>,
  ) {}

  /** Every app with its tasks, and the id of the last event they contain (a real Marathon does not tell). */
  async listApps(): Promise<{
    readonly apps: readonly WireApp[];
    readonly sequence: number | undefined;
  }> {
    const response = await this.request(`/v2/apps?${EMBEDS}`);
    const body = (await response.json()) as { readonly apps?: readonly unknown[] } | null;
    if (!Array.isArray(body?.apps)) throw new ControllerUnavailableError('the answer has no apps');
    const apps = body.apps.flatMap((app) => readMarathonApp(app) ?? []);
    const sequence = response.headers.get('x-pacer-sequence');
    return { apps, sequence: sequence === null ? undefined : Number(sequence) };
  }

  /** One app with its tasks; undefined when it does not exist. */
  async getApp(id: string): Promise<WireApp | undefined> {
    const path = id.split('/').map(encodeURIComponent).join('/');
    const response = await this.request(`/v2/apps${path}?embed=app.readiness&embed=app.leaving`, {
      absent: NOT_FOUND,
    });
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    const body = (await response.json()) as { readonly app?: unknown } | null;
    const app = readMarathonApp(body?.app);
    if (app === undefined) throw new ControllerUnavailableError('the answer has no app');
    return app;
  }

  /** Certificates with their keys; undefined: this controller keeps none (a real Marathon). */
  async listCertificates(): Promise<readonly WireCertificate[] | undefined> {
    const path = '/v2/certificates?embed=certificates.pem';
    const response = await this.request(path, { absent: ABSENT });
    if (ABSENT.has(response.status)) {
      await response.body?.cancel();
      return undefined;
    }
    const body = (await response.json()) as Partial<WireCertificates>;
    if (!Array.isArray(body.certificates)) {
      throw new ControllerUnavailableError('the answer has no certificates');
    }
    return body.certificates;
  }

  /** `statistics`: JSON, in pieces, of what the report says of HAProxy. False: this controller does not know routers (a real Marathon). */
  async report(
    routerId: string,
    report: Omit<WireRouterReport, 'statistics'>,
    statistics: readonly Buffer[] = [],
  ): Promise<boolean> {
    const response = await this.request(`/v2/routers/${encodeURIComponent(routerId)}`, {
      absent: ABSENT,
      body: toReportPieces(report, statistics),
    });
    await response.body?.cancel();
    return !ABSENT.has(response.status);
  }

  /** Follows the event stream until it ends, breaks or falls silent, then returns or throws. `onOpen` comes first. */
  async follow(handlers: {
    readonly onOpen: () => void;
    readonly onEvent: (event: ControllerEvent) => void;
    readonly signal: AbortSignal;
  }): Promise<void> {
    const silence = new AbortController();
    const signal = AbortSignal.any([handlers.signal, silence.signal]);
    let timer = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
    const url = this.url();
    try {
      const response = await this.fetch(`${url}${EVENTS}`, {
        // Compressed, events would wait in a buffer for more of them.
        headers: { accept: 'text/event-stream', 'accept-encoding': 'identity' },
        signal,
      });
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        throw new ControllerUnavailableError(`/v2/events answered ${response.status}`);
      }
      handlers.onOpen();
      const decoder = new TextDecoder();
      const parser = new EventParser(handlers.onEvent);
      for await (const chunk of response.body) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
        parser.push(decoder.decode(chunk, { stream: true }));
      }
    } catch (error) {
      this.leave(url);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private url(): string {
    return this.urls[this.preferred % this.urls.length] ?? '';
  }

  /** The next one is asked from now on. Stream and reads may find out at the same time that one fails: it is left once. */
  private leave(url: string): void {
    if (url === this.url()) this.preferred += 1;
  }

  private async request(
    path: string,
    options: { readonly absent?: ReadonlySet<number>; readonly body?: readonly Buffer[] } = {},
  ): Promise<Response> {
    const url = this.url();
    try {
      const response = await this.fetch(`${url}${path}`, {
        headers: { 'content-type': 'application/json' },
        ...(options.body === undefined ? {} : { method: 'PUT', pieces: options.body }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      if (response.ok || options.absent?.has(response.status) === true) return response;
      await response.body?.cancel();
      throw new ControllerUnavailableError(`${url}${path} answered ${response.status}`);
    } catch (error) {
      this.leave(url);
      throw error instanceof ControllerUnavailableError
        ? error
        : new ControllerUnavailableError(`${url}${path}: ${describeConnectionError(error)}`, {
            cause: error,
          });
    }
  }

  /** Follows redirects with the credentials, which `fetch` does not: whoever sends us to the leader has them already. */
  private async fetch(url: string, { pieces = [], ...init }: ControllerRequest): Promise<Response> {
    let at = new URL(url);
    for (let redirects = 0; ; redirects += 1) {
      const headers = { ...init.headers, ...this.headers() };
      const body = toBody(pieces);
      const response = await fetchDaemon(at, { ...init, ...body, headers, redirect: 'manual' });
      const location = response.headers.get('location');
      if (!REDIRECTS.has(response.status) || location === null) return response;
      await response.body?.cancel();
      const next = new URL(location, at);
      if (redirects === MAX_REDIRECTS || (at.protocol === 'https:' && next.protocol !== 'https:')) {
        throw new ControllerUnavailableError(
          `${url} leads to ${next.origin} after ${redirects} redirects; ${MAX_REDIRECTS} are followed, and none from https to http`,
        );
      }
      at = next;
    }
  }
}

/** Longest event accepted, in characters. */
const MAX_EVENT_CHARS = 8 * 1024 * 1024;

/** Server-sent events, incrementally: `event`, `data` and `id` fields; comments are ignored. */
export class EventParser {
  private buffer = '';
  private type = '';
  private data: string[] = [];
  private id: number | undefined;

  constructor(private readonly onEvent: (event: ControllerEvent) => void) {}

  /** Throws when an event grows above the limit. */
  push(text: string): void {
    this.buffer += text;
    if (this.buffer.length > MAX_EVENT_CHARS) throw new Error('event above the size limit');
    for (let end = this.buffer.indexOf('\n'); end >= 0; end = this.buffer.indexOf('\n')) {
      this.line(this.buffer.slice(0, end).replace(/\r$/, ''));
      this.buffer = this.buffer.slice(end + 1);
    }
  }

  private line(line: string): void {
    if (line === '') this.dispatch();
    const [, field, value = ''] = /^(event|data|id):\s?(.*)$/.exec(line) ?? [];
    if (field === 'event') this.type = value;
    if (field === 'data') this.data.push(value);
    if (field === 'id' && /^\d{1,15}$/.test(value)) this.id = Number(value);
  }

  private dispatch(): void {
    if (this.data.length > 0) {
      this.onEvent({
        id: this.id,
        type: this.type || 'message',
        data: parseJson(this.data.join('\n')),
      });
    }
    this.type = '';
    this.data = [];
    this.id = undefined;
  }
}

interface ControllerRequest extends RequestInit {
  readonly headers: Readonly<Record<string, string>>;
  /** The body. */
  readonly pieces?: readonly Buffer[];
}

/** Pieces are sent one by one: as one body of some megabytes they would be copied in one go. */
function toBody(pieces: readonly Buffer[]): RequestInit {
  const [first, ...others] = pieces;
  if (first === undefined) return {};
  return others.length === 0
    ? { body: first }
    : { body: ReadableStream.from(pieces), duplex: 'half' };
}

/** Kills wait for reports, not for statistics: those that make one larger than the controller reads are left out. */
function toReportPieces(report: object, statistics: readonly Buffer[]): readonly Buffer[] {
  const text = JSON.stringify(report);
  if (statistics.length === 0) return [Buffer.from(text)];
  const head = Buffer.from(`${text.slice(0, -1)},"statistics":`);
  const pieces = [head, ...statistics, Buffer.from('}')];
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  return bytes <= BODY_LIMIT_BYTES ? pieces : [Buffer.from(text)];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // An event we cannot read still says that something changed.
  }
}
