import type { Readable, Writable } from 'node:stream';
import { WebSocket } from 'ws';
import type { WireTask } from '#marathon-v2';
import { type ApiClient, explain, RequestError } from './api-client.js';
import { authorizationHeader } from './own-credential.js';
import { resourcePath } from './resource-path.js';
import { readTlsOptions } from './send-request.js';

export interface ExecFlags {
  readonly interactive?: boolean;
  readonly tty?: boolean;
}

const DEFAULT_COMMAND = ['sh'];
const DEFAULT_SIZE = { columns: 80, rows: 24 };
/** The other side pings every 20 s. */
const SILENCE_LIMIT_MS = 65_000;
const CONNECT_LIMIT_MS = 15_000;
const MAX_REFUSAL_BYTES = 64 * 1024;

/** Runs a command in a task, or in one of an app that runs; resolves to its exit code. */
export async function execute(given: {
  readonly request: ApiClient;
  readonly url: string;
  readonly target: string;
  readonly command: readonly string[];
  readonly flags: ExecFlags;
}): Promise<number> {
  const { flags } = given;
  const task = await findTask(given.request, given.target);
  const url = new URL(`${resourcePath('/v2/tasks', task)}/exec`, given.url);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const command = given.command.length === 0 ? DEFAULT_COMMAND : given.command;
  for (const argument of command) url.searchParams.append('command', argument);
  if (flags.interactive === true) url.searchParams.set('stdin', 'true');
  if (flags.tty === true) {
    const { columns, rows } = terminalSize();
    url.searchParams.set('tty', 'true');
    url.searchParams.set('columns', String(columns));
    url.searchParams.set('rows', String(rows));
    url.searchParams.set('term', process.env['TERM'] ?? 'xterm');
  }
  return await converse(await open(url), flags);
}

/** What is no app is a task. */
async function findTask(request: ApiClient, target: string): Promise<string> {
  const path = `${resourcePath('/v2/apps', target)}/tasks`;
  const answer = await request<{ tasks: readonly WireTask[] }>(path).catch((error: unknown) => {
    if (error instanceof RequestError && error.status === 404 && !target.startsWith('/')) {
      return undefined;
    }
    throw error;
  });
  if (answer === undefined) return target;
  const running = answer.tasks.filter(({ state }) => state === 'TASK_RUNNING');
  const [first] = running;
  if (first === undefined) throw new Error(`no task of app ${target} runs`);
  if (running.length > 1 && process.stderr.isTTY) {
    process.stderr.write(`pacer: ${first.id}, one of ${running.length}\n`);
  }
  return first.id;
}

/** Rejects with what the API said when it refuses. */
function open(url: URL): Promise<WebSocket> {
  const socket = new WebSocket(url, {
    headers: authorizationHeader(process.env),
    ...(url.protocol === 'wss:' ? readTlsOptions(process.env) : {}),
    handshakeTimeout: CONNECT_LIMIT_MS,
  });
  // Output may follow the handshake at once; it is read when somebody listens.
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.pause();
      resolve(socket);
    });
    socket.once('error', (error) => {
      reject(
        new Error(
          `${url.origin} does not answer (${error.message}): is the cluster up? (pacer up)`,
        ),
      );
    });
    socket.once('unexpected-response', (_request, response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        if (text.length < MAX_REFUSAL_BYTES) text += part;
      });
      response.once('end', () => {
        const status = response.statusCode ?? 0;
        reject(new RequestError(status, explain(status, text)));
      });
    });
  });
}

/** Bytes both ways until the command ends; each side waits for the other. */
function converse(socket: WebSocket, flags: ExecFlags): Promise<number> {
  const restore = flags.tty === true ? takeTerminal(socket) : () => undefined;
  if (flags.interactive === true) sendInput(socket);
  return new Promise((resolve, reject) => {
    let code: number | undefined;
    let failure: string | undefined;
    let timer: NodeJS.Timeout | undefined;
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => socket.terminate(), SILENCE_LIMIT_MS);
    };
    heard();
    socket.on('ping', heard);
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer, isBinary) => {
      heard();
      if (isBinary) {
        const target = data[0] === 2 ? process.stderr : process.stdout;
        writeOut(socket, target, data.subarray(1));
        return;
      }
      const message = JSON.parse(data.toString()) as Readonly<Record<string, unknown>>;
      if (message['kind'] === 'exit') code = Number(message['code']);
      else if (message['kind'] === 'error') failure = String(message['message']);
    });
    socket.once('close', (_code, reason) => {
      clearTimeout(timer);
      restore();
      // What was typed and not sent is nobody's; a pipe that stays open would keep us here.
      process.stdin.destroy();
      if (code !== undefined) resolve(code);
      else reject(new Error(failure ?? (reason.toString() || 'the connection was lost')));
    });
    socket.resume();
  });
}

function writeOut(socket: WebSocket, target: Writable, data: Buffer): void {
  if (target.write(data)) return;
  socket.pause();
  target.once('drain', () => socket.resume());
}

function sendInput(socket: WebSocket): void {
  const input: Readable = process.stdin;
  input.on('data', (data: Buffer) => {
    input.pause();
    socket.send(data, () => input.resume());
  });
  input.once('end', () => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ kind: 'end' }));
  });
}

/** Keys go through as they are pressed, and the size follows the window; the returned function gives the terminal back. */
function takeTerminal(socket: WebSocket): () => void {
  const { stdin, stdout } = process;
  const isRaw = stdin.isTTY;
  const resize = (): void => {
    if (socket.readyState === WebSocket.OPEN) {
      socket.send(JSON.stringify({ kind: 'resize', ...terminalSize() }));
    }
  };
  const restore = (): void => {
    if (isRaw) stdin.setRawMode(false);
    stdout.off('resize', resize);
    process.off('exit', restore);
  };
  if (isRaw) stdin.setRawMode(true);
  stdout.on('resize', resize);
  process.on('exit', restore);
  return restore;
}

const terminalSize = (): { readonly columns: number; readonly rows: number } => {
  const { columns, rows } = process.stdout;
  return {
    columns: columns || DEFAULT_SIZE.columns,
    rows: rows || DEFAULT_SIZE.rows,
  };
};
