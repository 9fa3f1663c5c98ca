// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import fc from 'fast-check';
import { parse, print, sections } from 'haproxy-config-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { sampleApp, sampleSettings, sampleTask } from '../../../test/support/edge-samples.js';
import { HaproxyVerdict } from '../../../test/support/haproxy-verdict.js';
import { buildRoutes } from './build-routes.js';
import { toEdgeModel } from './edge-model.js';
import { renderConfig, renderMap } from './render/render-config.js';
import { PORT_TEMPLATES } from './templates/template-names.js';

/** How many configurations HAProxy is asked about; more of them with PACER_FUZZ_RUNS. */
const RUNS = Number(process.env['PACER_FUZZ_RUNS'] ?? 40);

const VALUES: Readonly<Record<string, readonly string[]>> = {
  GROUP: ['external', 'a,b'],
  ENABLED: ['true', 'no'],
  VHOST: ['a.example', 'b.example,*.example', 'x_y.example', '*'],
  PATH: ['/a', '-i /B /c', '/a b', '/q"x', '/a%20b'],
  BACKEND_WEIGHT: ['3', '-1', 'x'],
  TRAFFIC_WEIGHT: ['0', '256', '257'],
  MODE: ['http', 'tcp', 'health'],
  BALANCE: ['leastconn', 'uri depth 2', 'hdr(X)', 'random(3)', 'static-rr', 'url_param a'],
  STICKY: ['true'],
  REDIRECT_TO_HTTPS: ['t'],
  USE_HSTS: ['yes'],
  SSL_CERT: ['shop', '../shop', '/etc/passwd x'],
  BIND_OPTIONS: ['accept-proxy', 'maxconn 10 name "a b"', '"'],
  BIND_ADDR: ['*', '127.0.0.1', '::1', 'host'],
  PORT: ['9000', '0', '70000'],
  AUTH: ['realm:user:$5$a$b', 'realm', 'a b:c:d e', '50% off:u:$5$a$b', ' '],
  HTTP_BACKEND_PROXYPASS_PATH: ['/x', '/x.(y', 'x', '/a%20b'],
  HTTP_BACKEND_REVPROXY_PATH: ['/x', '/', '\\1', '/a%20b', '/%ci'],
  HTTP_BACKEND_REDIR: ['/start', 'https://a.example/', 'ftp://x', '/a%20b', '/%H'],
  BACKEND_NETWORK_ALLOWED_ACL: ['10.0.0.0/8', '::1', '10.0.0.999', 'localhost'],
  BACKEND_HEALTHCHECK_PORT_INDEX: ['0', '1', '7'],
  HEALTHCHECK: ['true', 'false'],
  MAXCONN: ['5', '-5'],
  SLOWSTART: ['5s', '5h'],
  SEND_PROXY: ['v1', 'v2', 'v3'],
  SERVER_PROTOCOL: ['https', 'h2', 'h2c', 'spdy'],
  SSL_PASSTHROUGH: ['true', 'false'],
};

/** What would leave its place if it were not quoted or refused. */
const nasty = fc.constantFrom(
  '\nglobal\n  daemon',
  '"\n\nbackend evil\n  mode tcp',
  "' server evil 1.2.3.4:5",
  '\\',
  '\0',
  '#',
  '$HOME ${HOME}',
  '%[env(HOME)]',
  '{backend}',
  '} { always_true }',
  '\r\nlisten evil',
  '; disable server web/x',
  '\u2028 \u00a0 \u0085',
);
const labelValue = (name: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...(VALUES[name] ?? [''])) },
    { weight: 1, arbitrary: nasty },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...(VALUES[name] ?? [''])), nasty)
        .map((parts) => parts.join('')),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  );
const namesArbitrary = fc.subarray(Object.keys(VALUES));
const labelsOf = (index: number): fc.Arbitrary<Readonly<Record<string, string>>> =>
  namesArbitrary.chain((names) =>
    fc
      .tuple(...names.map(labelValue))
      .map((values) =>
        Object.fromEntries(names.map((name, at) => [`HAPROXY_${index}_${name}`, values[at] ?? ''])),
      ),
  );
const check = {
  ...{ path: '/health', gracePeriodSeconds: 1, intervalSeconds: 10, timeoutSeconds: 5 },
  maxConsecutiveFailures: 3,
};
const results = [{ alive: true, consecutiveFailures: 0, instanceId: 'i' }];

