import type { WireTask } from '#marathon-v2';
import { readAllPages } from './all-pages.js';
import type { ChangeFlags, CommandPorts, SentChange } from './command-ports.js';
import { resourcePath } from './resource-path.js';
import { formatTable } from './text-table.js';

export interface KillFlags extends ChangeFlags {
  readonly scale?: boolean;
  readonly wipe?: boolean;
}

/** What the server ended, or the deployment that scales down. */
type KillAnswer = SentChange & { readonly tasks?: readonly Pick<WireTask, 'id'>[] };

/** Commands on tasks of apps: to see them, and to end them. */
export const createTaskCommands = ({ request, print, change }: CommandPorts) => ({
  async listTasks(app?: string): Promise<void> {
    const tasksOf = (answer: unknown) => (answer as { readonly tasks: readonly WireTask[] }).tasks;
    const tasks =
      app === undefined
        ? await readAllPages(request, '/v2/tasks', { itemsOf: tasksOf })
        : tasksOf(await request(`${resourcePath('/v2/apps', app)}/tasks`));
    print({ tasks }, () => formatTasks(tasks));
  },
  /** Tasks the server does not know it leaves out, so what is missing is named. */
  async killTasks(ids: readonly string[], flags: KillFlags): Promise<void> {
    const { force, scale, wipe, dryRun } = flags;
    const answer = await request<KillAnswer>('/v2/tasks/delete', {
      ...{ method: 'POST', body: { ids }, query: { force, scale, wipe, dryRun } },
    });
    if (answer.tasks === undefined) {
      await change(Promise.resolve(answer), flags);
      return;
    }
    const killed = new Set(answer.tasks.map(({ id }) => id));
    print(answer, () => [...killed].map((id) => `${id} is killed`).join('\n'));
    const unknown = ids.filter((id) => !killed.has(id));
    if (unknown.length > 0) throw new Error(`no such task: ${unknown.join(', ')}`);
  },
});

const formatTasks = (tasks: readonly WireTask[]): string =>
  formatTable(
    ['TASK', 'STATE', 'HOST', 'PORTS', 'STARTED'],
    tasks.map((task) => [
      task.id,
      task.state ?? '',
      task.host ?? '',
      (task.ports ?? []).join(' '),
      task.startedAt ?? '',
    ]),
  );
