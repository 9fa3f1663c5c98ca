/** Runs a command inside a container with a deadline. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import type { CommandResult } from '#core';
import { withTimeout } from './docker-containers.js';
import { killMarked, newExecutionMark } from './execution-mark.js';
import { CommandTimeoutError } from './run-bounded.js';

const MAX_OUTPUT_BYTES = 64 * 1024;
const HEADER_BYTES = 8;

/** The deadline is over the engine's answers too. `environment` comes on top of the container's. */
export async function executeInContainer(
  container: Dockerode.Container,
  request: {
    readonly argv: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly timeoutMs: number;
  },
): Promise<CommandResult> {
  const { argv, environment, timeoutMs } = request;
  const mark = newExecutionMark();
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  const abortSignal = abort.signal;
  try {
    const exec = await container.exec({
      Cmd: [...argv],
      Env: Object.entries({ ...environment, ...mark }).map(([name, value]) => `${name}=${value}`),
      AttachStdout: true,
      AttachStderr: true,
      abortSignal,
    });
    const options = { Detach: false, Tty: false, abortSignal };
    const stream = (await exec.start(options)) as unknown as Readable;
    const output = await collect(stream).catch(() => '');
    abortSignal.throwIfAborted();
    const { ExitCode } = await exec.inspect({ abortSignal });
    return { exitCode: ExitCode ?? -1, output };
  } catch (error) {
    if (!abortSignal.aborted) throw error;
    await killMarked(mark, async () => await listProcesses(container)).catch(() => undefined);
    throw new CommandTimeoutError(`command did not end within ${timeoutMs} ms`);
  } finally {
    clearTimeout(timer);
  }
}

/** Both streams in the order they came, frames taken apart, the first 64 KiB kept. */
async function collect(stream: Readable): Promise<string> {
  let rest: Buffer = Buffer.alloc(0);
  const parts: Buffer[] = [];
  let kept = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + rest.readUInt32BE(4);
      if (rest.length < end) break;
      const part = rest.subarray(
        HEADER_BYTES,
        Math.min(end, HEADER_BYTES + MAX_OUTPUT_BYTES - kept),
      );
      if (part.length > 0) parts.push(Buffer.from(part));
      kept += part.length;
      rest = rest.subarray(end);
    }
  }
  return Buffer.concat(parts).toString('utf8');
}

/** The engine cannot end one command of a container, but where it runs on this host we can: by the container's cgroup. */
async function listProcesses(container: Dockerode.Container): Promise<readonly number[]> {
  const { State } = await container.inspect(withTimeout());
  const text = await readFile(`/proc/${State.Pid}/cgroup`, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.+)$/.exec(line) ?? [];
    // Only if the pid means the same process to us as to the engine.
    if (!path.includes(container.id)) continue;
    const file = join('/sys/fs/cgroup', controllers, path, 'cgroup.procs');
    const pids = await readFile(file, 'utf8').catch(() => undefined);
    if (pids !== undefined) return pids.split('\n').filter(Boolean).map(Number);
  }
  return [];
}
