import type { Lease, LeaseKeeper, LeaseScope } from '#core';
import type { Database } from './open-database.js';
import { runSql } from './sql.js';

/** How long a lease stands without being renewed, on the database's clock. */
export const LEASE_TTL_MS = 3_000;

const EXPIRY = `clock_timestamp() + interval '${LEASE_TTL_MS} milliseconds'`;

interface StandingLease {
  readonly epoch: number;
  readonly holder: string;
  readonly url: string;
  readonly expiresInMs: number;
}

/**
 * Leadership by compare-and-set on one row per scope. A holder must be unique to one process: the same holder renews
 * its epoch, any other raises it. No session locks, as a frozen process would keep its session.
 */
export function createLeaseKeeper(database: Database): LeaseKeeper {
  return {
    async acquire(wanted) {
      await insertIfMissing(database, wanted.scope);
      const standing = await readLease(database, wanted.scope);
      const lease = { ...wanted, epoch: standing.epoch };
      if (standing.holder === wanted.holder && (await renew(database, lease)) === 'renewed') {
        return { kind: 'held', lease };
      }
      if (standing.expiresInMs <= 0) {
        const epoch = await take(database, wanted, standing.epoch);
        if (epoch !== undefined) return { kind: 'held', lease: { ...wanted, epoch } };
      }
      const by = await readLease(database, wanted.scope);
      return {
        kind: 'taken',
        by: { scope: wanted.scope, epoch: by.epoch, holder: by.holder, url: by.url },
        expiresInMs: Math.max(0, by.expiresInMs),
      };
    },
    renew: (lease) => renew(database, lease),
    async release(lease) {
      await runSql(
        database,
        'UPDATE pacer.lease SET expires_at = clock_timestamp() WHERE scope = $1 AND epoch = $2 AND holder = $3',
        [lease.scope, lease.epoch, lease.holder],
      );
    },
  };
}

/** Epoch 0 is nobody's and has expired. */
async function insertIfMissing(database: Database, scope: LeaseScope): Promise<void> {
  await runSql(
    database,
    `INSERT INTO pacer.lease (scope, epoch, holder, url, expires_at)
     VALUES ($1, 0, '', '', '-infinity') ON CONFLICT (scope) DO NOTHING`,
    [scope],
  );
}

async function readLease(database: Database, scope: LeaseScope): Promise<StandingLease> {
  const { rows } = await runSql<StandingLease>(
    database,
    `SELECT epoch, holder, url,
       CASE WHEN expires_at = '-infinity' THEN 0
         ELSE (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 END AS "expiresInMs"
     FROM pacer.lease WHERE scope = $1`,
    [scope],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`the ${scope} lease row is missing`);
  return row;
}

/** Touches no key column, so it never waits for writers. */
async function renew(database: Database, lease: Lease): Promise<'renewed' | 'lost'> {
  const { count } = await runSql(
    database,
    `UPDATE pacer.lease SET expires_at = ${EXPIRY}, url = $4
     WHERE scope = $1 AND epoch = $2 AND holder = $3`,
    [lease.scope, lease.epoch, lease.holder, lease.url],
  );
  return count === 1 ? 'renewed' : 'lost';
}

/** Waits for transactions that hold the old epoch, so none of them commits after this. */
async function take(
  database: Database,
  wanted: { readonly scope: LeaseScope; readonly holder: string; readonly url: string },
  seenEpoch: number,
): Promise<number | undefined> {
  const { rows } = await runSql<{ readonly epoch: number }>(
    database,
    `UPDATE pacer.lease SET epoch = epoch + 1, holder = $3, url = $4, expires_at = ${EXPIRY}
     WHERE scope = $1 AND epoch = $2 AND expires_at <= clock_timestamp() RETURNING epoch`,
    [wanted.scope, seenEpoch, wanted.holder, wanted.url],
  );
  return rows[0]?.epoch;
}
