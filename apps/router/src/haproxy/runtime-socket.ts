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
  const broken = commands.find((command) => /[\r\n\0]|<<\s*$/.test(command));
  if (broken !== undefined) {
    return Promise.reject(new RuntimeApiError(`a command is one line: ${JSON.stringify(broken)}`));
  }
  return new Promise((resolve, reject) => {
    const connection = createConnection(socketPath);
    const prompt = PROMPTS[options.of];
    const replies = new ReplySplitter(prompt);
    const fail = (reason: string, cause?: unknown): void => {
      clearTimeout(timer);
      connection.destroy();
      reject(new RuntimeApiError(`${socketPath}: ${reason}`, { cause }));
    };
    const timer = setTimeout(() => fail(`no answer in ${REPLY_TIMEOUT_MS} ms`), REPLY_TIMEOUT_MS);
    connection.setEncoding('utf8');
    connection.on('connect', () => connection.write(`prompt\n${commands.join('\n')}\n`));
    connection.on('data', (chunk: string) => {
      replies.push(chunk);
      if (replies.length > MAX_REPLY_BYTES) return fail(`answer above ${MAX_REPLY_BYTES} bytes`);
      // The first answers `prompt` itself, and nothing is left behind the last.
      if (replies.complete < commands.length + 1 || !replies.isAtEnd) return;
      clearTimeout(timer);
      connection.destroy();
      resolve(replies.texts().slice(1, commands.length + 1));
    });
    connection.on('error', (error) => fail(error.message, error));
    connection.on('close', () => fail('closed before the answer was complete'));
  });
}

/** Splits what arrives at prompts, each piece looked at once: an answer of 10,000 servers comes in hundreds of them. */
class ReplySplitter {
  private readonly replies: string[][] = [[]];
  length = 0;

  constructor(private readonly prompt: string) {}

  push(chunk: string): void {
    this.length += chunk.length;
    const current = this.replies.at(-1) ?? [];
    const last = current.pop() ?? '';
    // A prompt may have begun at the end of the last piece.
    const border = Math.max(0, last.length - this.prompt.length + 1);
    if (border > 0) current.push(last.slice(0, border));
    const [first = '', ...more] = (last.slice(border) + chunk).split(this.prompt);
    current.push(first);
    for (const text of more) this.replies.push([text]);
  }

  get complete(): number {
    return this.replies.length - 1;
  }

  get isAtEnd(): boolean {
    return this.replies.at(-1)?.every((piece) => piece === '') ?? true;
  }

  texts(): readonly string[] {
    return this.replies.map((pieces) => pieces.join('').trim());
  }
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
