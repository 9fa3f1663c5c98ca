import { readFileSync } from 'node:fs';
import type {
  WireCertificate,
  WireCertificates,
  WireRoute,
  WireRouteProblem,
  WireRouterStanding,
  WireRoutes,
} from '#marathon-v2';
import type { CommandPorts } from './command-ports.js';
import { resourcePath } from './resource-path.js';
import { formatTable } from './text-table.js';

export interface RouteFlags {
  readonly app?: string;
  readonly vhost?: string;
}

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Routes asked for at a time, and pages of them at most. */
const PAGE = 1_000;
const MAX_PAGES = 1_000;

/** Commands on what the edge serves. */
export const createEdgeCommands = ({
  request,
  print,
}: Pick<CommandPorts, 'request' | 'print'>) => ({
  async listRoutes(flags: RouteFlags): Promise<void> {
    const ask = (after?: string): Promise<WireRoutes> =>
      request<WireRoutes>('/v2/routes', {
        query: { app: flags.app, vhost: flags.vhost, limit: PAGE, after },
      });
    const first = await ask();
    const routes = [...first.routes];
    for (let page = 1; routes.length < first.total && page < MAX_PAGES; page += 1) {
      const more = (await ask(routes.at(-1)?.id)).routes;
      if (more.length === 0) break;
      routes.push(...more);
    }
    const answer = { ...first, routes };
    print(answer, () => formatRoutes(answer));
  },
  async listRouters(): Promise<void> {
    const answer = await request<{ readonly routers: readonly WireRouterStanding[] }>(
      '/v2/routers',
    );
    print(answer, () => formatRouters(answer.routers));
  },
  async listCertificates(): Promise<void> {
    const answer = await request<WireCertificates>('/v2/certificates');
    print(answer, () => formatCertificates(answer.certificates));
  },
  async putCertificate(name: string, { cert, key }: CertificateFiles): Promise<void> {
    const body = { certificate: readText(cert), key: readText(key) };
    const path = resourcePath('/v2/certificates', name);
    const answer = await request<WireCertificate>(path, { method: 'PUT', body });
    print(answer, () => `${name} is stored: ${answer.hosts.join(', ')}, until ${answer.notAfter}`);
  },
  async deleteCertificate(name: string): Promise<void> {
    const answer = await request(resourcePath('/v2/certificates', name), { method: 'DELETE' });
    print(answer, () => `${name} is removed`);
  },
});

function readText(file: string): string {
  return readFileSync(file === '-' ? 0 : file, 'utf8');
}

/** The routes, then everything that stands against them. */
export function formatRoutes({ routes, problems, omittedProblems = 0 }: WireRoutes): string {
  const table = formatTable(
    ['ROUTE', 'APP', 'INSTANCES', 'REQ/S', 'LATENCY', 'ERRORS', 'ROUTERS'],
    routes.flatMap(toRows),
  );
  if (problems.length === 0) return table;
  const more = omittedProblems > 0 ? [`  and ${omittedProblems} more`] : [];
  return [table, '', 'PROBLEMS', ...problems.map(describeProblem), ...more].join('\n');
}

/** Further addresses of a route stand below the first. */
function toRows(route: WireRoute): readonly (readonly (string | number)[])[] {
  const { traffic } = route;
  const [first = '', ...rest] = addressesOf(route);
  const errors = (traffic?.errors5xx ?? 0) + (traffic?.errorsConnect ?? 0);
  const row = [
    first,
    `${route.appId}${route.portIndex > 0 ? `:${route.portIndex}` : ''}`,
    describeInstances(route),
    round(traffic?.requestsPerSecond),
    traffic?.responseMs === undefined ? '' : `${round(traffic.responseMs)} ms`,
    traffic === undefined ? '' : errors,
    Object.keys(route.routers).join(' '),
  ];
  return [row, ...rest.map((address) => [address, '', '', '', '', '', ''])];
}

function addressesOf({ vhosts, paths, listenPort }: WireRoute): readonly string[] {
  const suffixes = paths.length === 0 ? [''] : paths;
  const hosts = vhosts.flatMap((host) => suffixes.map((path) => `${host}${path}`));
  return listenPort === undefined ? hosts : [...hosts, `port ${listenPort}`];
}

function describeInstances({ instances, outside, leaving }: WireRoute): string {
  const ready = instances.filter(({ state }) => state === 'ready').length;
  const draining = instances.length - ready;
  return [
    `${ready} ready`,
    ...(draining > 0 ? [`${draining} draining`] : []),
    ...(outside.length > 0 ? [`${outside.length} outside`] : []),
    ...(leaving ? ['leaving'] : []),
  ].join(', ');
}

const describeProblem = ({ kind, appId, router, message }: WireRouteProblem): string =>
  `  ${[kind, router, appId].filter((part) => part !== undefined).join(' ')}: ${message}`;

const formatRouters = (routers: readonly WireRouterStanding[]): string =>
  formatTable(
    ['ROUTER', 'STATE', 'APPLIED', 'REQ/S', 'HAPROXY', 'HEARD', 'URL'],
    routers.map((router) => [
      router.id,
      describeStanding(router),
      router.appliedSequence,
      round(router.haproxy?.requestsPerSecond),
      router.haproxy?.version ?? '',
      router.heardAt,
      router.url ?? '',
    ]),
  );

function describeStanding({ isRecent, behindEvents, behindSeconds }: WireRouterStanding): string {
  if (!isRecent) return 'silent';
  if (behindEvents === 0) return 'up to date';
  const late = behindSeconds === undefined ? '' : `, ${behindSeconds} s`;
  return `${behindEvents} events behind${late}`;
}

const formatCertificates = (certificates: readonly WireCertificate[]): string =>
  formatTable(
    ['CERTIFICATE', 'UNTIL', 'ISSUER', 'HOSTS'],
    certificates.map(({ name, notAfter, issuer, hosts }) => [
      name,
      notAfter,
      issuer,
      hosts.join(' '),
    ]),
  );

const round = (value: number | undefined): string | number =>
  value === undefined ? '' : Math.round(value * 10) / 10;
