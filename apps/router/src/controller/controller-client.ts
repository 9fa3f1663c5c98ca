import type { WireApp, WireCertificate, WireCertificates, WireRouterReport } from '#marathon-v2';
import { describeConnectionError, fetchDaemon } from '#platform';

/** No controller answered as it should. */
export class ControllerUnavailableError extends Error {
  readonly code = 'CONTROLLER_UNAVAILABLE';
}

const REQUEST_TIMEOUT_MS = 10_000;
/** The controller sends a heartbeat well within this; silence means a dead connection. */
const SILENCE_LIMIT_MS = 45_000;
const EMBEDS = 'embed=apps.tasks&embed=apps.deployments&embed=apps.readiness&embed=apps.leaving';

export interface ControllerEvent {
  readonly id: number | undefined;
  readonly type: string;
  readonly data: unknown;
}

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
    const body = (await response.json()) as { readonly apps?: readonly WireApp[] };
    if (!Array.isArray(body.apps)) throw new ControllerUnavailableError('the answer has no apps');
    const sequence = response.headers.get('x-pacer-sequence');
    return { apps: body.apps, sequence: sequence === null ? undefined : Number(sequence) };
  }

  /** One app with its tasks; undefined when it does not exist. */
  async getApp(id: string): Promise<WireApp | undefined> {
    const path = id.split('/').map(encodeURIComponent).join('/');
    const response = await this.request(`/v2/apps${path}?embed=app.readiness&embed=app.leaving`, {
      accept404: true,
    });
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    const body = (await response.json()) as { readonly app?: WireApp };
    if (body.app === undefined) throw new ControllerUnavailableError('the answer has no app');
    return body.app;
  }

  /** Certificates with their keys; undefined: this controller keeps none (a real Marathon). */
  async listCertificates(): Promise<readonly WireCertificate[] | undefined> {
    const path = '/v2/certificates?embed=certificates.pem';
    const response = await this.request(path, { accept404: true });
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    const body = (await response.json()) as Partial<WireCertificates>;
    if (!Array.isArray(body.certificates)) {
      throw new ControllerUnavailableError('the answer has no certificates');
    }
    return body.certificates;
  }

  /** False: this controller does not know routers (a real Marathon). */
  async report(routerId: string, report: WireRouterReport): Promise<boolean> {
    const response = await this.request(`/v2/routers/${encodeURIComponent(routerId)}`, {
      accept404: true,
      put: report,
    });
    await response.body?.cancel();
    return response.status !== 404;
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
    try {
      const response = await fetchDaemon(`${this.url()}/v2/events`, {
        headers: { accept: 'text/event-stream', ...this.headers() },
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
      this.preferred += 1;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private url(): string {
    return this.urls[this.preferred % this.urls.length] ?? '';
  }

  private async request(
    path: string,
    options: { readonly accept404?: boolean; readonly put?: unknown } = {},
  ): Promise<Response> {
    const url = this.url();
    try {
      const response = await fetchDaemon(`${url}${path}`, {
        headers: { 'content-type': 'application/json', ...this.headers() },
        ...(options.put === undefined ? {} : { method: 'PUT', body: JSON.stringify(options.put) }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      if (response.ok || (options.accept404 === true && response.status === 404)) return response;
      await response.body?.cancel();
      throw new ControllerUnavailableError(`${url}${path} answered ${response.status}`);
    } catch (error) {
      this.preferred += 1;
      throw error instanceof ControllerUnavailableError
        ? error
        : new ControllerUnavailableError(`${url}${path}: ${describeConnectionError(error)}`, {
            cause: error,
          });
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // An event we cannot read still says that something changed.
  }
}
