import type { Lease, StoreChange } from '#core';
import { createControllerStore } from './controller-store.js';
import { openLine } from './line.test-support.js';
import { type Database, openDatabase } from './open-database.js';

/** Held by the test while the server is to stay in the middle of COMMIT. */
const GATE_LOCK = 4_711;

/**
 * Sends a commit through a connection that breaks while the server carries COMMIT out: a deferred trigger makes it wait
 * there. As with a slow disk, the server goes on although nobody waits for its answer; `finish` lets it.
 */
export async function breakCommit(
  database: Database,
  about: { readonly url: string; readonly lease: Lease; readonly changes: readonly StoreChange[] },
): Promise<{ readonly finish: () => Promise<void> }> {
  const gate = database.dataSource.createQueryRunner();
  await gate.query(`
    CREATE OR REPLACE FUNCTION controller.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_advisory_xact_lock(${GATE_LOCK}); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER gate AFTER INSERT OR UPDATE ON controller.setting
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION controller.wait_at_gate()`);
  await gate.query(`SELECT pg_advisory_lock(${GATE_LOCK})`);
  const line = await openLine(about.url);
  const broken = await openDatabase(line.url);
  const lost = createControllerStore(broken)
    .commit(about.lease, [...about.changes, { kind: 'put-framework-id', frameworkId: 'f' }])
    .catch(() => undefined);
  await whenSomebodyWaits(database);
  await line.cut();
  await lost;
  await broken.close().catch(() => undefined);
  return {
    finish: async () => {
      await gate.query(`SELECT pg_advisory_unlock(${GATE_LOCK})`);
      await gate.query('DROP TRIGGER gate ON controller.setting');
      await gate.release();
    },
  };
}

async function whenSomebodyWaits({ dataSource }: Database): Promise<void> {
  for (;;) {
    const waiting = await dataSource.query<unknown[]>(
      `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = ${GATE_LOCK} AND NOT granted`,
    );
    if (waiting.length > 0) return;
  }
}
