/** A task that an executor of the app's own runs: a new one for each, which ends with it. */
import { type App, executorShareOf, type Instance } from '#core';
import type { ResourcePool } from '#matcher';
import type { CommandInfo, ContainerInfo, TaskInfo } from '#mesos-v1';
import { shareOut } from './share-out.js';
import { toTaskResources } from './task-resources.js';

/** Marathon's name of it. */
export const executorIdOf = (taskId: string): string => `marathon-${taskId}`;

/** The executor has the command's user, variables and URIs, and the container; the task has the resources and the cmd as data. */
export function toExecutor(source: {
  readonly app: App;
  readonly instance: Instance;
  readonly taken: readonly ResourcePool[];
  readonly command: CommandInfo;
  readonly container?: ContainerInfo;
}): Pick<TaskInfo, 'resources' | 'executor' | 'data'> {
  const { app, instance, container } = source;
  const own = shareOut(source.taken, executorShareOf(app), []);
  const cmd = app.cmd ?? app.args.map(quoted).join(' ');
  const { arguments: _, ...command } = source.command;
  return {
    resources: toTaskResources(own.rest),
    executor: {
      executor_id: { value: executorIdOf(instance.taskId) },
      type: 'CUSTOM',
      name: app.id,
      command: { ...command, shell: true, value: toStart(app.executor, cmd) },
      ...(container === undefined ? {} : { container }),
      resources: toTaskResources(own.taken),
    },
    ...(cmd === '' ? {} : { data: toBase64(cmd) }),
  };
}

/**
 * As in Marathon the program is made executable, which what was fetched is not, and gets the cmd after its name. A mere name is
 * that of a file in the sandbox, else of a program that the agent finds.
 */
function toStart(executor: string, cmd: string): string {
  const words = cmd === '' ? '' : ` ${cmd}`;
  const start = (path: string): string =>
    `{ [ -x ${path} ] || chmod ug+rx ${path}; } && exec ${path}${words}`;
  const path = quoted(executor);
  if (executor.includes('/')) return start(path);
  return `if [ -e ./${path} ]; then ${start(`./${path}`)}; else exec ${path}${words}; fi`;
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

const toBase64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
