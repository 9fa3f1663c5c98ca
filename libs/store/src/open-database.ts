import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { StoreUnavailableError } from '#core';
import { toStoreError } from './database-error.js';
import type { DatabaseOptions } from './database-options.js';
import { migrate } from './migrate.js';

/** An open pool of connections to a migrated database. */
export interface Database {
  readonly dataSource: DataSource;
  close(): Promise<void>;
}

const RETRY_EVERY_MS = 100;
/** A server that hangs does not answer a farewell either. */
const CLOSE_LIMIT_MS = 2_000;

/**
 * Connects and brings the schema up to date; several processes may do so at once. Throws StoreUnavailableError when the
 * server cannot be reached within `waitMs`.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const giveUpAtMs = performance.now() + (options.waitMs ?? 0);
  for (;;) {
    try {
      return await open(url, options);
    } catch (thrown) {
      const error = toStoreError(thrown);
      const isWorthWaiting = error instanceof StoreUnavailableError;
      if (!isWorthWaiting || performance.now() >= giveUpAtMs) throw error;
      await sleep(RETRY_EVERY_MS);
    }
  }
}

async function open(url: string, options: DatabaseOptions): Promise<Database> {
  // TypeORM is loaded here and not before: the supervisor uses this library without it.
  const { createDataSource } = await import('./data-source.js');
  const dataSource = await createDataSource(url, options).initialize();
  try {
    await migrate(dataSource);
  } catch (error) {
    await dataSource.destroy().catch(() => undefined);
    throw error;
  }
  return {
    dataSource,
    close: async () => {
      if (!dataSource.isInitialized) return;
      await Promise.race([dataSource.destroy(), sleep(CLOSE_LIMIT_MS, undefined, { ref: false })]);
    },
  };
}
