/** What users could not understand in Marathon, by the number of the first report. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiUnderTest, startApi } from './controller-api.test-support.js';

interface Refusal {
  readonly message: string;
  readonly details?:
    | string
    | readonly { readonly path: string; readonly errors: readonly string[] }[];
}

describe('1235: an error says what is wrong, where, in the words of whoever wrote it', () => {
  let api: ApiUnderTest;
  beforeAll(async () => {
    api = await startApi({ store: { loadAppVersion: async () => undefined } });
  });
  afterAll(() => api.daemon.close());

  const app = (fields: Readonly<Record<string, unknown>>) => ({ id: '/a', cmd: 'x', ...fields });
  const group = (...apps: readonly unknown[]) => ({ id: '/g', apps });

  it.each([
    ['a text for a number', 'POST', '/v2/apps', app({ cpus: 'many' }), '/cpus', 'number'],
    ['a negative amount', 'POST', '/v2/apps', app({ mem: -1 }), '/mem', '-1'],
    ['an id with capitals', 'POST', '/v2/apps', app({ id: '/Shop' }), '/id', 'Shop'],
    [
      ...(['an unknown operator', 'POST', '/v2/apps'] as const),
      ...([app({ constraints: [['hostname', 'NEAR']] }), '/constraints(0)', 'NEAR'] as const),
    ],
    [
      ...(['a port of no protocol', 'POST', '/v2/apps'] as const),
      app({ portDefinitions: [{ port: 99_999 }] }),
      ...(['/portDefinitions(0)/port', '65535'] as const),
    ],
    [
      ...(['a check of a port that is not there', 'POST', '/v2/apps'] as const),
      app({ healthChecks: [{ protocol: 'HTTP', portIndex: 7 }] }),
      ...(['/healthChecks(0)/portIndex', '7'] as const),
    ],
    [
      ...(['an app of a group', 'PUT', '/v2/groups'] as const),
      ...([group(app({ id: 'good' }), app({ id: 'bad', cpus: -5 })), 'bad', '-5'] as const),
    ],
  ])('%s', async (_what, method, url, body, place, word) => {
    const reply = await api.ask(method, url, body);
    const { message, details } = reply.json() as Refusal;

    expect(reply.statusCode).toBe(422);
    expect(['Object is not valid', 'Invalid JSON']).toContain(message);
    const said = JSON.stringify(details);
    expect(said).toContain(place);
    expect(said).toContain(word);
    // Nothing of the inside: classes, stacks, null.
    expect(said).not.toMatch(/\bnull\b|undefined|Error:|node_modules|\bat [A-Za-z]+\./);
  });

  it.each([
    ['GET', '/v2/apps//not/there', "App '/not/there' does not exist"],
    ['GET', '/v2/groups/not/there', "Group '/not/there' does not exist"],
    ['DELETE', '/v2/deployments/nothing', 'DeploymentPlan nothing does not exist'],
    ['DELETE', '/v2/queue//not/there/delay', 'Application /not/there not found in tasks queue.'],
  ])('%s %s is not there, by its name', async (method, url, message) => {
    const reply = await api.ask(method, url);

    expect(reply.statusCode).toBe(404);
    expect(reply.json()).toEqual({ message });
  });
});
