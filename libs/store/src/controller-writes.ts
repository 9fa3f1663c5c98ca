import { type Deployment, FencedError, type Lease } from '#core';
import { writeCertificates } from './certificates.js';
import { historyRows } from './deployment-history.js';
import { makePartition, partitionsOf } from './event-log.js';
import type { FoldedChanges } from './fold-changes.js';
import type { Database } from './open-database.js';
import { revisionRows } from './revision-rows.js';
import { fencedMessage, runSql, type Sql, writeFenced } from './sql.js';

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
 * Writes the changes of one transaction with one call of `controller.store_changes`: that is a transaction of its own,
 * fenced and under the write lock. Repeating it changes nothing, so a commit whose outcome is unknown may be sent again.
 */
export async function writeChanges(
  database: Database,
  lease: Lease,
  changes: FoldedChanges,
  knownPartitions: Set<number>,
): Promise<void> {
  for (const index of partitionsOf(changes.events)) {
    if (knownPartitions.has(index)) continue;
    await writeFenced(database, lease, async (sql) => {
      await lockWrites(sql);
      await makePartition(sql, index);
    });
    knownPartitions.add(index);
  }
  const parameters: readonly Parameter[] = [
    ['lease_scope', 'text', lease.scope],
    ['lease_epoch', 'bigint', lease.epoch],
    ['write_lock', 'bigint', WRITE_LOCK],
    ...columnsOf(changes)
      .filter(([, , values]) => values.length > 0)
      .map(toParameter),
  ];
  const list = parameters.map(([name, type], index) => `${name} => $${index + 1}::${type}`);
  const text = `SELECT controller.store_changes(${list.join(', ')}) AS "isWritten"`;
  const write = async (sql: Sql): Promise<void> => {
    const { rows } = await sql<{ readonly isWritten: boolean }>(
      text,
      parameters.map(([, , value]) => value),
    );
    if (rows[0]?.isWritten !== true) throw new FencedError(fencedMessage(lease));
  };
  if (changes.certificates.length + changes.deleteCertificates.length === 0) {
    await write((statement, values) => runSql(database, statement, values));
    return;
  }
  await writeFenced(database, lease, async (sql) => {
    await write(sql);
    await writeCertificates(sql, changes);
  });
}

/** Name, type and value of what `store_changes` is given. */
type Parameter = readonly [name: string, type: string, value: unknown];
/** A column of rows to write; of one of type `json` the values are JSON texts. */
type Column = readonly [name: string, type: `${string}[]` | 'json', values: readonly unknown[]];

const toParameter = ([name, type, values]: Column): Parameter =>
  type === 'json' ? [name, type, `[${values.join(',')}]`] : [name, type, values];

const columnsOf = (changes: FoldedChanges): readonly Column[] => [
  ...revisionColumns(changes),
  ...instanceColumns(changes),
  ...deploymentColumns(changes),
  ...settingColumns(changes),
  ['failure_apps', 'text[]', changes.failures.map(({ appId }) => appId)],
  ['failure_bodies', 'json', changes.failures.map(toJson)],
  ['deleted_jobs', 'text[]', changes.deleteJobs],
  ['job_apps', 'text[]', changes.jobs.map(({ appId }) => appId)],
  ['job_bodies', 'json', changes.jobs.map(toJson)],
  ['event_ids', 'bigint[]', changes.events.map(({ id }) => id)],
  ['event_types', 'text[]', changes.events.map(({ type }) => type)],
  [
    'event_times',
    'bigint[]',
    changes.events.map(({ timestampEpochMs }) => Math.round(timestampEpochMs)),
  ],
  ['event_payloads', 'json', changes.events.map(({ payload }) => payload)],
];

function revisionColumns({ revisions }: FoldedChanges): readonly Column[] {
  const { apps, groups } = revisionRows(revisions);
  return [
    ['revisions', 'bigint[]', revisions.map(({ revision }) => revision)],
    ['revision_versions', 'text[]', revisions.map(({ version }) => version)],
    ['ended_apps', 'text[]', [...apps.ended.keys()]],
    ['ended_app_revisions', 'bigint[]', [...apps.ended.values()]],
    ['app_ids', 'text[]', apps.rows.map(({ id }) => id)],
    ['app_froms', 'bigint[]', apps.rows.map(({ from }) => from)],
    ['app_tos', 'bigint[]', apps.rows.map(({ to }) => to)],
    ['app_versions', 'text[]', apps.rows.map(({ definition }) => definition.version)],
    ['app_definitions', 'json', apps.rows.map(({ definition }) => toJson(definition))],
    ['ended_groups', 'text[]', [...groups.ended.keys()]],
    ['ended_group_revisions', 'bigint[]', [...groups.ended.values()]],
    ['group_ids', 'text[]', groups.rows.map(({ id }) => id)],
    ['group_froms', 'bigint[]', groups.rows.map(({ from }) => from)],
    ['group_tos', 'bigint[]', groups.rows.map(({ to }) => to)],
    ['group_definitions', 'json', groups.rows.map(({ definition }) => toJson(definition))],
  ];
}

const instanceColumns = ({ deleteInstances, putInstances }: FoldedChanges): readonly Column[] => [
  ['deleted_instances', 'text[]', deleteInstances],
  ['instance_ids', 'text[]', putInstances.map(({ id }) => id)],
  ['instance_apps', 'text[]', putInstances.map(({ appId }) => appId)],
  ['instance_bodies', 'json', putInstances.map(toJson)],
];

function deploymentColumns({ deployments, history }: FoldedChanges): readonly Column[] {
  const story = historyRows(history);
  return [
    ['deployment_ids', 'text[]', deployments.map(({ id }) => id)],
    ['deployment_states', 'text[]', deployments.map(({ state }) => state)],
    [
      'deployment_originals',
      'bigint[]',
      deployments.map(({ originalRevision }) => originalRevision),
    ],
    ['deployment_targets', 'bigint[]', deployments.map(({ targetRevision }) => targetRevision)],
    [
      'deployment_ends',
      'bigint[]',
      deployments.map((one) => (one.state === 'Running' ? null : finishedAt(one))),
    ],
    ['deployment_bodies', 'json', deployments.map(toJson)],
    ['story_deployments', 'text[]', story.map(({ deployment }) => deployment)],
    ['story_positions', 'integer[]', story.map(({ position }) => position)],
    ['story_bodies', 'json', story.map(({ body }) => toJson(body))],
  ];
}

function settingColumns({ frameworkId: change }: FoldedChanges): readonly Column[] {
  if (change === undefined) return [];
  if (change.kind === 'delete-framework-id') {
    return [['deleted_settings', 'text[]', ['framework-id']]];
  }
  return [
    ['setting_names', 'text[]', ['framework-id']],
    ['setting_values', 'text[]', [change.frameworkId]],
  ];
}

const toJson = (value: object): string => JSON.stringify(value);

const finishedAt = (deployment: Deployment): number =>
  Math.round(deployment.finishedAtEpochMs ?? deployment.startedAtEpochMs);
