export { createDockerLauncher, type DockerLauncherOptions } from './docker-launcher.js';
export { createProcessLauncher, type ProcessLauncherOptions } from './process-launcher.js';
