/** Marathon's contract, section 1.2: the exact shapes of errors, row by row. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appId } from '#core';
import { type ContractUnderTest, startContract } from './contract-api.test-support.js';
import { shownBy } from './shown-by.test-support.js';

const NEVER = '2001-01-01T00:00:00.000Z';
const TASK = 'a.instance-564bd685-4c30-11e5-98c1-be5b2935a987._app.1';

describe('1.2 Error bodies', () => {
  let contract: ContractUnderTest;
  beforeAll(async () => {
    contract = await startContract();
    const body = { cmd: 'x', cpus: 0.1 };
    await ask('PUT', '/v2/apps', [
      { ...body, id: '/there/app' },
      { ...body, id: '/there/other' },
    ]);
    await contract.until(() => contract.harness.engine.view.deployments().length === 0);
  });
  afterAll(() => contract.close());

  const ask = (method: string, url: string, body?: unknown) => contract.api.ask(method, url, body);
  const send = (method: string, url: string, payload: string) =>
    contract.api.inject({
      ...{ method: method as 'GET', url, payload },
      headers: { host: 'localhost', 'content-type': 'application/json' },
    });
  const answerOf = async (method: string, url: string, body?: unknown) => {
    const { statusCode, body: text } = await ask(method, url, body);
    return [statusCode, JSON.parse(text)];
  };

  it.each(['{"id": ', '{"a" 1}', 'x', ''])(
    'Body is not parseable JSON: 400, details is a text (%j)',
    async (payload) => {
      const answer = await send('POST', '/v2/apps', payload);

      expect([answer.statusCode, answer.json()]).toEqual([
        400,
        { message: 'Invalid JSON', details: expect.stringMatching(/\S/) },
      ]);
    },
  );

  it.each([
    [{ id: 1, cmd: 'x' }, '/id', 'error.expected.jsstring'],
    [{ id: '/a', cmd: 'x', cpus: 'many' }, '/cpus', 'error.expected.jsnumber'],
    [{ cmd: 'x' }, '/id', 'error.path.missing'],
    [{ id: '/a', cmd: '' }, '/cmd', 'error.minLength'],
    [
      { id: '/a', cmd: 'x', healthChecks: [{}, { protocol: 'HTTP', portIndex: 'one' }] },
      ...(['/healthChecks(1)/portIndex', 'error.expected.jsnumber'] as const),
    ],
  ])('JSON of the wrong shape: 422 with the codes clients know (%j)', async (app, path, code) => {
    expect(await answerOf('POST', '/v2/apps', app)).toEqual([
      422,
      {
        message: 'Invalid JSON',
        details: [{ path, errors: [code], explained: [expect.any(String)] }],
      },
    ]);
  });

  describe('Rule violation: 422, grouped by path', () => {
    it('/field below /field', async () => {
      const strategy = { minimumHealthCapacity: 2, maximumOverCapacity: -1 };
      const app = { id: '/a', cmd: 'x', upgradeStrategy: strategy };

      const [status, body] = await answerOf('POST', '/v2/apps', app);

      expect([status, body.message]).toEqual([422, 'Object is not valid']);
      expect(body.details.map(({ path }: { path: string }) => path).sort()).toEqual([
        '/upgradeStrategy/maximumOverCapacity',
        '/upgradeStrategy/minimumHealthCapacity',
      ]);
      for (const { errors } of body.details) expect(errors).toEqual([expect.any(String)]);
    });

    it('the index as (0) directly after the field; in a group the app is named in the text (decided)', async () => {
      const apps = [
        { id: 'good', cmd: 'x' },
        { id: 'bad', cmd: 'x', mem: -5 },
      ];

      const group = await answerOf('PUT', '/v2/groups/tree', { groups: [{ id: 'sub', apps }] });
      const app = {
        id: '/a',
        cmd: 'x',
        constraints: [
          ['hostname', 'UNIQUE'],
          ['hostname', 'NEAR'],
        ],
      };
      const single = await answerOf('POST', '/v2/apps', app);

      expect(group).toEqual([
        422,
        {
          message: 'Object is not valid',
          details: [
            {
              path: '/groups(0)/apps(1)/mem',
              errors: [expect.stringMatching(/-5.*\(\/tree\/sub\/bad\)|-5.*\(bad\)/)],
            },
          ],
        },
      ]);
      expect(single[1].details[0].path).toMatch(/^\/constraints\(1\)/);
    });

    it('a problem of the whole as /', async () => {
      const [status, body] = await answerOf('POST', '/v2/apps', { id: '/neither' });

      expect([status, body.message, body.details[0].path]).toEqual([
        422,
        'Object is not valid',
        '/',
      ]);
    });
  });

  it.each([
    ['GET', '/v2/apps?label=a%20in%20(', undefined],
    ['GET', '/v2/apps?label===', undefined],
    ['PUT', '/v2/apps', [{ cmd: 'x' }]],
    ['PATCH', '/v2/apps', [{ instances: 2 }]],
  ])('Illegal argument: 422 with a message alone (%s %s)', async (method, url, body) => {
    expect(await answerOf(method, url, body)).toEqual([422, { message: expect.any(String) }]);
  });

  it.each([
    ['GET', '/v2/apps//x', "App '/x' does not exist"],
    ['DELETE', '/v2/apps/x', "App '/x' does not exist"],
    ['GET', '/v2/apps/x/tasks', "App '/x' does not exist"],
    [
      'GET',
      `/v2/apps/there/app/versions/${NEVER}`,
      `App '/there/app' does not exist in version ${NEVER}`,
    ],
    ['GET', '/v2/groups/x', "Group '/x' does not exist"],
    [
      'GET',
      `/v2/groups/there/versions/${NEVER}`,
      `Group '/there' does not exist in version ${NEVER}`,
    ],
    ['GET', '/v2/pods/x', "Pod '/x' does not exist"],
    ['DELETE', `/v2/apps/there/app/tasks/${TASK}`, `Task '${TASK}' does not exist`],
    ['DELETE', '/v2/deployments/x', 'DeploymentPlan x does not exist'],
    ['DELETE', '/v2/queue//x/delay', 'Application /x not found in tasks queue.'],
  ])('App/group/pod/task unknown: 404 (%s %s)', async (method, url, message) => {
    expect(await answerOf(method, url)).toEqual([404, { message }]);
  });

  it('App unknown on a change of what must exist: 404', async () => {
    const patch = await answerOf('PATCH', '/v2/apps/x', { instances: 2 });
    const back = await answerOf('PUT', '/v2/apps/there/app', { version: NEVER });

    expect(patch).toEqual([404, { message: "App '/x' does not exist" }]);
    expect(back[0]).toBe(404);
  });

  it('Duplicate on POST: 409', async () => {
    const app = await answerOf('POST', '/v2/apps', { id: '/there/app', cmd: 'x' });
    const group = await answerOf('POST', '/v2/groups', { id: '/there' });
    const ofApp = await answerOf('POST', '/v2/groups', { id: '/there/app' });

    expect(app).toEqual([409, { message: 'An app with id [/there/app] already exists.' }]);
    expect(group).toEqual([
      409,
      { message: expect.stringMatching(/^Group \/there is already created/) },
    ]);
    expect(ofApp).toEqual([409, { message: expect.stringContaining('/there/app') }]);
  });

  it('Locked by a deployment, no force: 409 with the literal placeholder, ids in an array', async () => {
    const stuck = await ask('POST', '/v2/apps', { id: '/stuck', cmd: 'x', cpus: 1e6 });

    const locked = await answerOf('PUT', '/v2/apps/stuck', { cmd: 'y' });
    const others = [
      await ask('PATCH', '/v2/apps/stuck', { cmd: 'y' }),
      await ask('PATCH', '/v2/apps', [{ id: '/stuck', cmd: 'y' }]),
      await ask('POST', '/v2/apps/stuck/restart'),
      await ask('DELETE', '/v2/apps/stuck?force=false'),
      await ask('PUT', '/v2/groups', { scaleBy: 2 }),
    ];
    const forced = await ask('PUT', '/v2/apps/stuck?force=true', { cmd: 'y' });

    expect(locked).toEqual([
      409,
      {
        message:
          "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
        deployments: stuck.json().deployments,
      },
    ]);
    expect(others.map((answer) => [answer.statusCode, answer.json()])).toEqual(
      others.map(() => locked),
    );
    expect(forced.statusCode).toBe(200);
  });

  shownBy(
    'Too many deployments (QUIRK, kept with Retry-After): 403',
    'apps/controller/src/marathon-deviations.spec.ts',
    'one deployment too many is told when to come again',
  );

  it('scale and wipe together: 400', async () => {
    const [first] = contract.harness.engine.view.instancesOf(appId('/there/app'));
    const both = 'scale=true&wipe=true';

    const answers = [
      await answerOf('DELETE', `/v2/apps/there/app/tasks?${both}`),
      await answerOf('DELETE', `/v2/apps/there/app/tasks/${first?.instance.taskId}?${both}`),
      await answerOf('POST', `/v2/tasks/delete?${both}`, { ids: [TASK] }),
    ];

    const message = 'You cannot use scale and wipe at the same time.';
    for (const answer of answers) expect(answer).toEqual([400, { message }]);
  });

  it('Invalid task id on kill: 400', async () => {
    expect(await answerOf('POST', '/v2/tasks/delete', { ids: ['no task'] })).toEqual([
      400,
      { message: expect.stringMatching(/^Invalid task id 'no task'\. \[.+\]$/) },
    ]);
  });

  it('Internal timeout: 503 with a message, and when to come again', async () => {
    contract.harness.leases.setAvailable(false);

    const answer = await ask('PUT', '/v2/apps/there/app', { instances: 2 });

    contract.harness.leases.setAvailable(true);
    expect([answer.statusCode, answer.json()]).toEqual([503, { message: expect.any(String) }]);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
  });

  shownBy(
    'Unknown route (QUIRK, fixed): 404',
    'apps/controller/src/marathon-deviations.spec.ts',
    'an unknown route is a 404, not a 500',
  );

  it('Wrong method / wrong Accept: 405 / 406 / 415, with a message that says what is right (decided)', async () => {
    const method = await ask('DELETE', '/v2/info');
    const below = await ask('POST', '/v2/apps/there/app', {});
    const media = (headers: Readonly<Record<string, string>>, verb: 'GET' | 'POST') =>
      contract.api.inject({
        ...{ method: verb, url: '/v2/apps', headers: { host: 'localhost', ...headers } },
        ...(verb === 'POST' ? { payload: 'x' } : {}),
      });
    const accept = await media({ accept: 'text/html' }, 'GET');
    const type = await media({ 'content-type': 'text/plain' }, 'POST');

    expect([method, below, accept, type].map(({ statusCode }) => statusCode)).toEqual([
      405, 405, 406, 415,
    ]);
    expect(method.headers['allow']).toBe('GET, HEAD');
    for (const answer of [method, below, accept, type]) {
      expect(answer.json()).toEqual({ message: expect.stringContaining(' ') });
    }
  });
});
