import type { App, Group } from '#core';
import type { RevisionChange } from './fold-changes.js';

/** One definition and for how long it counts. */
export interface DefinitionRow<Definition> {
  readonly id: string;
  readonly from: number;
  /** The revision that it is no longer part of. */
  to: number | null;
  readonly definition: Definition;
}

/** The rows that revisions of one transaction begin, and when those end that were there before. */
export function revisionRows(revisions: readonly RevisionChange[]): {
  readonly apps: Lifetimes<App>;
  readonly groups: Lifetimes<Group>;
} {
  const apps = new Lifetimes<App>();
  const groups = new Lifetimes<Group>();
  for (const { revision, putApps, removeApps, putGroups, removeGroups } of revisions) {
    for (const id of removeApps) apps.end(id, revision);
    for (const app of putApps) apps.begin(app.id, revision, app);
    for (const id of removeGroups) groups.end(id, revision);
    for (const group of putGroups) groups.begin(group.id, revision, group);
  }
  return { apps, groups };
}

/** Filled revision by revision, in order. */
export class Lifetimes<Definition> {
  readonly rows: DefinitionRow<Definition>[] = [];
  /** The first revision at which something was put or removed, by id. */
  readonly ended = new Map<string, number>();
  private readonly open = new Map<string, DefinitionRow<Definition>>();

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
