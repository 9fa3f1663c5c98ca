import type { QueryRunner } from 'typeorm';
import { FencedError, type Lease, StoreUnavailableError } from '#core';
import { mapErrors, toStoreError, withoutValues } from './database-error.js';
import type { Database } from './open-database.js';

/** Runs one statement with query parameters. `rows` of a SELECT or RETURNING, `count` of rows changed. */
export type Sql = <Row>(
  text: string,
  values?: readonly unknown[],
) => Promise<{ readonly rows: readonly Row[]; readonly count: number }>;

/**
 * Runs `work` in a transaction that first reads its lease's row FOR KEY SHARE: while it runs no other epoch can begin.
 * Throws FencedError when the epoch no longer stands. Throws StoreUnavailableError when the connection is lost; if that
 * happens during COMMIT the outcome is unknown, so every write here may be repeated without harm.
 */
export const writeFenced = (
  database: Database,
  lease: Lease,
  work: (sql: Sql) => Promise<void>,
): Promise<void> =>
  inTransaction(database, 'READ COMMITTED', async (sql) => {
    await requireLease(sql, lease);
    await work(sql);
  });

/** Runs `work` on one consistent view of everything. */
export const readConsistently = <Result>(
  database: Database,
  work: (sql: Sql) => Promise<Result>,
): Promise<Result> => inTransaction(database, 'REPEATABLE READ', work);

/** One statement outside a transaction. */
export const runSql = <Row>(
  database: Database,
  text: string,
  values: readonly unknown[] = [],
): ReturnType<Sql> & Promise<{ readonly rows: readonly Row[]; readonly count: number }> =>
  withRunner(database, (runner) => toSql(runner)<Row>(text, values));

async function requireLease(sql: Sql, lease: Lease): Promise<void> {
  const { rows } = await sql(
    'SELECT 1 FROM pacer.lease WHERE scope = $1 AND epoch = $2 FOR KEY SHARE',
    [lease.scope, lease.epoch],
  );
  if (rows.length === 0) throw new FencedError(fencedMessage(lease));
}

export const fencedMessage = ({ scope, epoch }: Lease): string =>
  `epoch ${epoch} of the ${scope} lease no longer stands: another process leads`;

const inTransaction = <Result>(
  database: Database,
  isolation: 'READ COMMITTED' | 'REPEATABLE READ',
  work: (sql: Sql) => Promise<Result>,
): Promise<Result> =>
  withRunner(database, async (runner) => {
    await runner.startTransaction(isolation);
    try {
      const result = await work(toSql(runner));
      await runner.commitTransaction();
      return result;
    } catch (error) {
      // A connection that is given up takes its transaction with it.
      const isLost = toStoreError(error) instanceof StoreUnavailableError;
      if (runner.isTransactionActive && !isLost) await runner.rollbackTransaction();
      throw error;
    }
  });

const withRunner = <Result>(
  database: Database,
  work: (runner: QueryRunner) => Promise<Result>,
): Promise<Result> =>
  mapErrors(async () => {
    if (!database.dataSource.isInitialized) {
      throw new StoreUnavailableError('the database connection is closed');
    }
    const runner = database.dataSource.createQueryRunner();
    let connection: Connection | undefined;
    try {
      connection = (await runner.connect()) as Connection;
      return await work(runner);
    } catch (error) {
      if (toStoreError(error) instanceof StoreUnavailableError) giveUp(connection);
      throw error;
    } finally {
      await runner.release();
    }
  });

/** What TypeORM's runner connects with: a client of pg. */
interface Connection {
  end(): Promise<void>;
}

/**
 * A statement without an answer may still be carried out when the server comes round, and so leave a transaction open:
 * whoever got the connection next would write into it, and never commit. Ended, the pool throws it away.
 */
function giveUp(connection: Connection | undefined): void {
  connection?.end().catch(() => undefined);
}

const toSql =
  (runner: QueryRunner): Sql =>
  async (text, values = []) => {
    const result = await runner.query(text, [...values], true).catch((error: unknown) => {
      throw withoutValues(error);
    });
    return { rows: result.records ?? [], count: result.affected ?? 0 };
  };
