import { connect, type Socket } from 'node:net';

const HEAD_END = '\r\n\r\n';
const BUFFER_BYTES = 256 * 1024;
const LENGTH = /\r\ncontent-length: (\d+)/i;

/**
 * GETs one URL again and again over one connection, into one buffer: what the bodies cost is then the master's work and
 * the kernel's copying, not garbage of the reader's.
 */
export class StateReader {
  private readonly socket: Socket;
  private readonly request: string;
  private head = '';
  /** Of the body under way; undefined while its head is not whole. */
  private missing: number | undefined;
  private length = 0;
  private settle:
    | { readonly resolve: (bytes: number) => void; readonly reject: (error: Error) => void }
    | undefined;

  constructor(private readonly url: string) {
    const { hostname, port, pathname, host } = new URL(url);
    this.request = `GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
    this.socket = connect({
      port: Number(port),
      host: hostname,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(BUFFER_BYTES),
        callback: (bytes, buffer) => {
          this.take(bytes, buffer);
          return true;
        },
      },
    });
    this.socket.on('error', (error) => this.settle?.reject(error));
    this.socket.on('close', () => this.settle?.reject(new Error(`${url} closed the connection`)));
  }

  /** Resolves with the length of the body once all of it is here; rejects unless it is answered 200. One at a time. */
  read(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.socket.write(this.request);
    });
  }

  private take(bytes: number, buffer: Uint8Array): void {
    if (this.missing !== undefined) {
      this.count(bytes);
      return;
    }
    this.head += Buffer.from(buffer.buffer, buffer.byteOffset, bytes).toString('latin1');
    const end = this.head.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.head.slice(0, end);
    const rest = this.head.length - end - HEAD_END.length;
    this.head = '';
    if (!head.startsWith('HTTP/1.1 200 ')) {
      this.settle?.reject(new Error(`${this.url} answered ${head}`));
      return;
    }
    this.length = Number(LENGTH.exec(head)?.[1] ?? Number.NaN);
    this.missing = this.length;
    this.count(rest);
  }

  private count(bytes: number): void {
    this.missing = (this.missing ?? 0) - bytes;
    if (this.missing > 0) return;
    this.missing = undefined;
    const { settle } = this;
    this.settle = undefined;
    settle?.resolve(this.length);
  }
}
