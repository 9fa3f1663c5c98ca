import type { App, ContainerResources } from './app.js';

/** Marathon's name for the executor that agents bring, which runs commands; an empty `executor` means the same. */
export const COMMAND_EXECUTOR = '//cmd';

/** Whether the instances of an app are run by a program of its own instead of the agent. */
export const hasCustomExecutor = ({ executor }: Pick<App, 'executor'>): boolean =>
  executor !== '' && executor !== COMMAND_EXECUTOR;

const NOTHING: ContainerResources = { cpus: 0, mem: 0, disk: 0, gpus: 0 };

/** What an instance takes for its executor on top of what the app asks for. What a pod asks for has that in it. */
export const executorShareOf = (
  app: Pick<App, 'executor' | 'executorResources' | 'pod'>,
): ContainerResources =>
  app.pod === undefined && hasCustomExecutor(app)
    ? { ...NOTHING, ...app.executorResources }
    : NOTHING;
