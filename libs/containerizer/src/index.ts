export { createDockerLauncher } from './docker-launcher.js';
export type { DockerLauncherOptions } from './docker-launcher-options.js';
export { createProcessLauncher, type ProcessLauncherOptions } from './process-launcher.js';
export {
  createUsageReader,
  type MeasuredTask,
  type NetworkUsage,
  type TaskUsage,
} from './task-usage.js';
