import { createConnection } from 'node:net';
import { RuntimeApiError } from './runtime-socket.js';

/** A worker of 10,000 servers is up within a second; the master of 2.7 and later answers only then. */
const ANSWER_TIMEOUT_MS = 10_000;
/** The master starts itself anew at each reload; for that moment its socket refuses connections. */
const CONNECT_ATTEMPTS = 10;
const CONNECT_RETRY_MS = 30;
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface MasterVerdict {
  /** Undefined: this HAProxy (2.6) does not tell. */
  readonly verdict: 'success' | 'failure' | undefined;
  /** What the new worker said while it loaded. */
  readonly log: string;
}

/**
 * Asks the master for a new worker by its socket. In 2.6 the connection ends without a word when the request was taken;
 * since 2.7 it stays until the worker has loaded. Rejects with {@link RuntimeApiError} when there is no answer.
 */
export async function reloadByMaster(masterSocket: string): Promise<MasterVerdict> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return parseVerdict(await askOnce(masterSocket));
    } catch (error) {
      if (!(error instanceof NotConnectedError) || attempt >= CONNECT_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, CONNECT_RETRY_MS));
    }
  }
}

/** `Success=1`, a line of dashes, then the log. Throws when the command is not known. */
export function parseVerdict(answer: string): MasterVerdict {
  if (/^unknown command/i.test(answer.trim())) {
    throw new RuntimeApiError('the master does not know the command reload');
  }
  const success = /^Success=(\d)/m.exec(answer)?.[1];
  const log = answer.replace(/^Success=\d\s*(?:--\s*)?/, '').trim();
  return {
    verdict: success === undefined ? undefined : success === '1' ? 'success' : 'failure',
    log,
  };
}

class NotConnectedError extends RuntimeApiError {}

function askOnce(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socketPath);
    let answer = '';
    let isConnected = false;
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      connection.destroy();
      settle();
    };
    const fail = (reason: string, cause?: unknown): void => {
      const Kind = isConnected ? RuntimeApiError : NotConnectedError;
      end(() => reject(new Kind(`${socketPath}: ${reason}`, { cause })));
    };
    const timer = setTimeout(() => fail(`no answer in ${ANSWER_TIMEOUT_MS} ms`), ANSWER_TIMEOUT_MS);
    connection.setEncoding('utf8');
    connection.on('connect', () => {
      isConnected = true;
      connection.write('reload\n');
    });
    connection.on('data', (chunk: string) => {
      answer += chunk;
      if (answer.length > MAX_ANSWER_BYTES) fail(`answer above ${MAX_ANSWER_BYTES} bytes`);
    });
    connection.on('end', () => end(() => resolve(answer)));
    // The master of 2.6 may be gone before it has read the end of the line.
    connection.on('error', (error) => {
      if (isConnected && 'code' in error && error.code === 'ECONNRESET') end(() => resolve(answer));
      else fail(error.message, error);
    });
  });
}
