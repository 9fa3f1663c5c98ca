import {
  type DeploymentEvent,
  type DeploymentHistory,
  type DeploymentId,
  MAX_DEPLOYMENT_EVENTS,
  type StoreChange,
} from '#core';
import type { Sql } from './sql.js';

export type HistoryChange = Extract<StoreChange, { readonly kind: 'append-history' }>;

export interface HistoryRow {
  readonly deployment: DeploymentId;
  readonly position: number;
  readonly body: DeploymentEvent | { readonly omitted: number };
}

/** What is added to the stories of deployments; what is beyond the bound is only counted. */
export function historyRows(changes: readonly HistoryChange[]): readonly HistoryRow[] {
  const places = new Map<string, HistoryRow>();
  for (const row of changes.flatMap(toRows)) places.set(`${row.deployment} ${row.position}`, row);
  return [...places.values()];
}

function toRows({ deploymentId, after, events }: HistoryChange): readonly HistoryRow[] {
  const kept = events
    .map((body, index): HistoryRow => ({ deployment: deploymentId, position: after + index, body }))
    .filter(({ position }) => position < MAX_DEPLOYMENT_EVENTS);
  const omitted = after + events.length - MAX_DEPLOYMENT_EVENTS;
  if (omitted <= 0) return kept;
  return [
    ...kept,
    { deployment: deploymentId, position: MAX_DEPLOYMENT_EVENTS, body: { omitted } },
  ];
}

export async function readHistory(sql: Sql, id: DeploymentId): Promise<DeploymentHistory> {
  const { rows } = await sql<Pick<HistoryRow, 'position' | 'body'>>(
    `SELECT position, body FROM controller.deployment_event
     WHERE deployment_id = $1 ORDER BY position`,
    [id],
  );
  const events: DeploymentEvent[] = [];
  let omitted = 0;
  for (const { body } of rows) {
    if ('omitted' in body) omitted = body.omitted;
    else events.push(body);
  }
  return { events, omitted };
}

/** How many events running deployments have had. */
export async function readHistoryLengths(sql: Sql): Promise<ReadonlyMap<DeploymentId, number>> {
  const { rows } = await sql<{ readonly id: DeploymentId; readonly length: number }>(
    `SELECT e.deployment_id AS id,
       max(CASE WHEN e.position = ${MAX_DEPLOYMENT_EVENTS}
         THEN ${MAX_DEPLOYMENT_EVENTS} + (e.body->>'omitted')::integer
         ELSE e.position + 1 END) AS length
     FROM controller.deployment_event e JOIN controller.deployment d ON d.id = e.deployment_id
     WHERE d.state = 'Running' GROUP BY e.deployment_id`,
  );
  return new Map(rows.map(({ id, length }) => [id, length]));
}
