export { createDockerLauncher, type DockerLauncherOptions } from './docker-launcher.js';
export { createProcessLauncher, type ProcessLauncherOptions } from './process-launcher.js';
export {
  createUsageReader,
  type MeasuredTask,
  type NetworkUsage,
  type TaskUsage,
} from './task-usage.js';
