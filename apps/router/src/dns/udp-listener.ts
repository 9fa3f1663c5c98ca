import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { MessageHandler } from './message-handler.js';

/** Room for a burst while the process is busy. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/** Opens the socket; rejects when the port cannot be had. `onError` is told when it breaks later. */
export async function listenUdp(options: {
  readonly host: string;
  readonly port: number;
  readonly handle: MessageHandler;
  readonly onError: (error: Error) => void;
}): Promise<Socket> {
  const { host, port, handle, onError } = options;
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.on('message', (message, { address, port: clientPort }) => {
    // From nowhere: an answer could not be sent.
    if (clientPort === 0) return;
    handle(message, { address, transport: 'udp' }, (reply) => {
      if (reply === undefined) return;
      // The client is gone, or the network is, or we stop: it asks again.
      try {
        socket.send(reply, clientPort, address, () => undefined);
      } catch {
        // Closed meanwhile.
      }
    });
  });
  try {
    socket.bind({ port, address: host, exclusive: true });
    await once(socket, 'listening');
    growBuffer(socket);
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', onError);
  return socket;
}

/** The kernel may allow less; then bursts are shorter. */
function growBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // As it is.
  }
}
