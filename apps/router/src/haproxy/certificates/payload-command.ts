import { createConnection } from 'node:net';
import { RuntimeApiError } from '../runtime-socket.js';

/** A commit builds all that uses a certificate anew. */
const ANSWER_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Sends one command, with a payload when there is one, over a connection of its own: without a prompt the worker ends it
 * after the answer. An empty line ends a payload, so it must hold none: RangeError. Rejects with {@link RuntimeApiError}.
 */
export async function runPayloadCommand(
  socketPath: string,
  command: string,
  payload: string | undefined,
): Promise<string> {
  const text = payload?.replace(/\n+$/, '');
  if (/[\r\n;]/.test(command) || text === '' || /\n[ \t]*\n|\r|\0/.test(text ?? '')) {
    throw new RangeError('a runtime command is one line, its payload lines without an empty one');
  }
  const request = text === undefined ? `${command}\n` : `${command} <<\n${text}\n\n`;
  return new Promise((resolve, reject) => {
    const connection = createConnection(socketPath);
    let answer = '';
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      connection.destroy();
      settle();
    };
    const fail = (reason: string, cause?: unknown): void =>
      end(() => reject(new RuntimeApiError(`${socketPath}: ${reason}`, { cause })));
    const timer = setTimeout(() => fail(`no answer in ${ANSWER_TIMEOUT_MS} ms`), ANSWER_TIMEOUT_MS);
    connection.setEncoding('utf8');
    connection.on('connect', () => connection.write(request));
    connection.on('data', (chunk: string) => {
      answer += chunk;
      if (answer.length > MAX_ANSWER_BYTES) fail(`answer above ${MAX_ANSWER_BYTES} bytes`);
    });
    connection.on('end', () => end(() => resolve(answer.trim())));
    connection.on('error', (error) => fail(error.message, error));
  });
}
