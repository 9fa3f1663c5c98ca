import type { App, Deployment, Group, Instance, InstanceId, TaskFailure } from '#core';
import { appendHistory } from './deployment-history.js';
import { appendEvents, type EventPartitions } from './event-log.js';
import type { FoldedChanges, RevisionChange } from './fold-changes.js';
import type { Sql } from './sql.js';

/** Any number but the lock of the migrations. */
const WRITE_LOCK = 7_221_530_885;

/**
 * Held to the end of the transaction, by one at a time. The server lets go of it only when it has stored or undone a
 * transaction, even if the client is long gone: who gets it knows that none is in doubt.
 */
export async function lockWrites(sql: Sql): Promise<void> {
  await sql(`SELECT pg_advisory_xact_lock(${WRITE_LOCK})`);
}

/**
 * Writes the changes of one transaction with a few multi-row statements. Repeating it changes nothing, so a commit whose
 * outcome is unknown may be sent again.
 */
export async function writeChanges(
  sql: Sql,
  changes: FoldedChanges,
  partitions: EventPartitions,
): Promise<void> {
  for (const revision of changes.revisions) await putRevision(sql, revision);
  await deleteInstances(sql, changes.deleteInstances);
  await putInstances(sql, changes.putInstances);
  await putDeployments(sql, changes.deployments);
  await appendHistory(sql, changes.history);
  await putFailures(sql, changes.failures);
  await writeFrameworkId(sql, changes.frameworkId);
  await appendEvents(sql, changes.events, partitions);
}

async function writeFrameworkId(sql: Sql, change: FoldedChanges['frameworkId']): Promise<void> {
  if (change?.kind === 'put-framework-id') {
    await putSetting(sql, 'framework-id', change.frameworkId);
  } else if (change?.kind === 'delete-framework-id') {
    await sql("DELETE FROM controller.setting WHERE name = 'framework-id'");
  }
}

export async function putSetting(
  sql: Sql,
  name: 'framework-id' | 'dropped-event-id',
  value: string,
): Promise<void> {
  await sql(
    `INSERT INTO controller.setting (name, value) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [name, value],
  );
}

async function putRevision(sql: Sql, change: RevisionChange): Promise<void> {
  const { revision, version } = change;
  await sql(
    `INSERT INTO controller.revision (revision, version) VALUES ($1, $2)
     ON CONFLICT (revision) DO UPDATE SET version = excluded.version`,
    [revision, version],
  );
  const endedApps = [...change.putApps.map(({ id }) => id), ...change.removeApps];
  await endRows(sql, 'controller.app', endedApps, revision);
  await putApps(sql, change.putApps, revision);
  const endedGroups = [...change.putGroups.map(({ id }) => id), ...change.removeGroups];
  await endRows(sql, 'controller.app_group', endedGroups, revision);
  await putGroups(sql, change.putGroups, revision);
}

async function endRows(
  sql: Sql,
  table: 'controller.app' | 'controller.app_group',
  ids: readonly string[],
  revision: number,
): Promise<void> {
  if (ids.length === 0) return;
  await sql(
    `UPDATE ${table} SET to_revision = $2
     WHERE id = ANY($1::text[]) AND to_revision IS NULL AND from_revision < $2`,
    [ids, revision],
  );
}

async function putApps(sql: Sql, apps: readonly App[], revision: number): Promise<void> {
  if (apps.length === 0) return;
  await sql(
    `INSERT INTO controller.app (id, from_revision, version, definition)
     SELECT id, $4::bigint, version, definition
     FROM unnest($1::text[], $2::text[], $3::json[]) AS new (id, version, definition)
     ON CONFLICT (id, from_revision) DO UPDATE
       SET version = excluded.version, definition = excluded.definition`,
    [
      apps.map(({ id }) => id),
      apps.map(({ version }) => version),
      apps.map((app) => JSON.stringify(app)),
      revision,
    ],
  );
}

async function putGroups(sql: Sql, groups: readonly Group[], revision: number): Promise<void> {
  if (groups.length === 0) return;
  await sql(
    `INSERT INTO controller.app_group (id, from_revision, definition)
     SELECT id, $3::bigint, definition
     FROM unnest($1::text[], $2::json[]) AS new (id, definition)
     ON CONFLICT (id, from_revision) DO UPDATE SET definition = excluded.definition`,
    [groups.map(({ id }) => id), groups.map((group) => JSON.stringify(group)), revision],
  );
}

async function deleteInstances(sql: Sql, ids: readonly InstanceId[]): Promise<void> {
  if (ids.length === 0) return;
  await sql('DELETE FROM controller.instance WHERE id = ANY($1::text[])', [ids]);
}

async function putInstances(sql: Sql, instances: readonly Instance[]): Promise<void> {
  if (instances.length === 0) return;
  await sql(
    `INSERT INTO controller.instance (id, app_id, body)
     SELECT * FROM unnest($1::text[], $2::text[], $3::json[])
     ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
    [
      instances.map(({ id }) => id),
      instances.map(({ appId }) => appId),
      instances.map((instance) => JSON.stringify(instance)),
    ],
  );
}

async function putDeployments(sql: Sql, deployments: readonly Deployment[]): Promise<void> {
  if (deployments.length === 0) return;
  await sql(
    `INSERT INTO controller.deployment (id, state, original_revision, target_revision, finished_at_ms, body)
     SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::json[])
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, finished_at_ms = excluded.finished_at_ms,
       original_revision = excluded.original_revision, target_revision = excluded.target_revision,
       body = excluded.body`,
    [
      deployments.map(({ id }) => id),
      deployments.map(({ state }) => state),
      deployments.map(({ originalRevision }) => originalRevision),
      deployments.map(({ targetRevision }) => targetRevision),
      deployments.map((one) => (one.state === 'Running' ? null : finishedAt(one))),
      deployments.map((deployment) => JSON.stringify(deployment)),
    ],
  );
}

async function putFailures(sql: Sql, failures: readonly TaskFailure[]): Promise<void> {
  if (failures.length === 0) return;
  await sql(
    `INSERT INTO controller.task_failure (app_id, body)
     SELECT * FROM unnest($1::text[], $2::json[])
     ON CONFLICT (app_id) DO UPDATE SET body = excluded.body`,
    [failures.map(({ appId }) => appId), failures.map((failure) => JSON.stringify(failure))],
  );
}

const finishedAt = (deployment: Deployment): number =>
  Math.round(deployment.finishedAtEpochMs ?? deployment.startedAtEpochMs);
