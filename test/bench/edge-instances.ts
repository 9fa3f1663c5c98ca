import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Instances of an app, in a process of their own: each listens on a port and answers after some time, until it is killed. */
export type InstanceCommand =
  | { readonly kind: 'start'; readonly number: number; readonly handlerMs: number }
  | { readonly kind: 'kill'; readonly number: number };

export type InstanceReport =
  | { readonly kind: 'started'; readonly number: number; readonly port: number }
  /** `open`: requests it was answering. */
  | { readonly kind: 'killed'; readonly number: number; readonly open: number };

/** As its death looks from outside: nothing listens any more, and every connection ends at once. */
class Instance {
  private readonly sockets = new Set<Socket>();
  private open = 0;
  private readonly server: Server;

  constructor(handlerMs: number) {
    this.server = createServer((request, response) => {
      this.open += 1;
      response.once('close', () => {
        this.open -= 1;
      });
      request.resume();
      setTimeout(() => response.end('done\n'), handlerMs);
    });
    this.server.keepAliveTimeout = 60_000;
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () =>
        resolve((this.server.address() as AddressInfo).port),
      );
    });
  }

  kill(): number {
    const { open } = this;
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    return open;
  }
}

const instances = new Map<number, Instance>();
const report = (message: InstanceReport): void => void process.send?.(message);

process.on('disconnect', () => process.exit(0));
process.on('message', (command: InstanceCommand) => {
  const { number } = command;
  if (command.kind === 'start') {
    const instance = new Instance(command.handlerMs);
    instances.set(number, instance);
    void instance.listen().then((port) => report({ kind: 'started', number, port }));
    return;
  }
  const open = instances.get(number)?.kill() ?? 0;
  instances.delete(number);
  report({ kind: 'killed', number, open });
});
