import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreUnavailableError } from '#core';
import { anEvent } from '../../../../test/support/store-fixtures.js';
import { createControllerStore } from '../controller-store.js';
import { createLeaseKeeper } from '../lease-keeper.js';
import { openDatabase } from '../open-database.js';
import {
  type EmbeddedDatabase,
  EmbeddedDatabaseError,
  startEmbeddedDatabase,
} from './start-embedded-database.js';

const LIMIT_MS = 60_000;

describe('the embedded database', () => {
  let dataDir: string;
  let server: EmbeddedDatabase | undefined;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'pacer-embedded-'));
    chmodSync(dataDir, 0o755);
  });
  afterEach(async () => {
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }, LIMIT_MS);

  it(
    'is adopted while it runs, and starts again on the same port when it does not',
    async () => {
      const first = await startEmbeddedDatabase({ dataDir });
      server = await startEmbeddedDatabase({ dataDir });
      await server.stop();
      const third = await startEmbeddedDatabase({ dataDir });

      expect([first.adopted, server.adopted, third.adopted]).toEqual([false, true, false]);
      expect(server.pid).toBe(first.pid);
      expect(third.url).toBe(first.url);
      expect(third.pid).not.toBe(first.pid);
    },
    LIMIT_MS,
  );

  it(
    'refuses data of another major version and says how to move',
    async () => {
      server = await startEmbeddedDatabase({ dataDir });
      await server.stop();
      writeFileSync(join(dataDir, 'data', 'PG_VERSION'), '15\n');

      const again = startEmbeddedDatabase({ dataDir });

      await expect(again).rejects.toThrow(EmbeddedDatabaseError);
      await expect(again).rejects.toThrow(/PostgreSQL 15.*pg_dump/);
    },
    LIMIT_MS,
  );

  it(
    'listens on loopback only and does not run as root',
    async () => {
      server = await startEmbeddedDatabase({ dataDir });
      const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');

      expect(new URL(server.url).hostname).toBe('127.0.0.1');
      expect(status).not.toMatch(/^Uid:\s+0\b/m);
    },
    LIMIT_MS,
  );

  it(
    'loses no acknowledged commit when it is killed in the middle of writing',
    async () => {
      server = await startEmbeddedDatabase({ dataDir });
      const database = await openDatabase(server.url);
      const store = createControllerStore(database);
      const held = await createLeaseKeeper(database).acquire({
        scope: 'controller',
        holder: 'writer',
        url: '',
      });
      if (held.kind !== 'held') throw new Error('the lease of an empty database must be free');
      let acknowledged = 0;
      const writing = (async () => {
        for (let id = 1; ; id += 1) {
          await store.commit(held.lease, [{ kind: 'append-events', events: [anEvent(id)] }]);
          acknowledged = id;
          if (id === 50) process.kill(server?.pid ?? 0, 'SIGKILL');
        }
      })();

      await expect(writing).rejects.toBeInstanceOf(StoreUnavailableError);
      await database.close();
      server = await startEmbeddedDatabase({ dataDir });
      const reopened = await openDatabase(server.url, { waitMs: 10_000 });
      const { events } = await createControllerStore(reopened).listEvents(0, 10_000);
      await reopened.close();

      expect(acknowledged).toBeGreaterThanOrEqual(50);
      expect(events.length).toBeGreaterThanOrEqual(acknowledged);
      expect(server.adopted).toBe(false);
    },
    LIMIT_MS,
  );
});
