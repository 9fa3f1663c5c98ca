import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi({ rules: { reservedPorts: new Set([9090]) } });
});
afterAll(async () => {
  await api.daemon.close();
});

const web = (id: string, labels: Readonly<Record<string, string>>, port: number) => ({
  id,
  cmd: 'sleep 1',
  portDefinitions: [{ port }],
  labels: { HAPROXY_GROUP: 'external', ...labels },
});

describe('an app that asks for the route of another', () => {
  it('is refused, with the label, the value and the other app', async () => {
    await api.ask('POST', '/v2/apps', web('/shop', { HAPROXY_0_VHOST: 'shop.example' }, 10_100));

    const created = await api.ask(
      'POST',
      '/v2/apps',
      web('/copy', { HAPROXY_0_VHOST: 'shop.example' }, 10_100),
    );
    const dry = await api.ask(
      'PUT',
      '/v2/apps/copy?dryRun=true',
      web('/copy', { HAPROXY_0_PORT: '9090' }, 10_101),
    );

    expect(created.statusCode).toBe(422);
    expect(created.json()).toMatchObject({
      message: 'Object is not valid',
      details: [
        {
          path: '/labels/HAPROXY_0_VHOST',
          errors: ['/copy: host shop.example is already claimed by /shop (labels/HAPROXY_0_VHOST)'],
        },
        {
          path: '/portDefinitions(0)/port',
          errors: ['/copy: port 10100 is already claimed by /shop (portDefinitions(0)/port)'],
        },
      ],
    });
    expect(dry.statusCode).toBe(422);
    expect(dry.json().details[0].errors).toEqual([
      '/copy: port 9090 is reserved for the edge or a daemon',
    ]);
    expect(api.engine.root.apps.has('/copy' as never)).toBe(false);
  });

  it('is refused within one group too, and nothing of the group is changed', async () => {
    const group = {
      id: '/both',
      apps: [
        web('one', { HAPROXY_0_VHOST: 'both.example' }, 10_201),
        web('two', { HAPROXY_0_VHOST: 'both.example' }, 10_202),
      ],
    };

    const answer = await api.ask('PUT', '/v2/groups/both', group);

    expect(answer.statusCode).toBe(422);
    expect(JSON.stringify(answer.json())).toContain('/both/two: host both.example');
    expect(api.engine.root.apps.has('/both/one' as never)).toBe(false);
  });

  it('may be scaled, edited and moved to another host', async () => {
    const scaled = await api.ask('PUT', '/v2/apps/shop', { instances: 3 });
    const moved = await api.ask('PUT', '/v2/apps/shop', {
      labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'new.example' },
    });
    const taken = await api.ask(
      'POST',
      '/v2/apps',
      web('/copy', { HAPROXY_0_VHOST: 'shop.example' }, 10_300),
    );

    expect([scaled.statusCode, moved.statusCode, taken.statusCode]).toEqual([200, 200, 201]);
  });
});

describe('service ports', () => {
  let own: ApiUnderTest;
  beforeAll(async () => {
    own = await startApi({
      rules: {
        reservedPorts: new Set([10_000, 10_002, 9090]),
        servicePorts: { min: 10_000, max: 10_006 },
      },
    });
    const labels = { HAPROXY_GROUP: 'external', HAPROXY_0_PORT: '10003' };
    await own.ask('POST', '/v2/apps', web('/labelled', labels, 10_900));
  });
  afterAll(() => own.daemon.close());
  const plain = (id: string, port: number, more: object = {}) => ({
    ...{ id, cmd: 'sleep 1', portDefinitions: [{ port }], ...more },
  });
  const portOf = (id: string) => own.engine.root.apps.get(id as never)?.portDefinitions[0]?.port;

  it('are handed out beside those that are reserved, or that an app asks for by a label', async () => {
    const group = {
      id: '/many',
      apps: [
        plain('a', 0),
        plain('b', 0),
        { ...plain('c', 0), labels: { HAPROXY_0_PORT: '10004', HAPROXY_GROUP: 'external' } },
      ],
    };

    const created = await own.ask('PUT', '/v2/groups/many', group);
    const over = await own.ask('POST', '/v2/apps', plain('/over', 0));

    expect(created.statusCode).toBe(200);
    expect(['/many/a', '/many/b', '/many/c'].map(portOf)).toEqual([10_001, 10_005, 10_006]);
    expect(over.statusCode).toBe(422);
    expect(JSON.stringify(over.json())).toContain('no service port is left from 10000 to 10006');
  });

  it('that are reserved, or another app’s by its label, are taken without a label of the edge, with a warning', async () => {
    const reserved = await own.ask('POST', '/v2/apps', plain('/plain', 9090));
    const claimed = await own.ask('POST', '/v2/apps', plain('/second', 10_003));
    const mapped = await own.ask('POST', '/v2/apps', {
      ...{ id: '/mapped', cmd: 'sleep 1', networks: [{ mode: 'container/bridge' }] },
      container: { type: 'MESOS', portMappings: [{ containerPort: 80, servicePort: 9090 }] },
    });

    const answers = [reserved, claimed, mapped];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 201, 201]);
    const warnings = answers.map(({ headers }) => headers['pacer-warnings']);
    expect(warnings).toEqual([
      expect.stringContaining('/plain: port 9090 is reserved for the edge or a daemon'),
      expect.stringContaining(
        '/second: port 10003 is already claimed by /labelled (labels/HAPROXY_0_PORT)',
      ),
      expect.stringContaining('/mapped: port 9090 is reserved for the edge or a daemon'),
    ]);
  });

  it('may be a reserved number where it is a port of the host, or of something nobody routes to', async () => {
    const fixed = await own.ask('POST', '/v2/apps', plain('/fixed', 9090, { requirePorts: true }));
    const job = await own.ask('POST', '/v2/apps', plain('/job', 9090, { workload: 'job' }));

    expect([fixed.statusCode, job.statusCode]).toEqual([201, 201]);
    for (const { headers } of [fixed, job]) {
      expect(String(headers['pacer-warnings'])).not.toContain('reserved');
    }
  });

  it('that a label newly asks for are warned of', async () => {
    const labels = { HAPROXY_GROUP: 'external', HAPROXY_0_PORT: '10001' };

    const created = await own.ask('POST', '/v2/apps', web('/taker', labels, 10_901));

    expect(created.statusCode).toBe(201);
    expect(created.headers['pacer-warnings']).toContain(
      '/taker: port 10001 is a service port of /many/a too',
    );
  });
});
