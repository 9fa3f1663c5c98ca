import { connect, type Socket } from 'node:net';

const STATUS = /HTTP\/1\.1 (\d{3}) /g;
/** No status line is longer than this up to its status. */
const TAIL = 12;

/**
 * POSTs JSON over one connection, up to a number of calls before the first is answered (HTTP pipelining), those of one
 * turn of the event loop in one write. It costs the machine a few microseconds a call, so that the master is what is measured.
 */
export class PipelinedCalls {
  private readonly socket: Socket;
  private readonly head: string;
  private tail = '';
  /** In order; sent up to `sent`, answered up to `answered`. */
  private calls: Call[] = [];
  private sent = 0;
  private answered = 0;
  private isScheduled = false;

  constructor(
    url: string,
    headers: Readonly<Record<string, string>>,
    private readonly options: {
      /** Calls without an answer at most; others wait. */
      readonly window: number;
      /** Told of an answer other than 202. */
      readonly onRefused: (status: string) => void;
    },
  ) {
    const { hostname, port, pathname, host } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.setNoDelay(true).setEncoding('latin1');
    const lines = Object.entries({ host, 'content-type': 'application/json', ...headers });
    this.head = `POST ${pathname} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}content-length: `;
    this.socket.on('data', (chunk: string) => this.count(chunk));
    this.socket.on('error', () => undefined);
  }

  /** `onAnswered` runs when it was answered, whatever the status. */
  send(json: string, onAnswered?: () => void): void {
    this.calls.push({ json, onAnswered });
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    const end = Math.min(this.calls.length, this.answered + this.options.window);
    let text = '';
    for (; this.sent < end; this.sent += 1) {
      const json = this.calls[this.sent]?.json ?? '';
      text += `${this.head}${Buffer.byteLength(json)}\r\n\r\n${json}`;
    }
    if (text !== '') this.socket.write(text);
  }

  private count(chunk: string): void {
    const text = this.tail + chunk;
    let end = 0;
    for (const match of text.matchAll(STATUS)) {
      end = match.index + match[0].length;
      if (match[1] !== '202') this.options.onRefused(match[1] ?? '');
      this.calls[this.answered]?.onAnswered?.();
      this.answered += 1;
    }
    this.tail = text.slice(Math.max(end, text.length - TAIL));
    if (this.answered >= MAX_ANSWERED) {
      this.calls = this.calls.slice(this.answered);
      this.sent -= this.answered;
      this.answered = 0;
    }
    this.schedule();
  }
}

interface Call {
  readonly json: string;
  readonly onAnswered: (() => void) | undefined;
}

/** Answered calls are forgotten so many at a time. */
const MAX_ANSWERED = 1_000;
