import type { FrameworkInfo } from '#mesos-v1';
import type { ControllerConfig } from './controller-config.js';

/** A framework that is away for longer loses its tasks: one week, as Marathon's default. */
const FAILOVER_TIMEOUT_SECONDS = 604_800;

/**
 * What the controller tells the master it is: an ordinary framework. Roles: its own, and those of the apps there are when
 * it subscribes.
 */
export const frameworkInfoOf = (
  config: ControllerConfig,
  webUiUrl: string,
  rolesOfApps: Iterable<string>,
): FrameworkInfo => ({
  user: config.taskUser,
  name: 'pacer',
  failover_timeout: FAILOVER_TIMEOUT_SECONDS,
  checkpoint: true,
  roles: [...new Set([config.rules.defaultRole, ...rolesOfApps])],
  hostname: config.advertisedHost,
  webui_url: webUiUrl,
  capabilities: [
    'MULTI_ROLE',
    'PARTITION_AWARE',
    'REGION_AWARE',
    'TASK_KILLING_STATE',
    ...(config.rules.features.has('gpu_resources') ? ['GPU_RESOURCES'] : []),
  ].map((type) => ({ type })),
});
