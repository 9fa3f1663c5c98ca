import type { FrameworkInfo } from '#mesos-v1';
import type { ControllerConfig } from './controller-config.js';

/** A framework that is away for longer loses its tasks: one week, as Marathon's default. */
export const FAILOVER_TIMEOUT_SECONDS = 604_800;

/** What the controller tells the master it is: an ordinary framework. */
export const frameworkInfoOf = (
  config: ControllerConfig,
  webUiUrl: string,
  roles: readonly string[],
): FrameworkInfo => ({
  user: config.taskUser,
  name: 'pacer',
  failover_timeout: FAILOVER_TIMEOUT_SECONDS,
  checkpoint: true,
  roles,
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
