/** Runs a command inside a container with a deadline. */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import type { CommandResult } from '#core';
import { signalProcess } from './process-table.js';
import { CommandTimeoutError } from './run-bounded.js';

const MAX_OUTPUT_BYTES = 64 * 1024;
const HEADER_BYTES = 8;

export async function executeInContainer(
  container: Dockerode.Container,
  command: string,
  timeoutMs: number,
): Promise<CommandResult> {
  const exec = await container.exec({
    Cmd: ['/bin/sh', '-c', command],
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = (await exec.start({ Detach: false, Tty: false })) as unknown as Readable;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stream.destroy();
  }, timeoutMs);
  try {
    const output = await collect(stream).catch(() => '');
    if (isLate) {
      await killExec(exec, container.id);
      throw new CommandTimeoutError(`command did not end within ${timeoutMs} ms`);
    }
    const { ExitCode } = await exec.inspect();
    return { exitCode: ExitCode ?? -1, output };
  } finally {
    clearTimeout(timer);
    stream.destroy();
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

/** The engine cannot end one command of a container, but where it runs on this host we can. */
async function killExec(exec: Dockerode.Exec, containerId: string): Promise<void> {
  const { Pid: pid } = await exec.inspect();
  if (!pid) return;
  const cgroups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  // Only if the pid means the same process to us as to the engine.
  if (cgroups.includes(containerId)) signalProcess(pid, 'SIGKILL');
}
