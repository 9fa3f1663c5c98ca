export { createDockerLauncher } from './docker-launcher.js';
export type { DockerLauncherOptions } from './docker-launcher-options.js';
export { KnownSessions } from './known-sessions.js';
export { createProcessLauncher } from './process-launcher.js';
export type { ProcessLauncherOptions } from './process-launcher-options.js';
export {
  createUsageReader,
  type MeasuredTask,
  type NetworkUsage,
  type TaskUsage,
} from './task-usage.js';
