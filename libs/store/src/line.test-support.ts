import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a database that can fail. */
export interface Line {
  readonly url: string;
  /** Nothing gets through in either direction; what is sent waits. */
  readonly hold: () => void;
  readonly resume: () => void;
  /** All connections break. */
  readonly cut: () => Promise<void>;
}

/** The same database through a proxy. */
export async function openLine(url: string): Promise<Line> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let isHeld = false;
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.pipe(server).pipe(client);
    if (isHeld) for (const socket of [client, server]) socket.pause();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const target = new URL(url);
  target.port = String((proxy.address() as AddressInfo).port);
  target.hostname = '127.0.0.1';
  return {
    url: target.href,
    hold: () => {
      isHeld = true;
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      isHeld = false;
      for (const socket of sockets) socket.resume();
    },
    cut: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
