import { randomBytes } from 'node:crypto';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Binaries, provideBinaries } from './binaries.js';
import { chooseUser, type DatabaseUser, requireReachable } from './database-user.js';
import { EmbeddedDatabaseError } from './embedded-database-error.js';
import { findPostmaster, removeStaleLock, waitForPostmaster } from './postmaster.js';
import { answersQueries } from './probe.js';
import { execute, findFreePort, spawnDetached } from './processes.js';

export { EmbeddedDatabaseError };

/** A PostgreSQL server of ours. It is a process of its own and goes on when we end. */
export interface EmbeddedDatabase {
  /** `postgres://…` on loopback, with a password. */
  readonly url: string;
  readonly pid: number;
  readonly port: number;
  /** It was running already. */
  readonly adopted: boolean;
  /** Fast shutdown: transactions are rolled back, data is safe. Bounded; safe to call twice. */
  stop(): Promise<void>;
}

export interface EmbeddedDatabaseOptions {
  /** Holds binaries, data, port and password; made when missing. */
  readonly dataDir: string;
  /** Where the server's log goes; `<dataDir>/postgres.log` unless set. */
  readonly logFile?: string;
  /** Told what is going on when it may take a while. */
  readonly onProgress?: (message: string) => void;
}

interface Layout {
  readonly root: string;
  readonly data: string;
  readonly port: string;
  readonly password: string;
  readonly log: string;
}

const START_LIMIT_MS = 60_000;
const FAST_STOP_LIMIT_MS = 15_000;
const IMMEDIATE_STOP_LIMIT_MS = 5_000;
const DATABASE_USER = 'pacer';

/**
 * Starts PostgreSQL from the npm package, or adopts the server that still runs on the folder. The first start makes the
 * data directory (about a second). It listens on loopback only, on a free port that is kept. Throws
 * {@link EmbeddedDatabaseError} saying what to do.
 */
export async function startEmbeddedDatabase(
  options: EmbeddedDatabaseOptions,
): Promise<EmbeddedDatabase> {
  const layout = toLayout(options);
  mkdirSync(layout.root, { recursive: true, mode: 0o755 });
  const user = chooseUser(layout.data);
  requireReachable(layout.data, user);
  if (existsSync(layout.data)) await finishStop(layout);
  const running = findPostmaster(layout.data);
  if (running !== undefined) {
    await waitUntilReady(layout);
    return describe(layout, running.pid, true);
  }
  const binaries = await provideBinaries(layout.root);
  await requireMajor(layout, binaries);
  if (!existsSync(join(layout.data, 'PG_VERSION'))) {
    options.onProgress?.('preparing the database');
    await initialise(layout, binaries, user);
  }
  const pid = await start(layout, binaries, user);
  return describe(layout, pid, false);
}

/** The server that runs on a folder, without starting one. */
export function findEmbeddedDatabase(
  options: Pick<EmbeddedDatabaseOptions, 'dataDir'>,
): EmbeddedDatabase | undefined {
  const layout = toLayout(options);
  const running = existsSync(layout.data) ? findPostmaster(layout.data) : undefined;
  return running === undefined ? undefined : describe(layout, running.pid, true);
}

function toLayout({ dataDir, logFile }: EmbeddedDatabaseOptions): Layout {
  return {
    root: dataDir,
    data: join(dataDir, 'data'),
    port: join(dataDir, 'port'),
    password: join(dataDir, 'password'),
    log: logFile ?? join(dataDir, 'postgres.log'),
  };
}

/** A server on its way down is waited for. */
async function finishStop(layout: Layout): Promise<void> {
  if (findPostmaster(layout.data)?.status !== 'stopping') return;
  await waitForPostmaster(layout.data, (server) => server === undefined, FAST_STOP_LIMIT_MS);
}

async function requireMajor(layout: Layout, binaries: Binaries): Promise<void> {
  const file = join(layout.data, 'PG_VERSION');
  if (!existsSync(file)) return;
  const major = (await readFile(file, 'utf8')).trim();
  if (major === binaries.major) return;
  throw new EmbeddedDatabaseError(
    `${layout.data} was made by PostgreSQL ${major}, and this version of Pacer brings ${binaries.major}. To move: start the previous ` +
      `version of Pacer, save with "pg_dump --no-owner <its DATABASE_URL> > pacer.sql", move ${layout.data} away, start this version, ` +
      'and load with "psql <its DATABASE_URL> < pacer.sql". Nothing was changed.',
  );
}

