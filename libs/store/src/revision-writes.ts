import type { App, Group } from '#core';
import type { RevisionChange } from './fold-changes.js';
import type { Sql } from './sql.js';

/** Writes the revisions of one transaction, in order, with the same few statements however many there are. */
export async function putRevisions(sql: Sql, revisions: readonly RevisionChange[]): Promise<void> {
  if (revisions.length === 0) return;
  await sql(
    `INSERT INTO controller.revision (revision, version)
     SELECT * FROM unnest($1::bigint[], $2::text[])
     ON CONFLICT (revision) DO UPDATE SET version = excluded.version`,
    [revisions.map(({ revision }) => revision), revisions.map(({ version }) => version)],
  );
  const apps = new Lifetimes<App>();
  const groups = new Lifetimes<Group>();
  for (const { revision, putApps, removeApps, putGroups, removeGroups } of revisions) {
    for (const id of removeApps) apps.end(id, revision);
    for (const app of putApps) apps.begin(app.id, revision, app);
    for (const id of removeGroups) groups.end(id, revision);
    for (const group of putGroups) groups.begin(group.id, revision, group);
  }
  await endRows(sql, 'controller.app', apps.ended);
  await putApps(sql, apps.rows);
  await endRows(sql, 'controller.app_group', groups.ended);
  await putGroups(sql, groups.rows);
}

interface Row<Definition> {
  readonly id: string;
  readonly from: number;
  /** The revision that it is no longer part of. */
  to: number | null;
  readonly definition: Definition;
}

/** From when to when definitions count, of those that begin here, and when what there was before ends. */
class Lifetimes<Definition> {
  readonly rows: Row<Definition>[] = [];
  /** The first revision at which something was put or removed, by id. */
  readonly ended = new Map<string, number>();
  private readonly open = new Map<string, Row<Definition>>();

  end(id: string, revision: number): void {
    if (!this.ended.has(id)) this.ended.set(id, revision);
    const row = this.open.get(id);
    if (row !== undefined) row.to = revision;
    this.open.delete(id);
  }

  begin(id: string, revision: number, definition: Definition): void {
    this.end(id, revision);
    const row = { id, from: revision, to: null, definition };
    this.rows.push(row);
    this.open.set(id, row);
  }
}

async function endRows(
  sql: Sql,
  table: 'controller.app' | 'controller.app_group',
  ended: ReadonlyMap<string, number>,
): Promise<void> {
  if (ended.size === 0) return;
  await sql(
    `UPDATE ${table} AS old SET to_revision = ended.revision
     FROM unnest($1::text[], $2::bigint[]) AS ended (id, revision)
     WHERE old.id = ended.id AND old.to_revision IS NULL AND old.from_revision < ended.revision`,
    [[...ended.keys()], [...ended.values()]],
  );
}

async function putApps(sql: Sql, rows: readonly Row<App>[]): Promise<void> {
  if (rows.length === 0) return;
  await sql(
    `INSERT INTO controller.app (id, from_revision, to_revision, version, definition)
     SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::json[])
     ON CONFLICT (id, from_revision) DO UPDATE
       SET version = excluded.version, definition = excluded.definition`,
    [
      rows.map(({ id }) => id),
      rows.map(({ from }) => from),
      rows.map(({ to }) => to),
      rows.map(({ definition }) => definition.version),
      rows.map(({ definition }) => JSON.stringify(definition)),
    ],
  );
}

async function putGroups(sql: Sql, rows: readonly Row<Group>[]): Promise<void> {
  if (rows.length === 0) return;
  await sql(
    `INSERT INTO controller.app_group (id, from_revision, to_revision, definition)
     SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::json[])
     ON CONFLICT (id, from_revision) DO UPDATE SET definition = excluded.definition`,
    [
      rows.map(({ id }) => id),
      rows.map(({ from }) => from),
      rows.map(({ to }) => to),
      rows.map(({ definition }) => JSON.stringify(definition)),
    ],
  );
}
