import { createConnection } from 'node:net';

/** The runtime API could not be reached, timed out, or answered something else than expected. */
export class RuntimeApiError extends Error {
  readonly code = 'HAPROXY_RUNTIME';
}

/** What ends every reply in prompt mode: of a worker's admin socket, and of the master's. */
const PROMPTS = { worker: '\n> ', master: 'master> ' } as const;
const REPLY_TIMEOUT_MS = 3_000;
/** The master starts itself anew at a reload; for that moment its socket refuses connections. */
const MASTER_ATTEMPTS = 10;
const MASTER_RETRY_MS = 30;
/** `show servers state` of 10,000 servers is 0.7 MB. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

/**
 * Sends commands over one connection in prompt mode, where every reply ends with a prompt, and returns the replies in
 * order. Commands must hold no line break. Rejects with {@link RuntimeApiError}.
 */
export function runCommands(
  socketPath: string,
  commands: readonly string[],
  options: { readonly of: keyof typeof PROMPTS } = { of: 'worker' },
): Promise<readonly string[]> {
  if (commands.length === 0) return Promise.resolve([]);
  return new Promise((resolve, reject) => {
    const connection = createConnection(socketPath);
    const prompt = PROMPTS[options.of];
    let reply = '';
    const fail = (reason: string, cause?: unknown): void => {
      clearTimeout(timer);
      connection.destroy();
      reject(new RuntimeApiError(`${socketPath}: ${reason}`, { cause }));
    };
    const timer = setTimeout(() => fail(`no answer in ${REPLY_TIMEOUT_MS} ms`), REPLY_TIMEOUT_MS);
    connection.setEncoding('utf8');
    connection.on('connect', () => connection.write(`prompt\n${commands.join('\n')}\n`));
    connection.on('data', (chunk: string) => {
      reply += chunk;
      if (reply.length > MAX_REPLY_BYTES) return fail(`answer above ${MAX_REPLY_BYTES} bytes`);
      if (!reply.endsWith(prompt)) return;
      const parts = reply.split(prompt);
      // The first part answers `prompt` itself, the last is empty.
      if (parts.length < commands.length + 2) return;
      clearTimeout(timer);
      connection.destroy();
      resolve(parts.slice(1, commands.length + 1).map((part) => part.trim()));
    });
    connection.on('error', (error) => fail(error.message, error));
    connection.on('close', () => fail('closed before the answer was complete'));
  });
}

/** One command to the master process, which may be starting anew. Rejects with {@link RuntimeApiError}. */
export async function askMaster(socketPath: string, command: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const [reply = ''] = await runCommands(socketPath, [command], { of: 'master' });
      return reply;
    } catch (error) {
      if (attempt >= MASTER_ATTEMPTS || !isRefused(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, MASTER_RETRY_MS));
    }
  }
}

function isRefused(error: unknown): boolean {
  const cause = error instanceof RuntimeApiError ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ECONNRESET';
}
