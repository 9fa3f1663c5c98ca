import { describe, expect, it } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { sampleApp, sampleTask } from '../../../test/support/edge-samples.js';
import { buildRoutes } from './build-routes.js';

const options = {
  groups: ['*'],
  reservedPorts: new Set<number>(),
  lastKnownHealth: new Map<string, boolean>(),
};
const web = (labels: Readonly<Record<string, string>>): WireApp =>
  sampleApp('/web', {
    labels: { HAPROXY_0_VHOST: 'web.example', ...labels },
    tasks: [sampleTask('a', 31_000)],
  });
const other = sampleApp('/other', {
  portDefinitions: [{ port: 10_009, protocol: 'tcp', labels: {} }],
});

describe('what was to be closed and cannot be', () => {
  const acl = 'http-request deny unless {{ src 10.0.0.0/8 }}';

  it.each([
    ['AUTH', ''],
    ['AUTH', ' \n '],
    ['BACKEND_NETWORK_ALLOWED_ACL', ''],
    ['BACKEND_NETWORK_ALLOWED_ACL', '\t'],
    ['HTTP_BACKEND_NETWORK_ALLOWED_ACL', ' '],
    ['HTTP_BACKEND_NETWORK_ALLOWED_ACL', `${acl}\nlisten evil`],
    ['HTTP_BACKEND_NETWORK_ALLOWED_ACL', `${acl} {nobody}`],
    ['HTTP_BACKEND_NETWORK_ALLOWED_ACL', `${acl}${'x'.repeat(17_000)}`],
  ])('%s %j: the port is not published, others are', (name, text) => {
    const { routes, conflicts } = buildRoutes(
      [web({ [`HAPROXY_0_${name}`]: text }), other],
      options,
    );

    expect(routes.map(({ appId }) => appId)).toEqual(['/other']);
    expect(conflicts.at(-1)).toMatchObject({
      ...{ kind: 'label', appId: '/web', portIndex: 0 },
      reason: expect.stringMatching(new RegExp(`^HAPROXY_0_${name}: .*the port is not published$`)),
    });
  });

  it('nor is it at an edge that takes no templates', () => {
    const app = web({ HAPROXY_0_HTTP_BACKEND_NETWORK_ALLOWED_ACL: acl });

    expect(buildRoutes([app], options).routes).toHaveLength(1);
    expect(buildRoutes([app], { ...options, refusesTemplates: true }).routes).toEqual([]);
  });

  it.each(['10.0.0.999', 'localhost', '10.0.0.0/8'])(
    'BIND_ADDR %s: the port listens nowhere, its host goes on',
    (address) => {
      const { routes, conflicts } = buildRoutes([web({ HAPROXY_0_BIND_ADDR: address })], options);

      expect(routes).toMatchObject([{ vhosts: ['web.example'] }]);
      expect(routes[0]).not.toHaveProperty('listener');
      expect(conflicts.map(({ reason }) => reason)).toEqual([
        `HAPROXY_0_BIND_ADDR: "${address}" is not an IP address or *; the port is not listened on`,
      ]);
    },
  );

  it('leaves the other ports of the app alone', () => {
    const app = web({ HAPROXY_1_AUTH: '' });
    const ports = [10_000, 10_001].map((port) => ({ port, protocol: 'tcp', labels: {} }));

    const { routes } = buildRoutes([{ ...app, portDefinitions: ports }], options);

    expect(routes.map(({ portIndex }) => portIndex)).toEqual([0]);
  });
});
