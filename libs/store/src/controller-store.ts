import type { ControllerStore, Deployment } from '#core';
import {
  compactController,
  MAX_APP_VERSIONS,
  MAX_FINISHED_DEPLOYMENTS,
  MAX_REVISIONS,
} from './compaction.js';
import {
  readAppVersion,
  readEvents,
  readGroupVersion,
  readRevision,
  readSnapshot,
} from './controller-reads.js';
import { lockWrites, writeChanges } from './controller-writes.js';
import { readHistory } from './deployment-history.js';
import { readLastEventId } from './event-log.js';
import { foldChanges } from './fold-changes.js';
import type { Database } from './open-database.js';
import { readConsistently, runSql, writeFenced } from './sql.js';

/** The controller's truth in schema `controller`. */
export function createControllerStore(database: Database): ControllerStore {
  const knownPartitions = new Set<number>();
  return {
    load: () => readConsistently(database, readSnapshot),
    commit: (lease, changes) =>
      writeChanges(database, lease, foldChanges(changes), knownPartitions),
    async settle(lease) {
      let lastEventId = 0;
      // Each statement sees what was stored before it began, so the lock has to come before the question.
      await writeFenced(database, lease, async (sql) => {
        await lockWrites(sql);
        lastEventId = await readLastEventId(sql);
      });
      return { lastEventId };
    },
    loadRevision: (revision) => readConsistently(database, (sql) => readRevision(sql, revision)),
    async listAppVersions(id) {
      const { rows } = await runSql<{ readonly version: string }>(
        database,
        `SELECT version FROM controller.app WHERE id = $1
         ORDER BY from_revision DESC LIMIT ${MAX_APP_VERSIONS}`,
        [id],
      );
      return rows.map(({ version }) => version);
    },
    loadAppVersion: (id, version) =>
      readConsistently(database, (sql) => readAppVersion(sql, id, version)),
    async listGroupVersions(id) {
      // The root is there in every revision, with a row of its own or without.
      const { rows } = await runSql<{ readonly version: string }>(
        database,
        `SELECT version FROM controller.revision WHERE $1 = '/' OR EXISTS (
           SELECT 1 FROM controller.app_group g WHERE g.id = $1 AND g.from_revision <= revision
           AND (g.to_revision IS NULL OR g.to_revision > revision)
         ) ORDER BY revision DESC LIMIT ${MAX_REVISIONS}`,
        [id],
      );
      return rows.map(({ version }) => version);
    },
    loadGroupVersion: (version) =>
      readConsistently(database, (sql) => readGroupVersion(sql, version)),
    async listFinishedDeployments(limit) {
      const { rows } = await runSql<{ readonly body: Deployment }>(
        database,
        `SELECT body FROM controller.deployment WHERE state <> 'Running'
         ORDER BY finished_at_ms DESC, id DESC LIMIT $1`,
        [Math.min(limit, MAX_FINISHED_DEPLOYMENTS)],
      );
      return rows.map(({ body }) => body);
    },
    async loadDeployment(id) {
      const { rows } = await runSql<{ readonly body: Deployment }>(
        database,
        'SELECT body FROM controller.deployment WHERE id = $1',
        [id],
      );
      return rows[0]?.body;
    },
    loadHistory: (id) => readConsistently(database, (sql) => readHistory(sql, id)),
    listEvents: (afterId, limit) =>
      readConsistently(database, (sql) => readEvents(sql, afterId, limit)),
    compact: (lease) => writeFenced(database, lease, compactController),
  };
}
