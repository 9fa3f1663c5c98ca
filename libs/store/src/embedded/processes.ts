import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { DatabaseUser } from './database-user.js';
import { EmbeddedDatabaseError } from './embedded-database-error.js';

const MAX_OUTPUT = 4_096;
const ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Runs a program to its end. `output` holds the last 4 KiB of what it wrote. */
export function execute(
  program: string,
  args: readonly string[],
  user: DatabaseUser,
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: '/',
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...identity(user),
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-MAX_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, output: output.trim() }));
  });
}

/** Starts a program in a session of its own, writing to an open file. It does not keep us running. */
export function spawnDetached(
  program: string,
  args: readonly string[],
  options: { readonly user: DatabaseUser; readonly log: number },
): { readonly pid: number; readonly exited: Promise<string> } {
  const child = spawn(program, [...args], {
    cwd: '/',
    env: ENVIRONMENT,
    detached: true,
    stdio: ['ignore', options.log, options.log],
    ...identity(options.user),
  });
  child.unref();
  const exited = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(signal ?? `code ${code}`));
  });
  if (child.pid === undefined) throw new EmbeddedDatabaseError(`${program} cannot be started`);
  return { pid: child.pid, exited };
}

/** `wanted` when nothing listens there on loopback, else any free port. */
export async function findFreePort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const free = await tryPort(port);
    if (free !== undefined) return free;
  }
  throw new EmbeddedDatabaseError('no free port on 127.0.0.1');
}

const tryPort = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(bound));
    });
  });

/** Only root can become somebody else. */
const identity = (user: DatabaseUser): { uid?: number; gid?: number } =>
  process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {};
