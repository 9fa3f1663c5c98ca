import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

/** One request on a connection of its own, with any headers (fetch does not let us set Host). */
export function request(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
    readonly timeoutMs?: number;
    /** For https. */
    readonly tls?: ConnectionOptions;
  } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = (url.startsWith('https:') ? httpsRequest : httpRequest)(
      url,
      {
        ...options.tls,
        method: options.method ?? 'GET',
        headers: { ...options.headers },
        agent: false,
        timeout: options.timeoutMs ?? 15_000,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
        response.on('error', reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${url}: no answer in time`)));
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

/** Waits until `probe` gives something other than undefined or false. Fails naming `what` after `limitMs`. */
export async function eventually<Value>(
  what: string,
  probe: () => Promise<Value | undefined | false>,
  limitMs = 60_000,
): Promise<Value> {
  const deadlineMs = performance.now() + limitMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`not within ${limitMs} ms: ${what}`, { cause: lastError });
    }
    await pause(50);
  }
}

export const pause = (delayMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, delayMs));
