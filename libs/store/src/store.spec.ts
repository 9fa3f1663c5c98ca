import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LeaseScope, StoreRefusedError, StoreUnavailableError } from '#core';
import { controllerStoreContract } from '../../../test/support/controller-store.contract.js';
import { leaseKeeperContract } from '../../../test/support/lease-keeper.contract.js';
import { masterRegistryContract } from '../../../test/support/master-registry.contract.js';
import { aGroup, anApp, anEvent, anInstance } from '../../../test/support/store-fixtures.js';
import { breakCommit } from './broken-commit.test-support.js';
import { createControllerStore } from './controller-store.js';
import {
  type EmbeddedDatabase,
  startEmbeddedDatabase,
} from './embedded/start-embedded-database.js';
import { PARTITION_EVENTS } from './event-log.js';
import { createLeaseKeeper } from './lease-keeper.js';
import { openLine } from './line.test-support.js';
import { createMasterRegistry } from './master-registry.js';
import { type Database, openDatabase } from './open-database.js';

const START_LIMIT_MS = 60_000;
const directory = mkdtempSync(join(tmpdir(), 'pacer-store-'));
const url = process.env['DATABASE_URL'];
let server: EmbeddedDatabase | undefined;
let database: Database;

beforeAll(async () => {
  // Readable by the unprivileged user PostgreSQL runs as.
  const { chmodSync } = await import('node:fs');
  chmodSync(directory, 0o755);
  server = url === undefined ? await startEmbeddedDatabase({ dataDir: directory }) : undefined;
  database = await openDatabase(url ?? server?.url ?? '', { waitMs: 5_000 });
}, START_LIMIT_MS);

afterAll(async () => {
  await database?.close();
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
}, START_LIMIT_MS);

const expire = async () => {
  await database.dataSource.query(
    "UPDATE pacer.lease SET expires_at = now() - interval '1 second'",
  );
};

async function empty(): Promise<void> {
  await database.dataSource.query(`
    TRUNCATE pacer.lease, controller.revision, controller.app, controller.app_group,
      controller.instance, controller.deployment, controller.deployment_event, controller.task_failure, controller.setting,
      controller.event, master.setting, master.agent, master.framework,
      master.agent_activation, master.role_weight, master.role_quota`);
}

async function prepareHeld(scope: LeaseScope) {
  await empty();
  const keeper = createLeaseKeeper(database);
  const held = await keeper.acquire({ scope, holder: 'one', url: '' });
  if (held.kind !== 'held') throw new Error('the lease of an empty database must be free');
  const depose = async () => {
    await expire();
    await keeper.acquire({ scope, holder: 'two', url: '' });
  };
  return { lease: held.lease, depose };
}

leaseKeeperContract('PostgreSQL', async () => {
  await empty();
  return { keeper: createLeaseKeeper(database), expire };
});

masterRegistryContract('PostgreSQL', async () => ({
  ...(await prepareHeld('master')),
  registry: createMasterRegistry(database),
}));

controllerStoreContract('PostgreSQL', async () => {
  const held = await prepareHeld('controller');
  return {
    ...held,
    store: createControllerStore(database),
    breakCommit: (changes) =>
      breakCommit(database, { url: url ?? server?.url ?? '', lease: held.lease, changes }),
  };
});

