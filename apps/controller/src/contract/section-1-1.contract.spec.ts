/** Marathon's contract, section 1.1: what all of the API has in common, row by row. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';
import { type ContractUnderTest, startContract } from './contract-api.test-support.js';
import { shownBy } from './shown-by.test-support.js';

const NO_CACHE = {
  'cache-control': 'no-cache, no-store, must-revalidate',
  pragma: 'no-cache',
  expires: '0',
};
const POD = {
  id: '/group/pod',
  containers: [
    { name: 'one', exec: { command: { shell: 'x' } }, resources: { cpus: 0.1, mem: 32 } },
  ],
};

describe('1.1 Cross-cutting rules', () => {
  let contract: ContractUnderTest;
  beforeAll(async () => {
    contract = await startContract();
  });
  afterAll(() => contract.close());

  const ask = (method: string, url: string, body?: unknown) => contract.api.ask(method, url, body);
  const send = (
    method: string,
    url: string,
    headers: Readonly<Record<string, string>>,
    payload?: string,
  ) =>
    contract.api.inject({
      method: method as 'GET',
      url,
      headers: { host: 'localhost', ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
  const idsOf = (apps: readonly { readonly id: string }[]) => apps.map(({ id }) => id).sort();

  describe('Media', () => {
    it('JSON in and out under /v2', async () => {
      const answers = await Promise.all(
        ['/v2/apps', '/v2/groups', '/v2/info', '/v2/nothing'].map((url) => ask('GET', url)),
      );
      const text = await send('POST', '/v2/apps', { 'content-type': 'text/plain' }, 'x');

      for (const answer of answers) {
        expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
      }
      expect(text.statusCode).toBe(415);
    });

    shownBy(
      'SSE on /v2/events',
      'apps/controller/src/events/events.spec.ts',
      'says at once that the reader is attached, then what happens, with ids',
    );

    it.each([
      ['text/plain', 406],
      ['text/plain, application/json;q=0', 406],
      ['application/xml;q=0.9, */*;q=0', 406],
      ['text/html, application/*;q=0.1', 200],
      ['text/html, */*;q=0.8', 200],
      ['application/json', 200],
      ['', 200],
    ])('text/plain for /v2/tasks was removed: Accept "%s" is %d', async (accept, status) => {
      const answer = await send('GET', '/v2/tasks', { accept });

      expect(answer.statusCode).toBe(status);
      if (status === 406) expect(answer.json().message).toMatch(/^Not Acceptable/);
    });
  });

  describe('Path ids', () => {
    shownBy(
      'greedy, with or without the leading slash',
      'apps/controller/src/apps/apps.spec.ts',
      'takes ids in the URL with or without slashes doubled or encoded',
    );

    it('relative is read against root', async () => {
      const created = await ask('POST', '/v2/apps', { id: 'paths/deep/below/app', cmd: 'x' });
      const read = await ask('GET', '/v2/apps/paths/deep/below/app/versions');

      expect(created.json().id).toBe('/paths/deep/below/app');
      expect(read.json().versions).toHaveLength(1);
    });
  });

  it('Wildcard: all apps transitively under a group, and their tasks', async () => {
    const apps = ['/wild/web', '/wild/back/api', '/wild/back/deep/db', '/wilder'];
    await ask(
      'PUT',
      '/v2/apps',
      apps.map((id) => ({ id, cmd: 'x', cpus: 0.1 })),
    );
    await contract.until(() =>
      apps.every((id) => contract.harness.conditions(id)[0] === 'Running'),
    );

    const below = (await ask('GET', '/v2/apps/wild/*')).json();
    const tasks = (await ask('GET', '/v2/apps/wild/*/tasks')).json();

    expect(Object.keys(below)).toEqual(['*']);
    expect(idsOf(below['*'])).toEqual(['/wild/back/api', '/wild/back/deep/db', '/wild/web']);
    const owners = tasks.tasks.map(({ appId }: { appId: string }) => appId);
    expect(owners.sort()).toEqual(['/wild/back/api', '/wild/back/deep/db', '/wild/web']);
  });

  describe('Success of a change', () => {
    it.each([
      ['PUT', '/v2/apps/changes/one', { cmd: 'x' }, 201],
      ['PUT', '/v2/apps/changes/one', { cmd: 'y' }, 200],
      ['PUT', '/v2/apps', [{ id: '/changes/two', cmd: 'x' }], 200],
      ['POST', '/v2/groups', { id: '/changes/group' }, 201],
      ['PUT', '/v2/groups/changes/group', { apps: [] }, 200],
      ['POST', '/v2/apps/changes/two/restart', undefined, 200],
      ['DELETE', '/v2/apps/changes/two', undefined, 200],
    ])(
      '%s %s: version and deploymentId, which a header names',
      async (method, url, body, status) => {
        const force = url.includes('?') ? '' : '?force=true';

        const answer = await ask(method, `${url}${force}`, body);

        expect(answer.statusCode).toBe(status);
        const { version, deploymentId } = answer.json();
        expect(version).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(deploymentId).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
        expect(answer.headers['marathon-deployment-id']).toBe(deploymentId);
      },
    );

    it('POST /v2/apps is the exception: 201 with the whole app, counts 0 and its deployment', async () => {
      const app = { id: '/changes/whole', cmd: 'x', env: { A: 'b' }, instances: 2 };

      const answer = await ask('POST', '/v2/apps', app);

      expect(answer.statusCode).toBe(201);
      const counts = { tasksStaged: 0, tasksRunning: 0, tasksHealthy: 0, tasksUnhealthy: 0 };
      const deployments = [{ id: answer.headers['marathon-deployment-id'] }];
      expect(answer.json()).toMatchObject({ ...app, ...counts, deployments });
      expect(answer.headers['location']).toBe('/changes/whole');
    });
  });

  it('Location value (QUIRK, kept): the bare id, and for the removal of a pod its deployment', async () => {
    const app = await ask('PUT', '/v2/apps/places/app', { cmd: 'x' });
    const group = await ask('POST', '/v2/groups', { id: '/places/group' });
    const pod = await ask('POST', '/v2/pods', { ...POD, id: '/places/pod' });
    const removed = await ask('DELETE', '/v2/pods/places/pod?force=true');

    const places = [app, group, pod].map(({ headers }) => headers['location']);
    expect(places).toEqual(['/places/app', '/places/group', '/places/pod']);
    expect(removed.headers['location']).toBe(removed.headers['marathon-deployment-id']);
  });

  it('Leader headers: on what the leader answers', async () => {
    const { headers } = await ask('GET', '/v2/apps');

    expect(headers).toMatchObject({
      'x-marathon-leader': 'http://127.0.0.1:8080',
      'x-frame-options': 'DENY',
      'x-xss-protection': '1; mode=block',
    });
  });

  it('Caching: three headers on every answer, refusals and changes too', async () => {
    const json = { 'content-type': 'application/json' };
    const answers = [
      await ask('GET', '/v2/apps'),
      await ask('GET', '/v2/groups/versions'),
      await ask('GET', '/v2/apps/nothing'),
      await ask('GET', '/nothing'),
      await ask('GET', '/ping'),
      await ask('GET', '/metrics'),
      await ask('PUT', '/v2/apps/cached', { cmd: 'x' }),
      await ask('PATCH', '/v2/queue', {}),
      await ask('GET', '/v2/apps?limit=0'),
      await send('POST', '/v2/apps', json, '{'),
      await send('POST', '/v2/apps', { 'content-type': 'text/plain' }, 'x'),
      await send('GET', '/v2/apps', { accept: 'text/plain' }),
      await send('GET', '/v2/apps', { origin: 'https://evil.example' }),
      await ask('GET', '/v2/events'),
    ];

    const seen = answers.map(({ statusCode }) => statusCode);
    expect(seen).toEqual([200, 200, 404, 404, 200, 200, 201, 405, 422, 400, 415, 406, 403, 405]);
    for (const { headers } of answers) expect(headers).toMatchObject(NO_CACHE);
    const again = await send('GET', '/v2/apps', { 'if-none-match': '*' });
    expect([again.statusCode, again.headers]).toEqual([304, expect.objectContaining(NO_CACHE)]);
  });

  it('CORS: not offered, and a page of another origin is refused', async () => {
    const plain = await ask('GET', '/v2/apps');
    const foreign = await send('GET', '/v2/apps', { origin: 'https://evil.example' });
    const asking = { origin: 'https://evil.example', 'access-control-request-method': 'GET' };
    const preflight = await send('OPTIONS', '/v2/apps', asking);

    expect([foreign.statusCode, preflight.statusCode]).toEqual([403, 403]);
    for (const { headers } of [plain, foreign, preflight]) {
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('Load shedding: none unless set; beyond the limit 503', async () => {
    const loadWaitMs = 60_000;
    const limited = await startApi({ isLoaded: false, maxRequests: 1, loadWaitMs });
    const free = await startApi({ isLoaded: false, loadWaitMs });
    const urlOf = ({ daemon }: ApiUnderTest): string => `${daemon.url}/v2/apps`;
    // In either the first one waits for a leader; the second comes after it.
    const arrived = [limited, free].map(({ app }) => once(app.getHttpServer(), 'request'));
    const held = [limited, free].map((api) => fetch(urlOf(api)));
    await Promise.all(arrived);

    const refused = await fetch(urlOf(limited));
    const ping = await fetch(`${limited.daemon.url}/ping`);
    const second = fetch(urlOf(free));
    for (const api of [limited, free]) api.runtime.open({ engine: api.engine, store: {} as never });
    const answered = await Promise.all([...held, second]);
    const after = await fetch(urlOf(limited));

    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(JSON.stringify(await refused.json())).toContain('1 requests are being answered');
    expect(ping.status).toBe(200);
    expect(answered.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(after.status).toBe(200);
    await Promise.all([limited, free].map(({ daemon }) => daemon.close()));
  });

  describe('Auth', () => {
    shownBy(
      '401 and 403',
      'apps/controller/src/access.spec.ts',
      'has a decision for who may use each of its routes, and keeps to it',
      'names both ways to come in, and the role that is missing',
    );
  });

  describe('Compression', () => {
    shownBy(
      'gzip, but not of the event stream',
      'apps/controller/src/lists/lists.spec.ts',
      'are compressed for who takes that, and answer HEAD',
      'leave the event stream as it flows, and answer HEAD for it at once',
    );
  });
});

const turn = () => new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));

