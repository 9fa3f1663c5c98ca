import { expect, it } from 'vitest';
import type { ApiClient } from './api-client.js';
import type { SentChange } from './command-ports.js';
import { createDeploymentCommands } from './deployment-commands.js';

it.each([
  ['abortDeployment', 'POST', '/v2/deployments/d-1/abort'],
  ['rollBackDeployment', 'DELETE', '/v2/deployments/d-1'],
] as const)('%s only asks what would happen when told so', async (command, method, path) => {
  const asked: unknown[] = [];
  const answers: SentChange[] = [];
  const commands = createDeploymentCommands({
    request: (async (...call: Parameters<ApiClient>) => {
      asked.push(call);
      return { dryRun: true, steps: [], apps: [], conflicts: [], warnings: [] };
    }) as ApiClient,
    print: () => undefined,
    change: async (sent) => void answers.push(await sent),
  });

  await commands[command]('d-1', { dryRun: true });

  expect(asked).toEqual([[path, { method, query: { dryRun: true } }]]);
  expect(answers).toMatchObject([{ dryRun: true }]);
});
