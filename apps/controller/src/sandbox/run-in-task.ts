import { WebSocket } from 'ws';
import { authorizationHeader, tlsConnection } from '#platform';
import type { EnginePorts } from '../engine/engine-ports.js';
import { byScheme } from './agent-files.js';
import { sandboxOf } from './agent-locator.js';

/** Of the output, for messages. */
const MAX_OUTPUT_BYTES = 4_096;
/** An agent that does not answer by then is not asked longer, however patient the check is. */
const CONNECT_LIMIT_MS = 10_000;
const MAX_MESSAGE_BYTES = 1024 * 1024;

type RunCommand = NonNullable<EnginePorts['runCommand']>;
type Ended = Awaited<ReturnType<RunCommand>>;

/**
 * Runs a command for a shell beside a task, by its agent's sessions. One that lasts longer than it may is killed and has failed;
 * undefined when the agent could not be asked.
 */
export function createTaskCommands(frameworkId: () => string | undefined): RunCommand {
  return async ({ taskId, placement }, command, timeoutMs) => {
    if (placement?.agentUrl === undefined) return undefined;
    const place = sandboxOf(taskId, { frameworkId: frameworkId() });
    const path = place.split('/').map(encodeURIComponent).join('/');
    const url = new URL(`/${path}/exec`, placement.agentUrl);
    for (const argument of ['/bin/sh', '-c', command]) url.searchParams.append('command', argument);
    try {
      return await byScheme(url, (one) => converse(one, timeoutMs));
    } catch {
      return undefined;
    }
  };
}

/** Rejects when there was no session; resolves to undefined when it ended without an exit code. */
function converse(url: URL, timeoutMs: number): Promise<Ended> {
  const socket = new WebSocket(url, {
    ...(url.protocol === 'https:' ? tlsConnection() : {}),
    headers: authorizationHeader('operator'),
    handshakeTimeout: Math.min(timeoutMs, CONNECT_LIMIT_MS),
    maxPayload: MAX_MESSAGE_BYTES,
  });
  let output = '';
  let exitCode: number | undefined;
  let isLate = false;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      isLate = socket.readyState === WebSocket.OPEN;
      socket.terminate();
    }, timeoutMs);
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) {
        if (output.length < MAX_OUTPUT_BYTES)
          output += data.subarray(1, MAX_OUTPUT_BYTES).toString();
        return;
      }
      exitCode = readExitCode(data.toString()) ?? exitCode;
    });
    socket.once('close', () => {
      clearTimeout(timer);
      if (isLate) resolve({ exitCode: TIMED_OUT, output: `still running after ${timeoutMs} ms` });
      else resolve(exitCode === undefined ? undefined : { exitCode, output });
    });
  });
}

/** As `timeout` of coreutils says it. */
const TIMED_OUT = 124;

function readExitCode(text: string): number | undefined {
  try {
    const { kind, code } = JSON.parse(text) as { readonly kind?: unknown; readonly code?: unknown };
    return kind === 'exit' && typeof code === 'number' ? code : undefined;
  } catch {
    return undefined;
  }
}
