import type { AppId, Deployment, Instance, InstanceId, JobProgress, TaskFailure } from '#core';
import { appendHistory } from './deployment-history.js';
import { appendEvents, type EventPartitions } from './event-log.js';
import type { FoldedChanges } from './fold-changes.js';
import { putRevisions } from './revision-writes.js';
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
  await putRevisions(sql, changes.revisions);
  await deleteInstances(sql, changes.deleteInstances);
  await putInstances(sql, changes.putInstances);
  await putDeployments(sql, changes.deployments);
  await appendHistory(sql, changes.history);
  await putFailures(sql, changes.failures);
  await deleteJobs(sql, changes.deleteJobs);
  await putJobs(sql, changes.jobs);
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

async function deleteJobs(sql: Sql, apps: readonly AppId[]): Promise<void> {
  if (apps.length === 0) return;
  await sql('DELETE FROM controller.job WHERE app_id = ANY($1::text[])', [apps]);
}

async function putJobs(sql: Sql, jobs: readonly JobProgress[]): Promise<void> {
  if (jobs.length === 0) return;
  await sql(
    `INSERT INTO controller.job (app_id, body)
     SELECT * FROM unnest($1::text[], $2::json[])
     ON CONFLICT (app_id) DO UPDATE SET body = excluded.body`,
    [jobs.map(({ appId }) => appId), jobs.map((progress) => JSON.stringify(progress))],
  );
}

const finishedAt = (deployment: Deployment): number =>
  Math.round(deployment.finishedAtEpochMs ?? deployment.startedAtEpochMs);
