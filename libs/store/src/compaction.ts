import { dropOldEvents } from './event-log.js';
import type { Sql } from './sql.js';

/** Bounds of what is kept. */
export const MAX_APP_VERSIONS = 50;
export const MAX_FINISHED_DEPLOYMENTS = 1_000;
export const MAX_REVISIONS = 1_000;

/** Drops what is beyond the bounds; what running deployments come from stays. */
export async function compactController(sql: Sql): Promise<void> {
  await dropFinishedDeployments(sql);
  await dropRevisions(sql);
  await dropVersions(sql);
  await dropEvents(sql);
}

async function dropFinishedDeployments(sql: Sql): Promise<void> {
  await sql(
    `DELETE FROM controller.deployment WHERE id IN (
       SELECT id FROM controller.deployment WHERE state <> 'Running'
       ORDER BY finished_at_ms DESC, id DESC OFFSET ${MAX_FINISHED_DEPLOYMENTS})`,
  );
}

const NEEDED_REVISIONS = `
  SELECT original_revision FROM controller.deployment WHERE state = 'Running'
  UNION SELECT target_revision FROM controller.deployment WHERE state = 'Running'`;

async function dropRevisions(sql: Sql): Promise<void> {
  await sql(
    `DELETE FROM controller.revision WHERE revision IN (
       SELECT revision FROM controller.revision ORDER BY revision DESC OFFSET ${MAX_REVISIONS})
     AND revision NOT IN (${NEEDED_REVISIONS})`,
  );
}

/**
 * Ended rows go when no kept revision shows them and they are no version of an app that still exists, or when they are
 * beyond an app's versions; what an instance was launched from stays. A revision that loses a row goes too: a root is read whole or not at all.
 */
async function dropVersions(sql: Sql): Promise<void> {
  await sql(
    `WITH ranked AS (
       SELECT id, from_revision, to_revision,
         row_number() OVER (PARTITION BY id ORDER BY from_revision DESC) AS place,
         bool_or(to_revision IS NULL) OVER (PARTITION BY id) AS is_current
       FROM controller.app
     ), doomed AS (
       DELETE FROM controller.app a USING ranked r
       WHERE a.id = r.id AND a.from_revision = r.from_revision AND r.to_revision IS NOT NULL
         AND (r.place > ${MAX_APP_VERSIONS} OR (NOT r.is_current AND NOT EXISTS (
           SELECT 1 FROM controller.revision v
           WHERE v.revision >= r.from_revision AND v.revision < r.to_revision)))
         AND NOT EXISTS (SELECT 1 FROM (${NEEDED_REVISIONS}) AS needed (revision)
           WHERE needed.revision >= r.from_revision AND needed.revision < r.to_revision)
         AND NOT EXISTS (SELECT 1 FROM controller.instance i
           WHERE i.app_id = a.id AND i.body ->> 'appVersion' = a.version)
       RETURNING r.from_revision, r.to_revision
     )
     DELETE FROM controller.revision v USING doomed d
     WHERE v.revision >= d.from_revision AND v.revision < d.to_revision`,
  );
  await sql(
    `DELETE FROM controller.app_group g WHERE to_revision IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM controller.revision v
       WHERE v.revision >= g.from_revision AND v.revision < g.to_revision)`,
  );
  await sql(
    `DELETE FROM controller.task_failure f WHERE NOT EXISTS (
       SELECT 1 FROM controller.app a WHERE a.id = f.app_id AND a.to_revision IS NULL)`,
  );
}

async function dropEvents(sql: Sql): Promise<void> {
  const { rows } = await sql<{ readonly nowMs: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs"',
  );
  const dropped = await dropOldEvents(sql, rows[0]?.nowMs ?? 0);
  if (dropped === undefined) return;
  await sql(
    `INSERT INTO controller.setting (name, value) VALUES ('dropped-event-id', $1)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [String(dropped)],
  );
}
