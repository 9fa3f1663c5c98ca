import { describe, expect, it } from 'vitest';
import type { ApiClient } from './api-client.js';
import type { SentChange } from './command-ports.js';
import { createTaskCommands } from './task-commands.js';

function aKill(answer: unknown) {
  const asked: unknown[] = [];
  const printed: string[] = [];
  const changes: SentChange[] = [];
  const { killTasks } = createTaskCommands({
    request: (async (...call: Parameters<ApiClient>) => {
      asked.push(call);
      return answer;
    }) as ApiClient,
    print: (_, text) => void printed.push(text()),
    change: async (sent) => void changes.push(await sent),
  });
  return { killTasks, asked, printed, changes };
}

describe('pacer kill', () => {
  it('ends tasks at once when told so, and says which', async () => {
    const { killTasks, asked, printed } = aKill({ tasks: [{ id: 'a' }, { id: 'b' }] });

    await killTasks(['a', 'b'], { force: true });

    expect(asked).toEqual([
      ['/v2/tasks/delete', { method: 'POST', body: { ids: ['a', 'b'] }, query: { force: true } }],
    ]);
    expect(printed).toEqual(['a is killed\nb is killed']);
  });

  it('fails for tasks nobody knows, naming them', async () => {
    const { killTasks, printed } = aKill({ tasks: [{ id: 'a' }] });

    await expect(killTasks(['a', 'x', 'y'], {})).rejects.toThrow('no such task: x, y');
    expect(printed).toEqual(['a is killed']);
  });

  it('scales down by a deployment, or says what would happen', async () => {
    const { killTasks, asked, changes } = aKill({ deploymentId: 'd-1' });

    await killTasks(['a'], { scale: true, dryRun: true });

    expect(asked).toMatchObject([['/v2/tasks/delete', { query: { scale: true, dryRun: true } }]]);
    expect(changes).toEqual([{ deploymentId: 'd-1' }]);
  });
});
