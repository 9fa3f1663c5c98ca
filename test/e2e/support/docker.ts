import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cluster } from './cluster.js';
import { eventually, request } from './http.js';

const run = promisify(execFile);

const REGISTRY = '/usr/bin/docker-registry';
const COMMAND_LIMIT_MS = 60_000;

/** Runs the Docker client and gives what it printed. */
export async function docker(...args: readonly string[]): Promise<string> {
  return (await run('docker', [...args], { timeout: COMMAND_LIMIT_MS })).stdout.trim();
}

export interface SeenContainer {
  readonly id: string;
  readonly state: string;
  readonly taskId: string;
}

/** The containers of a cluster's tasks, ended ones too, by the sandboxes mounted in them. */
export async function containersOf(cluster: Cluster): Promise<readonly SeenContainer[]> {
  const format = '{{.ID}}\t{{.State}}\t{{.Label "pacer.task-id"}}\t{{.Mounts}}';
  const lines = await docker(
    ...['ps', '--all', '--no-trunc', '--filter', 'label=pacer.task-id', '--format', format],
  );
  return lines.split('\n').flatMap((line) => {
    const [id = '', state = '', taskId = '', mounts = ''] = line.split('\t');
    return mounts.includes(`${cluster.dataDirectory}/`) ? [{ id, state, taskId }] : [];
  });
}

/** The container of one task; fails when there is not exactly one. */
export async function containerOf(cluster: Cluster, taskId: string): Promise<string> {
  const found = (await containersOf(cluster)).filter((one) => one.taskId === taskId);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`task ${taskId} has ${found.length} containers`);
  }
  return only.id;
}

/** One value of `docker inspect`, by a path such as `HostConfig.Memory`. */
export const inspect = (id: string, path: string): Promise<string> =>
  docker('inspect', '--format', `{{.${path}}}`, id);

/** Whether there is a registry to test with. Otherwise says so; in continuous integration it is a failure. */
export function hasRegistry(): boolean {
  if (existsSync(REGISTRY)) return true;
  if (process.env['CI'] === 'true') throw new Error(`CI=true needs ${REGISTRY}`);
  process.stderr.write(`skipped: no registry at ${REGISTRY} (Debian: docker-registry)\n`);
  return false;
}

/** A port of loopback nobody listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}

/** Whom a registry may ask for, with the password as `htpasswd -B` writes it. */
export const REGISTRY_ACCOUNT = {
  name: 'shop',
  password: 's3cret',
  hash: '$2y$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK',
};

export interface Registry {
  /** `127.0.0.1:45123`, the first part of the names of its images. */
  readonly name: string;
  /** Repositories it holds. */
  repositories(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** An empty registry of images on loopback, where the engine speaks plain HTTP; a private one wants the account. */
export async function startRegistry(
  options: { readonly isPrivate?: boolean } = {},
): Promise<Registry> {
  const directory = mkdtempSync(join(tmpdir(), 'pacer-registry-'));
  const name = `127.0.0.1:${await freePort()}`;
  const accounts = join(directory, 'accounts');
  const configuration = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: { addr: name },
    ...(options.isPrivate ? { auth: { htpasswd: { realm: 'test', path: accounts } } } : {}),
  };
  writeFileSync(accounts, `${REGISTRY_ACCOUNT.name}:${REGISTRY_ACCOUNT.hash}\n`);
  // YAML takes JSON.
  const file = join(directory, 'config.yml');
  writeFileSync(file, JSON.stringify(configuration));
  const registry = spawn(REGISTRY, ['serve', file], { stdio: 'ignore' });
  const hasEnded = (): boolean => registry.exitCode !== null || registry.signalCode !== null;
  const stop = async (): Promise<void> => {
    registry.kill('SIGKILL');
    await eventually('the registry has ended', async () => hasEnded());
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await eventually('the registry answers', async () => {
      if (hasEnded()) throw new Error(`the registry ended with ${registry.exitCode}`);
      return (await request(`http://${name}/v2/`)).status === (options.isPrivate ? 401 : 200);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const repositories = async (): Promise<readonly string[]> => {
    const { text } = await request(`http://${name}/v2/_catalog`);
    return (JSON.parse(text) as { readonly repositories: readonly string[] }).repositories;
  };
  return { name, repositories, stop };
}
