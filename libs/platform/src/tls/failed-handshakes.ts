import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { TlsLog } from './tls-files.js';

/** Who cannot connect tries again and again. */
const TELL_EVERY_MS = 10_000;

/** Says who could not connect and why (plain HTTP, no certificate, an unknown CA): one every 10 s, with how many there were. */
export function logFailedHandshakes(server: Server, log: TlsLog): void {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let untold = 0;
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    // Node.js drops whom it does not accept, and reports only that the connection was reset.
    const reason = String(socket.authorizationError ?? error.code ?? error.message);
    // Somebody only looked whether the port is open.
    if (reason === 'ECONNRESET') return;
    untold += 1;
    const nowMs = performance.now();
    if (nowMs - toldAtMs < TELL_EVERY_MS) return;
    const who = socket.remoteAddress ?? 'a client';
    log('warn', `no TLS with ${who}: ${reason}${untold > 1 ? `, and ${untold - 1} before` : ''}`);
    toldAtMs = nowMs;
    untold = 0;
  });
}
