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
    ['POST', '/v2/apps', app({ cpus: 'many' }), '/cpus', 'must be a number, not "many"'],
    [
      'POST',
      '/v2/apps',
      { id: '/a', instances: 1.5 },
      '/instances',
      'must be a whole number of at most 32 bits, not 1.5',
    ],
    ['POST', '/v2/apps', { cmd: 'x' }, '/id', 'is required'],
    [
      'PUT',
      '/v2/groups',
      { groups: [{ id: 'shop', apps: [app({ id: 'web', mem: 'x' })] }] },
      '/groups(0)/apps(0)/mem',
      'must be a number, not "x" (in "shop", "web")',
    ],
    [
      'PATCH',
      '/v2/apps',
      [app({ id: '/one' }), app({ id: '/two', env: { A: 1 } })],
      '(1)/env/A',
      'must be a text, not 1 (in "/two")',
    ],
  ])(
    '%s %s %j: beside the code that clients know, in words',
    async (method, url, body, path, words) => {
      const reply = await api.ask(method, url, body);
      const problem = { path, errors: [expect.stringMatching(/^error\./)], explained: [words] };

      expect(reply.json()).toEqual({ message: 'Invalid JSON', details: [problem] });
    },
  );

  it('names the container of a pod', async () => {
    const resources = { cpus: 1, mem: 32 };
    const good = { name: 'good', resources, exec: { command: { shell: 'x' } } };
    const bad = { ...good, name: 'bad', exec: { command: {} } };

    const reply = await api.ask('POST', '/v2/pods', { id: '/pod', containers: [good, bad] });

    const [problem] = (reply.json() as { details: { path: string; errors: string[] }[] }).details;
    expect(problem?.errors.join()).toMatch(/ \(bad\)$/);
  });

  it('says where a body stops being JSON, by line and column', async () => {
    const reply = await api.inject({
      method: 'POST',
      url: '/v2/apps',
      headers: { host: 'localhost', 'content-type': 'application/json' },
      payload: '{\n  "id": "/a"\n  "cmd": "x"\n}',
    });

    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toEqual({
      message: 'Invalid JSON',
      details: `line 3, column 3: "\\"cmd\\":" stands where ',' or '}' is expected`,
    });
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
