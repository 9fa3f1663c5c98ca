import { list, localUrl, numeric, parsed, portNumber, readConfig, text, urls } from '#platform';
import { type DnsConfig, dnsSettings, toDnsConfig } from './dns/dns-config.js';

export const ROUTER_CONFIG = Symbol('ROUTER_CONFIG');

export interface RouterConfig {
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly controllerUrls: readonly string[];
  readonly edgeHost: string;
  readonly edgeHttpPort: number;
  /** Groups this edge serves; `*`: every app. */
  readonly groups: readonly string[];
  /** Ports apps must not listen on. */
  readonly reservedPorts: readonly number[];
  readonly dns: DnsConfig;
}

const MAX_PORT = 65_535;

/** Reads the environment. Throws ConfigError naming each variable that cannot be used. */
export function readRouterConfig(): RouterConfig {
  const read = readConfig({
    host: text('PACER_HOST', '127.0.0.1'),
    port: portNumber('PACER_PORT', 9090),
    dataDirectory: text('PACER_DATA'),
    controllerUrls: urls('PACER_CONTROLLER_URLS', [localUrl(8080)]),
    edgeHost: text('PACER_EDGE_HOST', '127.0.0.1'),
    edgeHttpPort: numeric('PACER_EDGE_HTTP_PORT', { fallback: 8000, min: 1, max: 65_535 }),
    groups: list('PACER_ROUTER_GROUPS', ['*']),
    reservedPorts: parsed('PACER_RESERVED_PORTS', readPorts, [8080, 5050, 5051]),
    ...dnsSettings,
  });
  const dns = toDnsConfig(read);
  const ownPorts = [read.port, read.edgeHttpPort, ...(dns.isEnabled ? [dns.port] : [])];
  return {
    ...read,
    reservedPorts: [...read.reservedPorts, ...ownPorts],
    dns,
  };
}

/** Reads `8080,31000-32000`. */
function readPorts(value: string): readonly number[] {
  return value.split(',').flatMap((part) => {
    const [, first, last = first] = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(part) ?? [];
    const [begin, end] = [Number(first), Number(last)];
    if (!(begin >= 1 && begin <= end && end <= MAX_PORT)) {
      throw new Error(`is not a list of ports and first-last within 1-${MAX_PORT}`);
    }
    return Array.from({ length: end - begin + 1 }, (_, index) => begin + index);
  });
}
