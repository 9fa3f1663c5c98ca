import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { sampleApp, sampleSettings, sampleTask } from '../../../test/support/edge-samples.js';
import { HaproxyVerdict } from '../../../test/support/haproxy-verdict.js';
import { buildRoutes } from './build-routes.js';
import { toEdgeModel } from './edge-model.js';
import { renderConfig, renderMap } from './render/render-config.js';

const FOLDER = fileURLToPath(new URL('../../../test/fixtures/haproxy/labels/', import.meta.url));

interface LabelCase {
  readonly labels: Readonly<Record<string, string>>;
  readonly app?: Partial<WireApp>;
}

const HTTP = { HAPROXY_0_VHOST: 'web.example' };
const check = {
  ...{ protocol: 'MESOS_HTTP', path: '/health', portIndex: 0, gracePeriodSeconds: 300 },
  ...{ intervalSeconds: 10, timeoutSeconds: 5, maxConsecutiveFailures: 2 },
};
const healthy = [{ alive: true, consecutiveFailures: 0, instanceId: 'i' }];
const twoPorts: Partial<WireApp> = {
  portDefinitions: [
    { port: 10_000, protocol: 'tcp', labels: {} },
    { port: 10_001, protocol: 'tcp', labels: {} },
  ],
  healthChecks: [{ ...check, portIndex: 1 }],
  tasks: [sampleTask('a', 0, { ports: [31_000, 31_001], healthCheckResults: healthy })],
};

/** One golden file each: what the label adds to, or changes in, the configuration of one app with two instances. */
const CASES: Readonly<Record<string, LabelCase>> = {
  'no-label': { labels: {} },
  enabled: { labels: { HAPROXY_0_ENABLED: 'true' } },
  vhost: { labels: { HAPROXY_0_VHOST: 'Web.Example,www.web.example,*.apps.example' } },
  path: { labels: { ...HTTP, HAPROXY_0_PATH: '/api /v2' } },
  'path-any-case': { labels: { ...HTTP, HAPROXY_0_PATH: '-i /api' } },
  'backend-weight': { labels: { ...HTTP, HAPROXY_0_PATH: '/api', HAPROXY_0_BACKEND_WEIGHT: '7' } },
  mode: { labels: { HAPROXY_0_MODE: 'http' } },
  balance: { labels: { ...HTTP, HAPROXY_0_BALANCE: 'leastconn' } },
  'balance-hash': { labels: { ...HTTP, HAPROXY_0_BALANCE: 'hdr(X-User)' } },
  'balance-url-param': { labels: { ...HTTP, HAPROXY_0_BALANCE: 'url_param user check_post' } },
  sticky: { labels: { ...HTTP, HAPROXY_0_STICKY: 'true' } },
  'redirect-to-https': { labels: { ...HTTP, HAPROXY_0_REDIRECT_TO_HTTPS: 'true' } },
  'use-hsts': { labels: { ...HTTP, HAPROXY_0_USE_HSTS: 'yes' } },
  'ssl-cert': { labels: { HAPROXY_0_MODE: 'http', HAPROXY_0_SSL_CERT: 'shop' } },
  'bind-options': { labels: { HAPROXY_0_BIND_OPTIONS: 'accept-proxy maxconn 100' } },
  'bind-addr': { labels: { HAPROXY_0_BIND_ADDR: '::1' } },
  port: { labels: { HAPROXY_0_PORT: '9000' } },
  auth: { labels: { ...HTTP, HAPROXY_0_AUTH: 'Our shop:bob:$5$salt$abc/def.' } },
  'proxypass-path': { labels: { ...HTTP, HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH: '/app.v1' } },
  'revproxy-path': { labels: { ...HTTP, HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH: '/app' } },
  redir: { labels: { ...HTTP, HAPROXY_0_HTTP_BACKEND_REDIR: '/start?x=1' } },
  'redir-escape': { labels: { ...HTTP, HAPROXY_0_HTTP_BACKEND_REDIR: '/a%20b' } },
  'revproxy-escape': { labels: { ...HTTP, HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH: '/a%20b' } },
  'network-allowed': {
    labels: { ...HTTP, HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL: '10.0.0.0/8 192.168.1.1 fd00::/8' },
  },
  'network-allowed-tcp': { labels: { HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL: '127.0.0.1/8' } },
  'health-check': {
    labels: HTTP,
    app: {
      healthChecks: [check],
      tasks: [sampleTask('a', 31_000, { healthCheckResults: healthy })],
    },
  },
  'health-check-tcp': {
    labels: {},
    app: {
      healthChecks: [{ ...check, protocol: 'MESOS_TCP' }],
      tasks: [sampleTask('a', 31_000, { healthCheckResults: healthy })],
    },
  },
  'health-check-https': {
    labels: HTTP,
    app: {
      healthChecks: [{ ...check, protocol: 'HTTPS' }],
      tasks: [sampleTask('a', 31_000, { healthCheckResults: healthy })],
    },
  },
  'healthcheck-off': {
    labels: { ...HTTP, HAPROXY_0_HEALTHCHECK: 'false' },
    app: {
      healthChecks: [check],
      tasks: [sampleTask('a', 31_000, { healthCheckResults: healthy })],
    },
  },
  'healthcheck-port-index': {
    labels: { ...HTTP, HAPROXY_0_BACKEND_HEALTHCHECK_PORT_INDEX: '1' },
    app: twoPorts,
  },
  'per-port': {
    labels: { HAPROXY_0_VHOST: 'zero.example', HAPROXY_1_PORT: '9001', HAPROXY_1_MODE: 'tcp' },
    app: twoPorts,
  },
  maxconn: { labels: { ...HTTP, HAPROXY_0_MAXCONN: '20' } },
  slowstart: { labels: { ...HTTP, HAPROXY_0_SLOWSTART: '30s' } },
  'send-proxy': { labels: { HAPROXY_0_SEND_PROXY: 'v2' } },
  'server-protocol-https': { labels: { ...HTTP, HAPROXY_0_SERVER_PROTOCOL: 'https' } },
  'server-protocol-h2': { labels: { ...HTTP, HAPROXY_0_SERVER_PROTOCOL: 'h2' } },
  'server-protocol-h2c': { labels: { ...HTTP, HAPROXY_0_SERVER_PROTOCOL: 'h2c' } },
  'ssl-passthrough': { labels: { ...HTTP, HAPROXY_0_SSL_PASSTHROUGH: 'true' } },
  'template-backend-head': {
    labels: {
      ...HTTP,
      HAPROXY_0_BACKEND_HEAD:
        '\nbackend {backend}\n  balance {balance}\n  mode {mode}\n  timeout server 5m\n',
    },
  },
  'template-frontend': {
    labels: {
      HAPROXY_0_FRONTEND_HEAD:
        '\nfrontend {backend}\n  bind {bindAddr}:{servicePort}{sslCert}{bindOptions}\n  mode {mode}\n  maxconn 7\n',
      HAPROXY_0_FRONTEND_BACKEND_GLUE: '  use_backend {backend}\n',
    },
  },
  'template-backend-options': {
    labels: {
      ...HTTP,
      HAPROXY_0_BACKEND_HTTP_OPTIONS: '  option forwardfor header X-Client\n  # of ours\n',
      HAPROXY_0_USE_HSTS: 'true',
      HAPROXY_0_BACKEND_HSTS_OPTIONS: '  http-response set-header X-Sts "max {{0}}"\n',
      HAPROXY_0_STICKY: 'true',
      HAPROXY_0_BACKEND_STICKY_OPTIONS: '  cookie MINE insert indirect nocache dynamic\n',
    },
  },
  'template-server': {
    labels: {
      ...HTTP,
      HAPROXY_0_BACKEND_SERVER_OPTIONS:
        '  server {serverName} {host_ipv4}:{port}{cookieOptions}{healthCheckOptions}{otherOptions} maxconn 9\n',
      HAPROXY_0_BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS:
        '  check inter 3s fall {healthCheckFalls}\n',
    },
    app: {
      healthChecks: [check],
      tasks: [sampleTask('a', 31_000, { healthCheckResults: healthy })],
    },
  },
  'template-http-rules': {
    labels: {
      ...HTTP,
      HAPROXY_0_HTTP_FRONTEND_ACL:
        '  acl host_{cleanedUpHostname} hdr(host) -i {hostname}\n  use_backend {backend} if host_{cleanedUpHostname}\n',
    },
  },
};

