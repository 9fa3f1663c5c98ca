import type { DataSource } from 'typeorm';

/** Any number; all processes that migrate must use the same one. */
const MIGRATION_LOCK = 7_221_530_884;

/**
 * Runs the migrations that are missing, in one transaction. An advisory lock lets several daemons start at once: one
 * migrates, the others wait and then find nothing to do.
 */
export async function migrate(dataSource: DataSource): Promise<void> {
  if ((await countApplied(dataSource)) === dataSource.migrations.length) return;
  const runner = dataSource.createQueryRunner();
  await runner.connect();
  try {
    await runner.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
    const applied = await countApplied(dataSource);
    if (applied > dataSource.migrations.length) {
      throw new Error(
        `the database has ${applied} migrations, this version of Pacer knows ${dataSource.migrations.length}: use the version that made them, or a newer one`,
      );
    }
    await runner.query('CREATE SCHEMA IF NOT EXISTS pacer');
    await dataSource.runMigrations({ transaction: 'all' });
    await runner.query(`SELECT pg_advisory_unlock(${MIGRATION_LOCK})`);
  } finally {
    await runner.release();
  }
}

async function countApplied(dataSource: DataSource): Promise<number> {
  const [found] = await dataSource.query<{ name: string | null }[]>(
    "SELECT to_regclass('pacer.migration')::text AS name",
  );
  if (found?.name == null) return 0;
  const [row] = await dataSource.query<{ count: number }[]>(
    'SELECT count(*)::int AS count FROM pacer.migration',
  );
  return row?.count ?? 0;
}
