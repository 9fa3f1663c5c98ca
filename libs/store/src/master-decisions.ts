import {
  type AgentActivation,
  type AgentDrain,
  type AgentId,
  agentId,
  type MaintenanceRecord,
  NO_MAINTENANCE,
  type QuotaRecord,
  type RegistryChange,
  type RegistrySnapshot,
  type RoleName,
  roleName,
} from '#core';
import type { AgentActivationRow, QuotaRow, WeightRow } from './master.entities.js';
import type { Sql } from './sql.js';

/** What operators decided, as the master's registry keeps it: activations, weights, quota, the maintenance schedule. */

export async function readDecisions(
  sql: Sql,
): Promise<Pick<RegistrySnapshot, 'activations' | 'weights' | 'quotas' | 'maintenance'>> {
  const activations = await sql<AgentActivationRow>(
    'SELECT id, is_deactivated AS "isDeactivated", drain FROM master.agent_activation ORDER BY id',
  );
  const weights = await sql<WeightRow>('SELECT role, weight FROM master.role_weight ORDER BY role');
  const quotas = await sql<QuotaRow>(
    'SELECT role, guarantees, limits FROM master.role_quota ORDER BY role',
  );
  const maintenance = await sql<{ readonly value: string }>(
    `SELECT value FROM master.setting WHERE name = 'maintenance'`,
  );
  const [stored] = maintenance.rows;
  return {
    activations: new Map(activations.rows.map((row) => [agentId(row.id), toActivation(row)])),
    weights: new Map(weights.rows.map(({ role, weight }) => [roleName(role), weight])),
    quotas: quotas.rows.map((row) => ({ ...row, role: roleName(row.role) })),
    maintenance:
      stored === undefined ? NO_MAINTENANCE : (JSON.parse(stored.value) as MaintenanceRecord),
  };
}

/** The last word on each; one statement for each kind of change. Changes of other kinds are not looked at. */
export async function applyDecisions(sql: Sql, changes: readonly RegistryChange[]): Promise<void> {
  const activations = new Map<AgentId, AgentActivation | undefined>();
  const weights = new Map<RoleName, number | undefined>();
  const quotas = new Map<RoleName, QuotaRecord | undefined>();
  let maintenance: MaintenanceRecord | undefined;
  for (const change of changes) {
    switch (change.kind) {
      case 'put-activation':
        activations.set(change.id, change.activation);
        break;
      case 'remove-agent':
        activations.set(change.id, undefined);
        break;
      case 'put-weight':
        weights.set(change.role, change.weight);
        break;
      case 'put-quota':
        quotas.set(change.quota.role, change.quota);
        break;
      case 'remove-quota':
        quotas.set(change.role, undefined);
        break;
      case 'put-maintenance':
        maintenance = change.maintenance;
        break;
      case 'put-agent':
      case 'put-framework':
        break;
      default:
        change satisfies never;
    }
  }
  await putActivations(sql, activations);
  await putWeights(sql, weights);
  await putQuotas(sql, quotas);
  if (maintenance !== undefined) await putMaintenance(sql, maintenance);
}

async function putActivations(
  sql: Sql,
  activations: ReadonlyMap<AgentId, AgentActivation | undefined>,
): Promise<void> {
  await removeAbsent(sql, { table: 'agent_activation', key: 'id', entries: activations });
  const rows = present(activations);
  if (rows.length === 0) return;
  await sql(
    `INSERT INTO master.agent_activation (id, is_deactivated, drain)
     SELECT * FROM unnest($1::text[], $2::boolean[], $3::json[])
     ON CONFLICT (id) DO UPDATE SET is_deactivated = excluded.is_deactivated, drain = excluded.drain`,
    [
      rows.map(([id]) => id),
      rows.map(([, { isDeactivated }]) => isDeactivated),
      rows.map(([, { drain }]) => (drain === undefined ? null : JSON.stringify(drain))),
    ],
  );
}

async function putWeights(
  sql: Sql,
  weights: ReadonlyMap<RoleName, number | undefined>,
): Promise<void> {
  await removeAbsent(sql, { table: 'role_weight', key: 'role', entries: weights });
  const rows = present(weights);
  if (rows.length === 0) return;
  await sql(
    `INSERT INTO master.role_weight (role, weight)
     SELECT * FROM unnest($1::text[], $2::double precision[])
     ON CONFLICT (role) DO UPDATE SET weight = excluded.weight`,
    [rows.map(([role]) => role), rows.map(([, weight]) => weight)],
  );
}

async function putQuotas(
  sql: Sql,
  quotas: ReadonlyMap<RoleName, QuotaRecord | undefined>,
): Promise<void> {
  await removeAbsent(sql, { table: 'role_quota', key: 'role', entries: quotas });
  const rows = present(quotas);
  if (rows.length === 0) return;
  await sql(
    `INSERT INTO master.role_quota (role, guarantees, limits)
     SELECT * FROM unnest($1::text[], $2::json[], $3::json[])
     ON CONFLICT (role) DO UPDATE SET guarantees = excluded.guarantees, limits = excluded.limits`,
    [
      rows.map(([role]) => role),
      rows.map(([, { guarantees }]) => JSON.stringify(guarantees)),
      rows.map(([, { limits }]) => JSON.stringify(limits)),
    ],
  );
}

async function putMaintenance(sql: Sql, maintenance: MaintenanceRecord): Promise<void> {
  await sql(
    `INSERT INTO master.setting (name, value) VALUES ('maintenance', $1)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [JSON.stringify(maintenance)],
  );
}

/** Table and column are constants of this file. */
async function removeAbsent(
  sql: Sql,
  what: {
    readonly table: string;
    readonly key: string;
    readonly entries: ReadonlyMap<string, unknown>;
  },
): Promise<void> {
  const keys = [...what.entries].filter(([, value]) => value === undefined).map(([key]) => key);
  if (keys.length === 0) return;
  await sql(`DELETE FROM master.${what.table} WHERE ${what.key} = ANY($1::text[])`, [keys]);
}

const present = <Key, Value>(entries: ReadonlyMap<Key, Value | undefined>): [Key, Value][] =>
  [...entries].flatMap(([key, value]): [Key, Value][] =>
    value === undefined ? [] : [[key, value]],
  );

const toActivation = (row: AgentActivationRow): AgentActivation => ({
  isDeactivated: row.isDeactivated,
  // The column holds what putActivations put there.
  ...(row.drain === null ? {} : { drain: row.drain as AgentDrain }),
});