describe('1.1 Proxying and No leader', () => {
  let leader: Server;
  let standby: ApiUnderTest;
  let leaderUrl: string | undefined;
  const seen: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];

  beforeAll(async () => {
    leader = createServer(({ url = '', headers }, response) => {
      seen.push({ url, headers });
      if (url.includes('silence')) return;
      response.writeHead(url.includes('teapot') ? 418 : 200, { 'x-of-leader': 'yes' });
      response.end(`{"url":${JSON.stringify(url)}}`);
    });
    await new Promise<void>((resolve) => leader.listen(0, '127.0.0.1', resolve));
    leaderUrl = `http://127.0.0.1:${(leader.address() as AddressInfo).port}`;
    standby = await startApi({ isLoaded: false, leaderUrl: () => leaderUrl });
  });
  afterAll(async () => {
    await standby.daemon.close();
    leader.closeAllConnections();
    leader.close();
  });

  const ask = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${standby.daemon.url}${path}`, { headers });

  it('Proxying: every request of the API, with X-Marathon-Via and X-Forwarded-For', async () => {
    const answers = [
      await ask('/v2/apps?id=a%2Fb', { 'x-forwarded-for': '10.0.0.1' }),
      await ask('/v2/teapot'),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 418]);
    expect(answers[0]?.headers.get('x-of-leader')).toBe('yes');
    expect(await answers[0]?.json()).toEqual({ url: '/v2/apps?id=a%2Fb' });
    const [first] = seen.splice(0);
    expect(first?.headers).toMatchObject({
      'x-marathon-via': '127.0.0.1:8080',
      'x-forwarded-for': '10.0.0.1, 127.0.0.1',
    });
  });

  it('Proxying: what is not of the API a standby answers itself (decided)', async () => {
    const paths = ['/ping', '/metrics', '/docs/json', '/help'];
    const answers = await Promise.all(
      paths.map((path) => fetch(`${standby.daemon.url}${path}`, { redirect: 'manual' })),
    );

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 302]);
    expect(seen).toEqual([]);
  });

  shownBy(
    'Proxying: /v2/events is not redirected (decided) but streamed',
    'apps/controller/src/runtime/leader-gate.spec.ts',
    '2878: passes the event stream on as it flows',
  );

  it('Proxying: what a standby passed on is not passed on again', async () => {
    const looped = await ask('/v2/apps', { 'x-marathon-via': '10.0.0.2:8080' });

    // Marathon: 502. Decided: 503, so that clients try again.
    expect([looped.status, looped.headers.get('retry-after')]).toEqual([503, '1']);
    expect(seen).toEqual([]);
  });

  it('Proxying: a leader that does not answer within 10 s: 503', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const asked = once(leader, 'request');
    const waiting = standby.inject({
      ...{ method: 'GET', url: '/v2/silence', headers: { host: 'localhost' } },
    });
    await asked;
    vi.advanceTimersByTime(9_999);
    const inTime = await Promise.race([waiting, turn()]);
    vi.advanceTimersByTime(1);
    const answer = await waiting;
    vi.useRealTimers();

    expect(inTime).toBeUndefined();
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1']);
    expect(answer.json().message).toMatch(/cannot be reached: no answer in time$/);
    seen.length = 0;
  });

  it('Proxying: limits of 5 s to connect and 10 s to answer are told', async () => {
    const api = await startApi();
    const { marathon_config: config } = (await api.ask('GET', '/v2/info')).json();
    await api.daemon.close();

    expect(config).toMatchObject({
      leader_proxy_connection_timeout_ms: 5_000,
      leader_proxy_read_timeout_ms: 10_000,
    });
  });

  shownBy(
    'No leader: waits, then 503 (decided; Marathon 502), as for one that cannot be reached',
    'apps/controller/src/runtime/leader-gate.spec.ts',
    'lives, but answers 503 while nobody is known to lead',
    'answers a waiting request as soon as it leads itself',
    'answers 503 when the leader cannot be reached',
  );

  it('Caching: on what a standby answers itself, too', async () => {
    const held = leaderUrl;
    leaderUrl = undefined;

    const refused = await ask('/v2/apps');

    leaderUrl = held;
    expect(refused.status).toBe(503);
    for (const [name, value] of Object.entries(NO_CACHE)) {
      expect(refused.headers.get(name)).toBe(value);
    }
  });
});
