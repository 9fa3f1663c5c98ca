import {
  type App,
  type AppId,
  type ControllerSnapshot,
  createRoot,
  type Deployment,
  type Group,
  groupId,
  type Instance,
  type JobProgress,
  type RootGroup,
  type StoredEvent,
  type TaskFailure,
} from '#core';
import { readCertificates } from './certificates.js';
import { readHistoryLengths } from './deployment-history.js';
import { readLastEventId } from './event-log.js';
import type { Sql } from './sql.js';

/** The version of a controller nobody has given anything yet. */
const FIRST_VERSION = '1970-01-01T00:00:00.000Z';

/** Everything the controller needs to go on. O(apps + instances). */
export async function readSnapshot(sql: Sql): Promise<ControllerSnapshot> {
  const latest = await sql<RevisionColumns>(
    'SELECT revision, version FROM controller.revision ORDER BY revision DESC LIMIT 1',
  );
  const revision = latest.rows[0] ?? { revision: 0, version: FIRST_VERSION };
  const apps = await sql<Definition<App>>(
    'SELECT definition FROM controller.app WHERE to_revision IS NULL ORDER BY id',
  );
  const groups = await sql<Definition<Group>>(
    'SELECT definition FROM controller.app_group WHERE to_revision IS NULL ORDER BY id',
  );
  const instances = await sql<Body<Instance>>('SELECT body FROM controller.instance ORDER BY id');
  const deployments = await sql<Body<Deployment>>(
    "SELECT body FROM controller.deployment WHERE state = 'Running' ORDER BY id",
  );
  const failures = await sql<Body<TaskFailure>>(
    'SELECT body FROM controller.task_failure ORDER BY app_id',
  );
  const jobs = await sql<Body<JobProgress>>('SELECT body FROM controller.job ORDER BY app_id');
  const certificates = await readCertificates(sql);
  const frameworkId = await sql<{ readonly value: string }>(
    "SELECT value FROM controller.setting WHERE name = 'framework-id'",
  );
  const [stored] = frameworkId.rows;
  return {
    root: toRoot(revision, apps.rows, groups.rows),
    instances: instances.rows.map(({ body }) => body),
    deployments: deployments.rows.map(({ body }) => body),
    historyLengths: await readHistoryLengths(sql),
    failures: failures.rows.map(({ body }) => body),
    jobs: jobs.rows.map(({ body }) => body),
    certificates,
    ...(stored === undefined ? {} : { frameworkId: stored.value }),
    lastEventId: await readLastEventId(sql),
  };
}

/** The root at a revision that is still kept. */
export async function readRevision(sql: Sql, revision: number): Promise<RootGroup | undefined> {
  const found = await sql<RevisionColumns>(
    'SELECT revision, version FROM controller.revision WHERE revision = $1',
    [revision],
  );
  const [row] = found.rows;
  if (row === undefined) return undefined;
  const validAt = 'from_revision <= $1 AND (to_revision IS NULL OR to_revision > $1) ORDER BY id';
  const apps = await sql<Definition<App>>(
    `SELECT definition FROM controller.app WHERE ${validAt}`,
    [revision],
  );
  const groups = await sql<Definition<Group>>(
    `SELECT definition FROM controller.app_group WHERE ${validAt}`,
    [revision],
  );
  return toRoot(row, apps.rows, groups.rows);
}

/** The root as it was when it got `version`. */
export async function readGroupVersion(sql: Sql, version: string): Promise<RootGroup | undefined> {
  const { rows } = await sql<RevisionColumns>(
    'SELECT revision, version FROM controller.revision WHERE version = $1 ORDER BY revision DESC LIMIT 1',
    [version],
  );
  const [row] = rows;
  return row === undefined ? undefined : readRevision(sql, row.revision);
}

export async function readAppVersion(
  sql: Sql,
  id: AppId,
  version: string,
): Promise<App | undefined> {
  const { rows } = await sql<Definition<App>>(
    `SELECT definition FROM controller.app WHERE id = $1 AND version = $2
     ORDER BY from_revision DESC LIMIT 1`,
    [id, version],
  );
  return rows[0]?.definition;
}

/** Events after an id, oldest first, and whether none between were dropped. */
export async function readEvents(
  sql: Sql,
  afterId: number,
  limit: number,
): Promise<{ readonly events: readonly StoredEvent[]; readonly complete: boolean }> {
  const { rows } = await sql<{
    readonly id: number;
    readonly type: string;
    readonly timestampEpochMs: number;
    readonly payload: string;
  }>(
    `SELECT id, type, timestamp_ms AS "timestampEpochMs", payload FROM controller.event
     WHERE id > $1 ORDER BY id LIMIT $2`,
    [afterId, limit],
  );
  const dropped = await sql<{ readonly id: number }>(
    "SELECT value::bigint AS id FROM controller.setting WHERE name = 'dropped-event-id'",
  );
  return { events: rows, complete: afterId >= (dropped.rows[0]?.id ?? 0) };
}

interface RevisionColumns {
  readonly revision: number;
  readonly version: string;
}
interface Definition<Value> {
  readonly definition: Value;
}
interface Body<Value> {
  readonly body: Value;
}

/** The root group itself exists even before anything was stored. */
function toRoot(
  { revision, version }: RevisionColumns,
  apps: readonly Definition<App>[],
  groups: readonly Definition<Group>[],
): RootGroup {
  const root: Group = { id: groupId('/'), dependencies: [], enforceRole: false, version };
  return createRoot({
    revision,
    version,
    apps: apps.map(({ definition }) => definition),
    groups: [root, ...groups.map(({ definition }) => definition)],
  });
}
