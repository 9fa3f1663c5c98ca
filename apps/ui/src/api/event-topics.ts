/** Which cached answers an event makes stale. A topic is the first part of a query key. */
export const TOPICS = [
  'apps',
  'app',
  'versions',
  'deployments',
  'queue',
  'info',
  'certificates',
] as const;
export type Topic = (typeof TOPICS)[number];

/** EventSource only delivers named events it is asked for, so every name is listed. */
const TOPICS_BY_EVENT: Readonly<Record<string, readonly Topic[]>> = {
  api_post_event: ['apps', 'app', 'versions'],
  app_terminated_event: ['apps', 'app', 'queue'],
  status_update_event: ['apps', 'app', 'queue'],
  instance_changed_event: ['apps', 'app', 'queue'],
  instance_health_changed_event: ['apps', 'app'],
  health_status_changed_event: ['apps', 'app'],
  failed_health_check_event: ['app'],
  add_health_check_event: ['app'],
  remove_health_check_event: ['app'],
  unhealthy_instance_kill_event: ['apps', 'app', 'queue'],
  unhealthy_task_kill_event: ['apps', 'app', 'queue'],
  unknown_instance_terminated_event: ['apps', 'app'],
  draining_changed_event: ['apps', 'app'],
  certificate_changed_event: ['certificates'],
  group_change_success: ['apps', 'app', 'versions', 'deployments'],
  group_change_failed: ['apps', 'deployments'],
  deployment_info: ['apps', 'app', 'deployments', 'queue'],
  deployment_step_success: ['apps', 'app', 'deployments', 'queue'],
  deployment_step_failure: ['apps', 'app', 'deployments', 'queue'],
  deployment_success: ['apps', 'app', 'versions', 'deployments', 'queue'],
  deployment_failed: ['apps', 'app', 'versions', 'deployments', 'queue'],
  deployment_paused: ['deployments'],
  deployment_resumed: ['deployments'],
  deployment_batch_done: ['deployments'],
  deployment_awaits_promotion: ['deployments'],
  deployment_promoted: ['deployments'],
  pod_created_event: ['deployments'],
  pod_updated_event: ['deployments'],
  pod_deleted_event: ['deployments'],
  scheduler_registered_event: ['info'],
  scheduler_reregistered_event: ['info'],
  scheduler_disconnected_event: ['info'],
  // The stream has a gap: everything may have changed.
  resync: TOPICS,
};

export const EVENT_NAMES: readonly string[] = Object.keys(TOPICS_BY_EVENT);

/** An event without a known name is rather read too much for than too little. */
export function topicsOf(eventName: string): readonly Topic[] {
  return Object.hasOwn(TOPICS_BY_EVENT, eventName)
    ? (TOPICS_BY_EVENT[eventName] ?? [])
    : ['apps', 'app', 'deployments', 'queue'];
}