async function initialise(layout: Layout, binaries: Binaries, user: DatabaseUser): Promise<void> {
  await rm(layout.data, { recursive: true, force: true });
  const password = randomBytes(24).toString('base64url');
  await writeFile(layout.password, `${password}\n`, { mode: 0o600 });
  chownSync(layout.password, user.uid, user.gid);
  mkdirSync(layout.data, { recursive: true, mode: 0o700 });
  chownSync(layout.data, user.uid, user.gid);
  const result = await execute(
    join(binaries.directory, 'bin', 'initdb'),
    [
      ...['-D', layout.data, '-U', DATABASE_USER, '--pwfile', layout.password],
      ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'],
    ],
    user,
  );
  if (result.code !== 0) {
    await rm(layout.data, { recursive: true, force: true });
    throw new EmbeddedDatabaseError(`initdb failed with code ${result.code}: ${result.output}`);
  }
}

async function start(layout: Layout, binaries: Binaries, user: DatabaseUser): Promise<number> {
  await removeStaleLock(layout.data, FAST_STOP_LIMIT_MS);
  const port = await choosePort(layout);
  const log = openSync(layout.log, 'a', 0o640);
  const child = spawnDetached(
    join(binaries.directory, 'bin', 'postgres'),
    ['-D', layout.data, '-p', String(port), ...SETTINGS],
    { user, log },
  );
  closeSync(log);
  const exit = child.exited.then((reason) => {
    throw new EmbeddedDatabaseError(`PostgreSQL ended at once (${reason}): ${tail(layout.log)}`);
  });
  await Promise.race([waitUntilReady(layout), exit]);
  exit.catch(() => undefined);
  return child.pid;
}

/**
 * Small, as a controller and a master are all that connects; durable, as an acknowledged write must be. No Unix socket: its
 * lock file would outlive a server that was killed.
 */
const SETTINGS: readonly string[] = Object.entries({
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '64',
  shared_buffers: '64MB',
  fsync: 'on',
  synchronous_commit: 'on',
  log_timezone: 'UTC',
  timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
}).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/** The port of last time unless something else has taken it. */
async function choosePort(layout: Layout): Promise<number> {
  const last = existsSync(layout.port) ? Number(readFileSync(layout.port, 'utf8')) : 0;
  const port = await findFreePort(last);
  if (port !== last) await writeFile(layout.port, `${port}\n`);
  return port;
}

async function waitUntilReady(layout: Layout): Promise<void> {
  const isReady = await waitForPostmaster(
    layout.data,
    (server) => server?.status === 'ready',
    START_LIMIT_MS,
  );
  const deadline = performance.now() + START_LIMIT_MS;
  while (isReady && performance.now() < deadline) {
    const url = toUrl(layout);
    if (url !== undefined && (await answersQueries(url))) return;
    await sleep(20);
  }
  throw new EmbeddedDatabaseError(
    `PostgreSQL was not ready within ${START_LIMIT_MS} ms: ${tail(layout.log)}`,
  );
}

function describe(layout: Layout, pid: number, adopted: boolean): EmbeddedDatabase {
  const url = toUrl(layout);
  const port = findPostmaster(layout.data)?.port;
  if (url === undefined || port === undefined) {
    throw new EmbeddedDatabaseError(`PostgreSQL ended at once: ${tail(layout.log)}`);
  }
  return { url, pid, port, adopted, stop: () => stop(layout) };
}

function toUrl(layout: Layout): string | undefined {
  const port = findPostmaster(layout.data)?.port;
  const password = readFileSync(layout.password, 'utf8').trim();
  if (port === undefined) return undefined;
  return `postgres://${DATABASE_USER}:${password}@127.0.0.1:${port}/postgres`;
}

async function stop(layout: Layout): Promise<void> {
  const isGone = (limitMs: number) =>
    waitForPostmaster(layout.data, (server) => server === undefined, limitMs);
  for (const [signal, limitMs] of [
    ['SIGINT', FAST_STOP_LIMIT_MS],
    ['SIGQUIT', IMMEDIATE_STOP_LIMIT_MS],
  ] as const) {
    const server = findPostmaster(layout.data);
    if (server === undefined) return;
    process.kill(server.pid, signal);
    if (await isGone(limitMs)) return;
  }
  throw new EmbeddedDatabaseError(`PostgreSQL on ${layout.data} does not stop`);
}

const tail = (file: string): string =>
  existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5).join(' | ') : '';
