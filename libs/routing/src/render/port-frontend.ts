import type { SectionLine, SectionSpec } from 'haproxy-config-parser';
import { listenerKey } from '../listen-address.js';
import type { Route, RouteListener } from '../route-table.js';
import { templateLines } from '../templates/route-templates.js';
import { type EdgeSettings, toSocketAddress, type Words } from './edge-settings.js';
import { handOver } from './handover.js';
import { httpRequestLines } from './host-frontends.js';

/** The frontend of a route that has a port of its own. */
export function portFrontend(route: Route, settings: EdgeSettings): readonly SectionSpec[] {
  const { listener, mode, backend } = route;
  if (listener === undefined) return [];
  const scheme = listener.certificates.length > 0 ? 'https' : 'http';
  const own = listener.address === undefined ? { bindAddr: bindAddrFor(listener, settings) } : {};
  const head = templateLines(route, 'FRONTEND_HEAD', own) ?? [
    ...bindLines(route, listener, settings),
    ['mode', mode],
  ];
  const glue = templateLines(route, 'FRONTEND_BACKEND_GLUE') ?? [['default_backend', backend]];
  const lines: readonly SectionLine[] = [
    ...head,
    ...(mode === 'http'
      ? [
          ...httpRequestLines({ kind: 'fixed', scheme }),
          ...handOver(settings, scheme, listenerKey(listener)),
        ]
      : []),
    ...glue,
  ];
  return [{ kind: 'frontend', name: portFrontendName(backend), lines }];
}

/** So that `{bindAddr}:{servicePort}` listens where the edge does, at all of its addresses. */
const bindAddrFor = ({ port }: RouteListener, { bindAddresses }: EdgeSettings): string =>
  bindAddresses
    .map((address) => toSocketAddress(address, port))
    .join(',')
    .replace(/:\d+$/, '');

/** Not that of the backend: asked for statistics of a name, HAProxy takes the first proxy that has it. */
export const portFrontendName = (backend: string): string => `${backend}:in`;

function bindLines(
  route: Route,
  { port, address, certificates, options }: RouteListener,
  settings: EdgeSettings,
): readonly Words[] {
  const addresses = address === undefined ? settings.bindAddresses : [address];
  return addresses.map((one) => [
    'bind',
    toSocketAddress(one, port),
    ...(certificates.length > 0
      ? ['ssl', ...certificates.flatMap((name) => ['crt', certificateFile(name, settings)])]
      : []),
    ...(certificates.length > 0 && route.mode === 'http' ? ['alpn', 'h2,http/1.1'] : []),
    ...options,
  ]);
}

/** A path stands for itself, a name for an uploaded certificate. */
export const certificateFile = (
  name: string,
  { certificateDirectory }: Pick<EdgeSettings, 'certificateDirectory'>,
): string =>
  name.includes('/') ? name : `${certificateDirectory}/${name.replace(/\.pem$/, '')}.pem`;
