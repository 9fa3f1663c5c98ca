import type { StoredEvent } from '#core';
import type { Sql } from './sql.js';

/** Ids in one partition. Old events go away a partition at a time, which costs the same however full it is. */
export const PARTITION_EVENTS = 50_000;
/** Events kept at most, and for how long. */
export const MAX_EVENTS = 1_000_000;
export const MAX_EVENT_AGE_MS = 24 * 60 * 60 * 1000;

const partitionOf = (id: number): number => Math.floor(id / PARTITION_EVENTS);
const partitionName = (index: number): string => `event_p${index}`;

/** The partitions that these events belong to. */
export const partitionsOf = (events: readonly StoredEvent[]): readonly number[] => [
  ...new Set(events.map(({ id }) => partitionOf(id))),
];

export async function makePartition(sql: Sql, index: number): Promise<void> {
  await sql(
    `CREATE TABLE IF NOT EXISTS controller.${partitionName(index)} PARTITION OF controller.event
     FOR VALUES FROM (${index * PARTITION_EVENTS}) TO (${(index + 1) * PARTITION_EVENTS})`,
  );
}

/** The highest id ever given, also when its event was dropped; 0 before the first. */
export async function readLastEventId(sql: Sql): Promise<number> {
  const { rows } = await sql<{ readonly id: number }>(
    `SELECT greatest(
       coalesce((SELECT max(id) FROM controller.event), 0),
       coalesce((SELECT value::bigint FROM controller.setting WHERE name = 'dropped-event-id'), 0)
     ) AS id`,
  );
  return rows[0]?.id ?? 0;
}

/** Drops partitions that only hold events beyond the bounds. Returns the highest id dropped, or undefined. */
export async function dropOldEvents(sql: Sql, nowMs: number): Promise<number | undefined> {
  const newest = await readLastEventId(sql);
  const { rows } = await sql<{ readonly name: string }>(
    `SELECT child.relname AS name FROM pg_inherits
     JOIN pg_class child ON child.oid = inhrelid
     WHERE inhparent = 'controller.event'::regclass`,
  );
  let dropped: number | undefined;
  for (const index of rows.map(({ name }) => Number(name.slice(partitionName(0).length - 1)))) {
    const lastId = (index + 1) * PARTITION_EVENTS - 1;
    const isBeyondCount = lastId <= newest - MAX_EVENTS;
    const isFull = lastId < newest;
    if (!isBeyondCount && !(isFull && (await isOld(sql, index, nowMs)))) continue;
    await sql(`DROP TABLE controller.${partitionName(index)}`);
    dropped = Math.max(dropped ?? 0, lastId);
  }
  return dropped;
}

async function isOld(sql: Sql, index: number, nowMs: number): Promise<boolean> {
  const { rows } = await sql<{ readonly newest: number | null }>(
    `SELECT max(timestamp_ms) AS newest FROM controller.${partitionName(index)}`,
  );
  return (rows[0]?.newest ?? 0) < nowMs - MAX_EVENT_AGE_MS;
}
