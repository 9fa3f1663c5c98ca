/**
 * WebSocket requests take the way of all others: through the hooks (guard, leadership) to the handler of a GET route,
 * which takes the socket over or answers like any other. Requests to upgrade to something else (`h2c`, which some HTTP
 * clients always ask for) are answered as if they had not asked.
 */
import { IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The connection of a request to upgrade, and what came after the request. */
export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

const waiting = new WeakMap<IncomingMessage, Upgrade & { readonly response: ServerResponse }>();

/** Node asks `upgrade` of each request whether to give its connection away. */
export class UpgradableRequest extends IncomingMessage {
  declare private asked: unknown;

  get upgrade(): boolean {
    if (!this.asked) return false;
    return this.method === 'CONNECT' || this.headers.upgrade?.toLowerCase() === 'websocket';
  }

  set upgrade(asked: unknown) {
    this.asked = asked;
  }
}

/** Gives requests to upgrade to `route`; the returned function cuts the connections that were taken over. */
export function acceptUpgrades(
  server: Server,
  route: (request: IncomingMessage, response: ServerResponse) => void,
): () => void {
  const taken = new Set<Duplex>();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    taken.add(socket);
    socket.once('close', () => taken.delete(socket));
    // Without a listener an error of one connection would end the process; `close` follows it.
    socket.on('error', () => undefined);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0]);
    response.once('finish', () => {
      if (waiting.has(request)) socket.end();
    });
    waiting.set(request, { socket, head, response });
    route(request, response);
  });
  return () => {
    for (const socket of taken) socket.destroy();
  };
}

/** True for a request to upgrade whose connection nobody has taken yet. */
export const isUpgrade = (request: IncomingMessage): boolean => waiting.has(request);

/** Takes the connection over; undefined when the request did not ask for that. The reply must have been hijacked. */
export function takeUpgrade(request: IncomingMessage): Upgrade | undefined {
  const upgrade = waiting.get(request);
  if (upgrade === undefined) return undefined;
  const { socket, head, response } = upgrade;
  waiting.delete(request);
  response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0]);
  return { socket, head };
}
