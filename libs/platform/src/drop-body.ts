import type { IncomingMessage } from 'node:http';

/** As much of a refused body is read, bytes, and for as long, milliseconds. */
const MAX_DROPPED_BYTES = 64 * 1024 * 1024;
const MAX_DROP_MS = 10_000;

/**
 * Reads what a client still sends and drops it. A connection that is closed over unread bytes is reset, and the client
 * would lose the answer that says what was wrong. Resolves at the end of the body, when the client leaves, or at a bound.
 */
export function dropBody(message: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (message.complete || message.destroyed) {
      resolve();
      return;
    }
    let dropped = 0;
    const finish = (): void => {
      clearTimeout(timer);
      message.off('data', count);
      for (const event of ['end', 'close', 'error']) message.off(event, finish);
      resolve();
    };
    const count = (chunk: Buffer): void => {
      dropped += chunk.length;
      if (dropped > MAX_DROPPED_BYTES) finish();
    };
    const timer = setTimeout(finish, MAX_DROP_MS);
    message.on('data', count);
    for (const event of ['end', 'close', 'error']) message.on(event, finish);
    message.resume();
  });
}