const appArbitrary: fc.Arbitrary<WireApp> = fc
  .record({
    id: fc.constantFrom('/web', '/shop/api', '/a-b/c.d', '/x'),
    zero: labelsOf(0),
    one: labelsOf(1),
    group: fc.constantFrom('', 'blue-green'),
    checks: fc.array(
      fc.record({
        protocol: fc.constantFrom('HTTP', 'MESOS_HTTPS', 'TCP', 'COMMAND'),
        portIndex: fc.constantFrom(0, 1),
      }),
      { maxLength: 2 },
    ),
    hosts: fc.array(fc.constantFrom('127.0.0.1', '10.0.0.1', '::1', 'fd00::1'), { maxLength: 3 }),
    protocol: fc.constantFrom('tcp', 'udp', 'udp,tcp'),
  })
  .map(({ id, zero, one, group, checks, hosts, protocol }) =>
    sampleApp(id, {
      labels: { ...zero, ...one, ...(group !== '' && { HAPROXY_DEPLOYMENT_GROUP: group }) },
      healthChecks: checks.map((one) => ({ ...check, ...one })),
      portDefinitions: [
        { port: 10_000, protocol: 'tcp', labels: {} },
        { port: 10_001, protocol, labels: {} },
      ],
      tasks: hosts.map((host, index) =>
        sampleTask(`${id}.${index}`, 0, {
          host,
          ports: [31_000 + index, 32_000 + index],
          healthCheckResults: results,
        }),
      ),
    }),
  );
const appsArbitrary = fc.uniqueArray(appArbitrary, { selector: ({ id }) => id, maxLength: 4 });

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
  appsPort: 9091,
};
const configOf = (apps: readonly WireApp[]): string =>
  renderConfig(toEdgeModel(buildRoutes(apps, options)), settings, 'fuzz');

/** Every section a configuration of these apps may have. */
function expectPlaces(apps: readonly WireApp[], text: string): void {
  const table = buildRoutes(apps, options);
  const own = new Set(
    table.routes.flatMap(({ backend }) => [backend, `user_${backend}`, `${backend}:in`]),
  );
  const found = sections(parse(text));
  const strange = found.filter(
    ({ kind, name = '' }) =>
      !(kind === 'global' || name === 'edge' || name.startsWith('edge_') || own.has(name)),
  );
  expect(strange.map(({ kind, name }) => `${kind} ${name}`)).toEqual([]);
  const empty = sections(parse(configOf([])));
  const words = (list: typeof found) =>
    list
      .filter(({ kind }) => kind === 'global' || kind === 'defaults')
      .map(({ statements }) => statements.map((one) => one.words));
  expect(words(found)).toEqual(words(empty));
  const backends = new Map(
    table.routes.map(({ backend, endpoints }) => [backend, endpoints.length]),
  );
  for (const { kind, name = '', servers, binds, statements } of found) {
    if (kind === 'backend' && backends.has(name))
      expect(servers).toHaveLength(backends.get(name) ?? 0);
    expect(statements.filter(({ words: [keyword] }) => keyword === 'default-server')).toEqual([]);
    if (kind === 'frontend' && own.has(name)) {
      expect(binds.filter(({ address }) => !/:(9000|1000[01])$/.test(address))).toEqual([]);
    }
  }
}

describe('labels of any text', () => {
  const verdict = new HaproxyVerdict();
  beforeAll(() => verdict.open());
  afterAll(() => verdict.close());

  it('make configurations that HAProxy takes', async () => {
    await fc.assert(
      fc.asyncProperty(appsArbitrary, async (apps) => {
        const text = configOf(apps);

        expect(await verdict.of(text)).toEqual({ accepted: true, output: '' });
      }),
      { numRuns: RUNS },
    );
  }, 600_000);

  it('stay in their place: no section, global line or server is there that should not be', () => {
    fc.assert(
      fc.property(appsArbitrary, (apps) => {
        const text = configOf(apps);

        expect(print(parse(text))).toBe(text);
        expectPlaces(apps, text);
      }),
      { numRuns: 300 },
    );
  });

  it('stay in their place as templates too', () => {
    const line = fc.oneof(
      nasty,
      fc.constantFrom(
        '  option httplog',
        ...[
          'server evil 1.2.3.4:5',
          'se"rv"er evil 1.2.3.4:5',
          'default-server weight 3',
          'bind :1',
        ],
        'backend {backend}',
        'frontend x',
        '{{}}',
        '{',
        '{path} {realm}',
        '[x',
        '.if 1',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    const template = fc.array(line, { maxLength: 3 }).map((lines) => lines.join('\n'));
    const overrides = fc.dictionary(fc.constantFrom(...PORT_TEMPLATES), template);
    fc.assert(
      fc.property(appArbitrary, overrides, (app, templates) => {
        const labels = Object.fromEntries(
          Object.entries(templates).map(([name, text]) => [`HAPROXY_0_${name}`, text]),
        );
        const apps = [{ ...app, labels: { ...app.labels, ...labels } }];

        expectPlaces(apps, configOf(apps));
      }),
      { numRuns: 300 },
    );
  });

  it('make map files of two words a line', () => {
    fc.assert(
      fc.property(appsArbitrary, (apps) => {
        const { maps } = toEdgeModel(buildRoutes(apps, options));
        for (const [name, entries] of Object.entries(maps)) {
          const lines = renderMap(name as 'hosts', entries)
            .split('\n')
            .slice(0, -1);

          expect(lines).toHaveLength(entries.size);
          expect(lines.filter((text) => !/^[^\s#]\S* \S+$/.test(text))).toEqual([]);
        }
      }),
    );
  });
});
