import { request } from 'node:http';
import type { Socket } from 'node:net';
import { eventually } from './http.js';

/** A websocket through an edge to an instance that sends back what it gets. */
export class EdgeSocket {
  /** Date.now() when it ended, from whichever side. */
  closedAtMs: number | undefined;
  private heard = '';

  private constructor(
    private readonly socket: Socket,
    /** Of the request it began with, as the instance records it. */
    readonly name: string,
  ) {
    socket.on('data', (chunk: Buffer) => {
      this.heard += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.closedAtMs = Date.now();
    });
  }

  static open(edgeUrl: string, host: string, name: string): Promise<EdgeSocket> {
    return new Promise((resolve, reject) => {
      const outgoing = request(`${edgeUrl}/socket`, {
        agent: false,
        headers: {
          ...{ host, 'x-request': name, connection: 'Upgrade', upgrade: 'websocket' },
          ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' },
        },
      });
      outgoing.once('upgrade', (_response, socket) => resolve(new EdgeSocket(socket, name)));
      outgoing.once('response', ({ statusCode }) => reject(new Error(`answered ${statusCode}`)));
      outgoing.once('error', reject).end();
    });
  }

  /** Waits until a word has gone there and back. */
  async echo(word: string): Promise<void> {
    this.socket.write(word);
    await eventually(`${word} comes back`, async () => this.heard.endsWith(word));
  }

  close(): void {
    this.socket.destroy();
  }
}
