import {
  type AgentRecord,
  agentId,
  type FrameworkRecord,
  frameworkId,
  type Lease,
  type MasterRegistry,
  type RegistryChange,
  type RegistrySnapshot,
} from '#core';
import type { AgentRow, FrameworkRow } from './master.entities.js';
import { applyDecisions, readDecisions } from './master-decisions.js';
import type { Database } from './open-database.js';
import { type Sql, writeFenced } from './sql.js';

/** Completed frameworks and gone agents kept, newest first. The master itself forgets agents, by age too. */
const MAX_COMPLETED_FRAMEWORKS = 1_000;
const MAX_GONE_AGENTS = 102_400;

/** The master's registry in schema `master`. A commit is a handful of statements, however many changes it holds. */
export function createMasterRegistry(database: Database): MasterRegistry {
  return {
    async load(lease, newMasterId) {
      let snapshot: RegistrySnapshot | undefined;
      await writeFenced(database, lease, async (sql) => {
        await prune(sql);
        snapshot = await readSnapshot(sql, newMasterId);
      });
      if (snapshot === undefined) throw new Error('the registry was not read');
      return snapshot;
    },
    commit: (lease: Lease, changes) =>
      writeFenced(database, lease, (sql) => applyChanges(sql, changes)),
  };
}

async function readSnapshot(sql: Sql, newMasterId: string): Promise<RegistrySnapshot> {
  const id = await sql<{ readonly value: string }>(
    `INSERT INTO master.setting (name, value) VALUES ('master-id', $1)
     ON CONFLICT (name) DO UPDATE SET value = master.setting.value RETURNING value`,
    [newMasterId],
  );
  const agents = await sql<AgentRow>(
    'SELECT id, state, hostname, info, since_ms AS "sinceMs" FROM master.agent ORDER BY id',
  );
  const frameworks = await sql<FrameworkRow>(
    `SELECT id, state, info, failover_deadline_ms AS "failoverDeadlineMs", since_ms AS "sinceMs"
     FROM master.framework ORDER BY id`,
  );
  return {
    masterId: id.rows[0]?.value ?? newMasterId,
    agents: agents.rows.map(toAgentRecord),
    frameworks: frameworks.rows.map(toFrameworkRecord),
    ...(await readDecisions(sql)),
  };
}

async function applyChanges(sql: Sql, changes: readonly RegistryChange[]): Promise<void> {
  const agents = new Map<string, AgentRecord | undefined>();
  const frameworks = new Map<string, FrameworkRecord>();
  for (const change of changes) {
    if (change.kind === 'put-agent') agents.set(change.agent.id, change.agent);
    else if (change.kind === 'remove-agent') agents.set(change.id, undefined);
    else if (change.kind === 'put-framework') {
      frameworks.set(change.framework.id, change.framework);
    }
  }
  const removed = [...agents].filter(([, agent]) => agent === undefined).map(([id]) => id);
  if (removed.length > 0) {
    await sql('DELETE FROM master.agent WHERE id = ANY($1::text[])', [removed]);
  }
  await putAgents(
    sql,
    [...agents.values()].filter((agent) => agent !== undefined),
  );
  await putFrameworks(sql, [...frameworks.values()]);
  await applyDecisions(sql, changes);
}

async function putAgents(sql: Sql, agents: readonly AgentRecord[]): Promise<void> {
  if (agents.length === 0) return;
  await sql(
    `INSERT INTO master.agent (id, state, hostname, info, since_ms)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::json[], $5::bigint[])
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, hostname = excluded.hostname,
       info = excluded.info, since_ms = excluded.since_ms`,
    [
      agents.map(({ id }) => id),
      agents.map(({ state }) => state),
      agents.map(({ hostname }) => hostname),
      agents.map(({ info }) => JSON.stringify(info)),
      agents.map(({ sinceEpochMs }) => Math.round(sinceEpochMs)),
    ],
  );
}

async function putFrameworks(sql: Sql, frameworks: readonly FrameworkRecord[]): Promise<void> {
  if (frameworks.length === 0) return;
  await sql(
    `INSERT INTO master.framework (id, state, info, failover_deadline_ms, since_ms)
     SELECT * FROM unnest($1::text[], $2::text[], $3::json[], $4::bigint[], $5::bigint[])
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, info = excluded.info,
       failover_deadline_ms = excluded.failover_deadline_ms, since_ms = excluded.since_ms`,
    [
      frameworks.map(({ id }) => id),
      frameworks.map(({ state }) => state),
      frameworks.map(({ info }) => JSON.stringify(info)),
      frameworks.map(({ failoverDeadlineEpochMs: deadline }) =>
        deadline === undefined ? null : Math.round(deadline),
      ),
      frameworks.map(({ sinceEpochMs }) => Math.round(sinceEpochMs)),
    ],
  );
}

async function prune(sql: Sql): Promise<void> {
  await sql(
    `DELETE FROM master.framework WHERE id IN (
       SELECT id FROM master.framework WHERE state = 'completed'
       ORDER BY since_ms DESC OFFSET ${MAX_COMPLETED_FRAMEWORKS})`,
  );
  await sql(
    `DELETE FROM master.agent WHERE id IN (
       SELECT id FROM master.agent WHERE state = 'gone' ORDER BY since_ms DESC OFFSET ${MAX_GONE_AGENTS})`,
  );
}

const toAgentRecord = (row: AgentRow): AgentRecord => ({
  id: agentId(row.id),
  state: toState(row.state, ['admitted', 'unreachable', 'gone']),
  hostname: row.hostname,
  info: row.info,
  sinceEpochMs: row.sinceMs,
});

const toFrameworkRecord = (row: FrameworkRow): FrameworkRecord => ({
  id: frameworkId(row.id),
  info: row.info,
  state: toState(row.state, ['registered', 'completed']),
  ...(row.failoverDeadlineMs === null ? {} : { failoverDeadlineEpochMs: row.failoverDeadlineMs }),
  sinceEpochMs: row.sinceMs,
});

/** An unreadable row fails loudly. */
function toState<State extends string>(text: string, states: readonly State[]): State {
  const state = states.find((one) => one === text);
  if (state === undefined) throw new Error(`unknown state ${JSON.stringify(text)} in the registry`);
  return state;
}