describe('PostgreSQL', () => {
  it('describes its tables as the migrations made them', async () => {
    const columns = await database.dataSource.query<{ place: string }[]>(
      `SELECT table_schema || '.' || table_name || '.' || column_name AS place
       FROM information_schema.columns WHERE table_schema IN ('pacer', 'controller', 'master')
         AND table_name <> 'migration' AND table_name NOT LIKE 'event_p%'`,
    );

    const described = database.dataSource.entityMetadatas.flatMap((entity) =>
      entity.columns.map((column) => `${entity.tablePath}.${column.databaseName}`),
    );

    expect(described.sort()).toEqual(columns.map(({ place }) => place).sort());
  });

  it('lets several processes migrate a fresh database at once', async () => {
    const name = `fresh_${process.pid}`;
    await database.dataSource.query(`CREATE DATABASE ${name}`);
    const fresh = new URL(url ?? server?.url ?? '');
    fresh.pathname = name;

    const opened = await Promise.all([1, 2, 3].map(() => openDatabase(fresh.href)));
    await Promise.all(opened.map((one) => one.close()));
    await database.dataSource.query(`DROP DATABASE ${name} WITH (FORCE)`);

    expect(opened).toHaveLength(3);
  });

  it('does not let an epoch begin while a write of the old one is under way', async () => {
    const { lease } = await prepareHeld('controller');
    const writer = database.dataSource.createQueryRunner();
    await writer.startTransaction();
    await writer.query('SELECT 1 FROM pacer.lease WHERE scope = $1 AND epoch = $2 FOR KEY SHARE', [
      'controller',
      lease.epoch,
    ]);
    const keeper = createLeaseKeeper(database);

    const renewed = await keeper.renew(lease);
    await expire();
    let isTaken = false;
    const taking = keeper
      .acquire({ scope: 'controller', holder: 'two', url: '' })
      .then((answer) => {
        isTaken = true;
        return answer;
      });
    await database.dataSource.query('SELECT pg_sleep(0.2)');
    const takenEarly = isTaken;
    await writer.commitTransaction();
    await writer.release();
    const taken = await taking;

    expect([renewed, takenEarly, taken.kind]).toEqual(['renewed', false, 'held']);
  });

  it('gives a connection up whose statement was not answered', async () => {
    const { lease } = await prepareHeld('controller');
    const line = await openLine(url ?? server?.url ?? '');
    const slow = await openDatabase(line.url, { statementTimeoutMs: 1_000, poolSize: 1 });

    line.hold();
    const hung = createControllerStore(slow).commit(lease, []);
    await expect(hung).rejects.toBeInstanceOf(StoreUnavailableError);
    line.resume();
    const renewed = await createLeaseKeeper(slow).renew({ ...lease, url: 'http://new' });
    const seen = await createLeaseKeeper(database).acquire({ ...lease, holder: 'two', url: '' });
    await slow.close();
    await line.cut();

    // On the old connection the renewal would be part of a transaction that nobody ends.
    expect([renewed, seen]).toMatchObject([
      'renewed',
      { kind: 'taken', by: { url: 'http://new' } },
    ]);
  }, 30_000);

  it('says why the database refused something, and nothing of what it was given', async () => {
    const { lease } = await prepareHeld('controller');
    await database.dataSource.query(
      "ALTER TABLE controller.certificate ADD CONSTRAINT no_secret CHECK (name <> 'secret')",
    );
    const certificate = {
      ...{ name: 'secret', hosts: [], issuer: '', notBeforeEpochMs: 1, notAfterEpochMs: 2 },
      ...{ fingerprint: 'AB', pem: '-----BEGIN PRIVATE KEY-----' },
    };

    const refused: unknown = await createControllerStore(database)
      .commit(lease, [{ kind: 'put-certificate', certificate }])
      .catch((error: unknown) => error);
    await database.dataSource.query('ALTER TABLE controller.certificate DROP CONSTRAINT no_secret');

    expect(refused).toBeInstanceOf(StoreRefusedError);
    expect(refused).toMatchObject({
      message: expect.stringContaining('violates check constraint "no_secret"'),
      cause: {
        code: '23514',
        about: { query: expect.stringContaining('INSERT INTO controller.certificate') },
      },
    });
    // All that a logger might print: causes, hidden fields, stacks.
    const all = inspect(refused, { depth: null, showHidden: true, maxStringLength: null });
    expect(all).not.toContain('PRIVATE KEY');
  });

  it('drops events by whole partitions and says that a replay is not complete', async () => {
    const { lease } = await prepareHeld('controller');
    const store = createControllerStore(database);
    const old = { timestampEpochMs: 1_000 };
    await store.commit(lease, [
      { kind: 'append-events', events: [anEvent(1, old), anEvent(PARTITION_EVENTS - 1, old)] },
      { kind: 'append-events', events: [anEvent(PARTITION_EVENTS + 5)] },
    ]);

    await store.compact(lease);
    const fromStart = await store.listEvents(0, 10);
    const fromLater = await store.listEvents(PARTITION_EVENTS, 10);

    expect(fromStart).toEqual({ events: [anEvent(PARTITION_EVENTS + 5)], complete: false });
    expect(fromLater.complete).toBe(true);
    expect((await store.load()).lastEventId).toBe(PARTITION_EVENTS + 5);
  });

  it('writes a thousand instances with one statement', async () => {
    const { lease } = await prepareHeld('controller');
    const store = createControllerStore(database);
    const instances = Array.from({ length: 1_000 }, (_, index) => anInstance(`i${index}`));

    await store.commit(lease, [{ kind: 'put-instances', instances }]);

    expect((await store.load()).instances).toHaveLength(1_000);
  });

  it('finds what a write changes by its key, also in a session that began while there was little', async () => {
    const { lease } = await prepareHeld('controller');
    const session = await openDatabase(url ?? server?.url ?? '', { poolSize: 1 });
    const store = createControllerStore(session);
    const rowsRead = async (): Promise<number> => {
      await session.dataSource.query('SELECT pg_stat_force_next_flush()');
      const [row] = await session.dataSource.query<{ rows: number }[]>(
        `SELECT sum(tables.seq_tup_read + coalesce(indexes.rows, 0))::int AS rows
         FROM pg_stat_user_tables AS tables LEFT JOIN (
           SELECT relid, sum(idx_tup_read) AS rows FROM pg_stat_user_indexes GROUP BY relid
         ) AS indexes USING (relid) WHERE tables.schemaname = 'controller'`,
      );
      return row?.rows ?? 0;
    };
    const [name, writes] = ['/app', 300];

    const before = await rowsRead();
    for (let number = 1; number <= writes; number += 1) {
      await store.commit(lease, [
        {
          ...{ kind: 'put-revision', revision: number, version: `v${number}` },
          ...{ putApps: [anApp(`${name}-${number}`), anApp(name)], removeApps: [] },
          ...{ putGroups: [aGroup(`/group-${number}`)], removeGroups: [] },
        },
        { kind: 'put-instances', instances: [anInstance(`i${number}`)] },
        { kind: 'delete-instances', ids: [anInstance(`i${number - 100}`).id] },
      ]);
      // The server does so by itself now and then.
      if (number === 2) await database.dataSource.query('ANALYZE');
    }
    const read = (await rowsRead()) - before;
    await session.close();

    expect(read / writes).toBeLessThan(10);
  });
});
