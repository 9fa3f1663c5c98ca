import { describe, expect, it } from 'vitest';
import { sampleApp, sampleSettings, sampleTask } from '../../../../test/support/edge-samples.js';
import { buildRoutes } from '../build-routes.js';
import { toEdgeModel } from '../edge-model.js';
import { renderConfig } from '../render/render-config.js';
import { serverOptions } from '../render/server-options.js';

const options = {
  groups: ['*'],
  reservedPorts: new Set<number>(),
  lastKnownHealth: new Map<string, boolean>(),
};
const served = (labels: Readonly<Record<string, string>>, host = '127.0.0.1') => {
  const tasks = [sampleTask('a', 31_000, { host })];
  const table = buildRoutes(
    [sampleApp('/web', { labels: { HAPROXY_0_VHOST: 'web.example', ...labels }, tasks })],
    options,
  );
  return { ...table, text: renderConfig(toEdgeModel(table), sampleSettings, 'g') };
};
const reasonsOf = (name: string, text: string): readonly string[] =>
  served({ [`HAPROXY_0_${name}`]: text }).conflicts.map(({ reason }) => reason);

describe('a template may not say what is the edges own', () => {
  it.each([
    ['BACKEND_HEAD', '  server static 10.0.0.1:80', 'server'],
    [
      'BACKEND_HTTP_OPTIONS',
      '  option forwardfor\n  server-template s 3 a.example:80',
      'server-template',
    ],
    ['BACKEND_HEAD', 'backend {backend}\n  default-server weight 10', 'default-server'],
    ['BACKEND_HEAD', '  disabled', 'disabled'],
    ['BACKEND_HEAD', '  load-server-state-from-file global', 'load-server-state-from-file'],
    ['BACKEND_SERVER_OPTIONS', 'server {serverName} {host_ipv4}:{port} weight 5', 'weight'],
    [
      'BACKEND_SERVER_OPTIONS',
      'server {serverName} {host_ipv4}:{port} check "disabled"',
      'disabled',
    ],
    ['BACKEND_SERVER_TCP_HEALTHCHECK_OPTIONS', 'check agent-check agent-port 9', 'agent-check'],
    ['BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS', 'track other/one', 'track'],
  ])('%s: %s', (name, text, word) => {
    const [reason, ...more] = reasonsOf(name, text);

    expect(reason).toMatch(
      new RegExp(`^HAPROXY_0_${name}: ${word} is the edge's own: .+; the built-in text is used$`),
    );
    expect(more).toEqual([]);
    const [route] = served({ [`HAPROXY_0_${name}`]: text }).routes;
    expect(route?.templates.size).toBe(0);
  });

  it('and says what may be done instead', () => {
    const [reason] = reasonsOf('BACKEND_SERVER_OPTIONS', 'server a b:1 weight 5');

    expect(reason).toContain('HAPROXY_0_TRAFFIC_WEIGHT');
  });

  it('while words that are good elsewhere stay', () => {
    const head = 'frontend {backend}\n  bind {bindAddr}:{servicePort}\n  disabled\n  mode {mode}';
    const rule = '  http-request set-header X-Server weight';

    expect(reasonsOf('FRONTEND_HEAD', head)).toEqual([]);
    expect(reasonsOf('BACKEND_HTTP_OPTIONS', rule)).toEqual([]);
    expect(reasonsOf('BACKEND_SERVER_OPTIONS', 'server a b:1 backup maxconn 3')).toEqual([]);
  });
});

describe('a template listens only where its app does', () => {
  it.each(['*:10000', ':10000', '127.0.0.1:10000', '[::1]:10000', 'ipv6@[::1]:10000,:10000'])(
    '%s is its own',
    (address) => {
      expect(reasonsOf('FRONTEND_HEAD', `  bind ${address}\n  mode http`)).toEqual([]);
    },
  );

  it.each(['*:8000', ':10000-10009', '/run/x.sock', 'unix@/run/x:10000', 'fd@3', ':10000,:1'])(
    '%s is not',
    (address) => {
      const [reason] = reasonsOf('FRONTEND_HEAD', `  bind ${address}\n  mode http`);

      expect(reason).toContain(`bind ${address}: only the app's own listen address`);
      expect(reason).toContain('*:10000');
    },
  );

  it('and in the frontends of all apps not at all', () => {
    const [reason] = reasonsOf('HTTP_FRONTEND_ACL', '  bind :9999');

    expect(reason).toContain('bind :9999');
  });

  it('at the address the app asks for, in whatever form', () => {
    const at = (address: string) =>
      served({ HAPROXY_0_BIND_ADDR: '::1', HAPROXY_0_FRONTEND_HEAD: `bind ${address}\nmode http` })
        .conflicts;

    expect(at('[0:0:0:0:0:0:0:1]:10000')).toEqual([]);
    expect(at('*:10000')).toHaveLength(1);
  });
});

it('placeholders of a server are only known where a server is written', () => {
  expect(reasonsOf('BACKEND_HEAD', '  # {serverName}\n  mode {mode}')).toEqual([
    'HAPROXY_0_BACKEND_HEAD: {serverName} is not a placeholder here; the built-in text is used',
  ]);
  expect(reasonsOf('BACKEND_SERVER_OPTIONS', 'server {serverName} {host}:{port}')).toEqual([]);
});

it('what is checked to be good is what is written', () => {
  const { routes } = served({
    HAPROXY_0_BACKEND_SERVER_OPTIONS: 'server {serverName} {host_ipv4}:{port} maxconn 9',
  });

  expect(routes.map(serverOptions)).toEqual([['maxconn', '9']]);
});

describe('addresses are written as HAProxy tells them', () => {
  it.each([
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
  ])('%s', (given, written) => {
    const { routes, text } = served({}, given);

    expect(routes[0]?.endpoints[0]).toMatchObject({
      address: written,
      name: `${written.replaceAll(':', '_')}_31000`,
    });
    expect(text).not.toContain(given);
  });

  it('and those nobody can have lead nowhere', () => {
    expect(served({}, '::10.0.0.1').routes[0]?.endpoints).toEqual([]);
    expect(served({}, '::1').routes[0]?.endpoints).toHaveLength(1);
  });

  it('in bind lines and lists of networks too', () => {
    const { text, conflicts } = served({
      HAPROXY_0_BIND_ADDR: '[2001:DB8::0:1]',
      HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL: 'FD00:0::/8 10.1.2.3 1:2:3 300.1.1.1 10.0.0.0/33',
    });

    expect(text).toContain('bind ipv6@[2001:db8::1]:10000');
    expect(text).toContain('acl network_allowed src fd00::/8 10.1.2.3\n');
    expect(conflicts.map(({ reason }) => reason.split(':').slice(1).join(':').trim())).toEqual([
      '"1:2:3" is not an address or network',
      '"300.1.1.1" is not an address or network',
      '"10.0.0.0/33" is not an address or network',
    ]);
    expect(served({ HAPROXY_0_BIND_ADDR: '10.0.0.999' }).conflicts).toHaveLength(1);
  });
});
