/** Connections from inside a task's network, which only a process that entered it can make. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { CancelSignal } from '#core';
import { findProgram } from './process-invocation.js';

const REPORT_DESCRIPTOR = 3;

/** Says `OK`, or the code of what went wrong, on its report descriptor; then its input and output are the connection's. */
const RELAY = `
const [host, port] = process.argv.slice(1);
const { writeSync, closeSync } = require('node:fs');
const say = (word) => { writeSync(${REPORT_DESCRIPTOR}, word); closeSync(${REPORT_DESCRIPTOR}); };
const socket = require('node:net').connect({ host, port: Number(port), allowHalfOpen: true });
let isOpen = false;
socket.on('connect', () => {
  isOpen = true;
  say('OK');
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
});
socket.on('error', (error) => { if (!isOpen) say(error.code || 'EIO'); process.exit(1); });
process.stdin.on('error', () => process.exit(1));
process.stdout.on('error', () => process.exit(1));
`.trim();

/**
 * Enters the network of the process `pid` for one connection. `belongs` tells whether the process is still the one meant;
 * it is asked again once its network was entered. Rejects with `code` as a socket does; ENOTSUP where the host has no
 * nsenter or does not let us.
 */
export async function dialInside(
  { pid, belongs }: { readonly pid: number; readonly belongs: () => boolean },
  { host, port }: { readonly host: string; readonly port: number },
  signal: CancelSignal,
): Promise<Duplex> {
  const nsenter = await findProgram('nsenter');
  if (nsenter === undefined) throw failure('ENOTSUP', 'nsenter (util-linux) is missing');
  if (!belongs()) throw failure('ESRCH', 'the task has ended');
  const relay = [process.execPath, '-e', RELAY, host, String(port)];
  const child = spawn(nsenter, [`--net=/proc/${pid}/ns/net`, '--', ...relay], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
    signal: signal as AbortSignal,
    killSignal: 'SIGKILL',
  });
  child.on('error', () => undefined);
  const { stdin, stdout } = child as { readonly stdin: Writable; readonly stdout: Readable };
  const end = (): void => void child.kill('SIGKILL');
  const word = await text(child.stdio[REPORT_DESCRIPTOR] as Readable).catch(() => '');
  if (word !== 'OK' || !belongs()) {
    end();
    if (signal.aborted) throw failure('ABORT_ERR', 'given up');
    if (!belongs()) throw failure('ESRCH', 'the task has ended');
    if (word !== '' && word !== 'OK') throw failure(word, `cannot connect: ${word}`);
    throw failure('ENOTSUP', "this agent may not enter the task's network");
  }
  const connection = Duplex.from({ readable: stdout, writable: stdin });
  connection.on('error', () => undefined).once('close', end);
  void once(child, 'exit').then(
    () => connection.destroy(),
    () => connection.destroy(),
  );
  return connection;
}

/** Whether the process is one of the container's: pids are used again. Where the engine runs elsewhere none is. */
export function isOfContainer(pid: number, containerId: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId);
  } catch {
    return false;
  }
}

const failure = (code: string, message: string): NodeJS.ErrnoException =>
  Object.assign(new Error(message), { code });
