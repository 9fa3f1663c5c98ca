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
