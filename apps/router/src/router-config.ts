import {
  list,
  localUrl,
  numeric,
  parsed,
  portNumber,
  readConfig,
  text,
  toggle,
  urls,
} from '#platform';
import { type DnsConfig, dnsSettings, toDnsConfig } from './dns/dns-config.js';
import { type HaproxyConfig, haproxySettings, toHaproxyConfig } from './haproxy/haproxy-config.js';

export const ROUTER_CONFIG = Symbol('ROUTER_CONFIG');

export interface RouterConfig {
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly controllerUrls: readonly string[];
  /** Addresses of every listener, IPv4 or IPv6, or `*`. */
  readonly edgeHosts: readonly string[];
  readonly edgeHttpPort: number;
  /** TLS by host name; 0: none. */
  readonly edgeTlsPort: number;
  /** Folder of `name.pem` files for TLS by host name; empty: none but uploaded ones. */
  readonly certificateDirectory: string;
  /** Apps by the header X-Marathon-App-Id; 0: none. */
  readonly edgeAppsPort: number;
  /** What comes to the HTTP and TLS ports begins with a PROXY protocol header. */
  readonly acceptsProxy: boolean;
  /** Only ports whose label ENABLED is true are served. */
  readonly isStrict: boolean;
  /** Apps may put lines of their own in place of the built-in ones. */
  readonly takesTemplates: boolean;
  /** Groups this edge serves; `*`: every app. */
  readonly groups: readonly string[];
  /** Ports apps must not listen on. */
  readonly reservedPorts: readonly number[];
  readonly dns: DnsConfig;
  readonly haproxy: HaproxyConfig;
}

const MAX_PORT = 65_535;

/** Reads the environment. Throws ConfigError naming each variable that cannot be used. */
export function readRouterConfig(): RouterConfig {
  const read = readConfig({
    host: text('PACER_HOST', '127.0.0.1'),
    port: portNumber('PACER_PORT', 9090),
    dataDirectory: text('PACER_DATA'),
    controllerUrls: urls('PACER_CONTROLLER_URLS', [localUrl(8080)]),
    edgeHosts: parsed('PACER_EDGE_HOST', readAddresses, ['127.0.0.1']),
    edgeHttpPort: numeric('PACER_EDGE_HTTP_PORT', { fallback: 8000, min: 1, max: MAX_PORT }),
    edgeTlsPort: numeric('PACER_EDGE_HTTPS_PORT', { fallback: 8443, min: 0, max: MAX_PORT }),
    edgeAppsPort: numeric('PACER_EDGE_APPS_PORT', { fallback: 0, min: 0, max: MAX_PORT }),
    certificateDirectory: text('PACER_EDGE_CERTIFICATES', ''),
    acceptsProxy: toggle('PACER_EDGE_ACCEPT_PROXY', false),
    isStrict: toggle('PACER_ROUTER_STRICT', false),
    takesTemplates: toggle('PACER_EDGE_TEMPLATES', true),
    groups: list('PACER_ROUTER_GROUPS', ['*']),
    reservedPorts: parsed('PACER_RESERVED_PORTS', readPorts, [8080, 5050, 5051]),
    ...dnsSettings,
    ...haproxySettings,
  });
  const dns = toDnsConfig(read);
  const edgePorts = [read.edgeHttpPort, read.edgeTlsPort, read.edgeAppsPort];
  const ownPorts = [read.port, ...edgePorts, ...(dns.isEnabled ? [dns.port] : [])].filter(
    (port) => port > 0,
  );
  return {
    ...read,
    reservedPorts: [...read.reservedPorts, ...ownPorts],
    dns,
    haproxy: toHaproxyConfig(read),
  };
}

const ADDRESS = /^(\*|[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:]{2,39})$/;
const MAX_ADDRESSES = 16;

/** Reads `127.0.0.1,::1`. */
function readAddresses(value: string): readonly string[] {
  const addresses = value.split(',').map((address) => address.trim().replace(/^\[(.*)\]$/, '$1'));
  if (addresses.length <= MAX_ADDRESSES && addresses.every((address) => ADDRESS.test(address))) {
    return addresses;
  }
  throw new Error(`is not a list of at most ${MAX_ADDRESSES} IP addresses, or *`);
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