const options = {
  groups: ['*'],
  reservedPorts: new Set<number>(),
  lastKnownHealth: new Map<string, boolean>(),
};
const settings = {
  ...sampleSettings,
  tls: {
    port: 8443,
    certificateList: '/run/pacer/certificates.list',
    hasDefaultCertificate: false,
  },
};

describe('the configuration of each label', () => {
  const verdict = new HaproxyVerdict();
  beforeAll(() => verdict.open());
  afterAll(() => verdict.close());

  it.each(Object.entries(CASES))(
    '%s: as in its golden file, and HAProxy takes it',
    async (name, one) => {
      const tasks = [sampleTask('a', 31_000), sampleTask('b', 31_001)];
      const app = sampleApp('/web', { tasks, ...one.app, labels: one.labels });

      const table = buildRoutes([app], options);
      const model = toEdgeModel(table);
      const text = renderConfig(model, settings, 'golden');

      const maps = Object.entries(model.maps)
        .filter(([, entries]) => entries.size > 0)
        .map(([map, entries]) => `# ${map}\n${renderMap(map as 'hosts', entries)}`);
      expect(table.conflicts).toEqual([]);
      await expect([...maps, ownParts(text)].join('\n')).toMatchFileSnapshot(
        `${FOLDER}${name}.cfg`,
      );
      expect(await verdict.of(text)).toEqual({ accepted: true, output: '' });
    },
  );
});

/** The sections that are there for the app, and what it changes in those of the edge. */
function ownParts(text: string): string {
  const without = renderConfig(toEdgeModel({ routes: [], conflicts: [] }), settings, 'golden');
  const common = new Set(without.split('\n\n').map((section) => section.trim()));
  return text
    .split('\n\n')
    .map((section) => section.trim())
    .filter((section) => !common.has(section))
    .map((section) => `${section}\n`)
    .join('\n');
}
