import { Agent, request } from 'node:http';

/** What happened to the requests that were begun in one span of time. */
export interface LoadSpan {
  readonly requests: number;
  /** What went wrong, by description. */
  readonly failures: ReadonlyMap<string, number>;
  /** First word of the answers. */
  readonly versions: ReadonlySet<string>;
}

interface Client {
  readonly method: 'GET' | 'POST';
  readonly path: '/' | '/slow';
  readonly isKeptAlive: boolean;
  readonly pauseMs: number;
}

const PAUSE_MS = 150;
/** Between requests that take long: one is nearly always under way. */
const SHORT_PAUSE_MS = 20;
const LIMIT_MS = 10_000;
/** Of each edge. */
const CLIENTS: readonly Client[] = [
  { method: 'GET', path: '/', isKeptAlive: true, pauseMs: PAUSE_MS },
  { method: 'GET', path: '/', isKeptAlive: false, pauseMs: PAUSE_MS },
  { method: 'POST', path: '/', isKeptAlive: true, pauseMs: PAUSE_MS },
  { method: 'POST', path: '/', isKeptAlive: false, pauseMs: PAUSE_MS },
  { method: 'POST', path: '/slow', isKeptAlive: true, pauseMs: SHORT_PAUSE_MS },
  { method: 'GET', path: '/slow', isKeptAlive: false, pauseMs: SHORT_PAUSE_MS },
];

class Span implements LoadSpan {
  requests = 0;
  readonly failures = new Map<string, number>();
  readonly versions = new Set<string>();
  private readonly open = new Set<Promise<void>>();

  begin(work: () => Promise<string>): Promise<void> {
    this.requests += 1;
    const done = work().then(
      (version) => void this.versions.add(version),
      (error: unknown) => {
        const what = error instanceof Error ? error.message : String(error);
        this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
      },
    );
    this.open.add(done);
    return done.finally(() => this.open.delete(done));
  }

  async close(): Promise<this> {
    await Promise.all(this.open);
    return this;
  }
}

/**
 * Clients that ask some edges for one host until stopped, at a bounded rate: GET and POST, on kept-alive connections and on a
 * new one each, of answers that take long too. Anything but a whole 200 with what was posted is a failure.
 */
export class Load {
  private span = new Span();
  private isRunning = true;
  private readonly clients: readonly Promise<void>[];

  constructor(
    private readonly host: string,
    edgeUrls: readonly string[],
  ) {
    this.clients = edgeUrls.flatMap((url, edge) =>
      CLIENTS.map((client) => this.run(client, url, `edge ${edge + 1}`)),
    );
  }

  /** Ends a span of time, waits for its last answers and gives what it was like; the next one begins at once. */
  next(): Promise<LoadSpan> {
    const { span } = this;
    this.span = new Span();
    return span.close();
  }

  /** Whether such an answer came in this span. */
  sees(version: string): boolean {
    return this.span.versions.has(version);
  }

  get requests(): number {
    return this.span.requests;
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await Promise.all(this.clients);
  }

  private async run(client: Client, url: string, edge: string): Promise<void> {
    const agent = client.isKeptAlive ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
    for (let count = 0; this.isRunning; count += 1) {
      const body = client.method === 'POST' ? `posted-${count}` : '';
      await this.span.begin(() => this.ask(client, { url, edge, agent, body }));
      await new Promise((resolve) => setTimeout(resolve, client.pauseMs));
    }
    if (agent !== false) agent.destroy();
  }

  private ask(
    { method, path, isKeptAlive }: Client,
    about: {
      readonly url: string;
      readonly edge: string;
      readonly agent: Agent | false;
      readonly body: string;
    },
  ): Promise<string> {
    const { url, edge, agent, body } = about;
    const connection = isKeptAlive ? 'kept alive' : 'new';
    return new Promise((resolve, reject) => {
      const fail = (what: string): void =>
        reject(new Error(`${method} ${path} (${connection}, ${edge}): ${what}`));
      const outgoing = request(
        `${url}${path}`,
        { method, agent, headers: { host: this.host }, timeout: LIMIT_MS },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('error', () => undefined);
          response.on('close', () => {
            const [version = '', echo = ''] = text.split(' ');
            if (!response.complete) fail(`status ${response.statusCode}, cut`);
            else if (response.statusCode !== 200) fail(`status ${response.statusCode}`);
            else if (echo !== body) fail(`answer to another request: ${text.slice(0, 40)}`);
            else resolve(version);
          });
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
      outgoing.on('error', (error) => fail(error.message));
      outgoing.end(body);
    });
  }
}
