import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedDatabase } from '#store';
import { Cluster, type ClusterOptions, childrenOf } from './cluster.js';

/** Where a cluster keeps its state: in a database of its own, or in one its owner runs and names by DATABASE_URL. */
export const DATABASES = ['embedded', 'external'] as const;

export interface ClusterOnDatabase {
  readonly cluster: Cluster;
  /** The pids of the database's server and of those who work for it, as they are now. */
  readonly databaseProcesses: () => readonly number[];
  readonly destroy: () => Promise<void>;
}

/** A cluster on either kind of database. An external one is a PostgreSQL server the cluster did not start. */
export async function createCluster(
  kind: (typeof DATABASES)[number],
  options: ClusterOptions = {},
): Promise<ClusterOnDatabase> {
  if (kind === 'embedded') {
    const cluster = new Cluster(options);
    return {
      cluster,
      databaseProcesses: () => serverProcesses(join(cluster.dataDirectory, 'postgres')),
      destroy: () => cluster.destroy(),
    };
  }
  const directory = mkdtempSync(join(tmpdir(), 'pacer-e2e-postgres-'));
  // The server runs as a user of its own.
  chmodSync(directory, 0o755);
  const server = await startEmbeddedDatabase({ dataDir: directory });
  const cluster = new Cluster({
    ...options,
    environment: { ...options.environment, DATABASE_URL: server.url },
  });
  const destroy = async (): Promise<void> => {
    await cluster.destroy();
    await server.stop();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  return { cluster, databaseProcesses: () => serverProcesses(directory), destroy };
}

function serverProcesses(directory: string): readonly number[] {
  const [line = ''] = readFileSync(join(directory, 'data/postmaster.pid'), 'utf8').split('\n');
  return [Number(line), ...childrenOf(Number(line))];
}
