import type { ControllerEvent } from '../controller/controller-client.js';

/** Which apps an event may have changed: a list, or everything. */
export type Affected =
  | { readonly kind: 'apps'; readonly ids: readonly string[] }
  | { readonly kind: 'all' };

/** Events that change no route. */
const IRRELEVANT: ReadonlySet<string> = new Set([
  'event_stream_attached',
  'event_stream_detached',
  'failed_health_check_event',
  'framework_message_event',
  'group_change_failed',
  'scheduler_registered_event',
  'scheduler_reregistered_event',
  'scheduler_disconnected_event',
  'subscribe_event',
  'unsubscribe_event',
]);

/** Events about tasks, which follow each other quickly and change no definition. */
const TASK_EVENTS: ReadonlySet<string> = new Set([
  'status_update_event',
  'instance_changed_event',
  'instance_health_changed_event',
  'health_status_changed_event',
  'unhealthy_task_kill_event',
  'unhealthy_instance_kill_event',
]);

/** Whether only apps with routes are affected by such an event. */
export const isTaskEvent = ({ type }: ControllerEvent): boolean => TASK_EVENTS.has(type);

/** Reads the app an event is about. An event we do not know, or cannot read, affects everything. */
export function affectedApps(event: ControllerEvent): Affected {
  if (IRRELEVANT.has(event.type)) return { kind: 'apps', ids: [] };
  const data = isRecord(event.data) ? event.data : {};
  for (const name of ['appId', 'runSpecId']) {
    const id = data[name];
    if (typeof id === 'string' && id.startsWith('/')) return { kind: 'apps', ids: [id] };
  }
  const definition = data['appDefinition'];
  if (isRecord(definition) && typeof definition['id'] === 'string') {
    return { kind: 'apps', ids: [definition['id']] };
  }
  const plan = data['plan'];
  return isRecord(plan) ? affectedByPlan(plan) : { kind: 'all' };
}

function affectedByPlan(plan: Record<string, unknown>): Affected {
  const steps: readonly unknown[] = Array.isArray(plan['steps']) ? plan['steps'] : [];
  const actions = steps.flatMap((step): readonly unknown[] =>
    isRecord(step) && Array.isArray(step['actions']) ? step['actions'] : [],
  );
  const ids = actions.map((action) => (isRecord(action) ? action['app'] : undefined));
  return ids.every((id): id is string => typeof id === 'string' && id.startsWith('/'))
    ? { kind: 'apps', ids: [...new Set(ids)] }
    : { kind: 'all' };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
