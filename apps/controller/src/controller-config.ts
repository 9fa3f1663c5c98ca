import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type ChangeRules, DEFAULT_SERVICE_PORTS } from '#marathon-v2';
import { list, localUrl, numeric, parsed, portNumber, readConfig, text, urls } from '#platform';

/** The controller's settings from flags and environment. */
export interface ControllerConfig {
  readonly host: string;
  readonly port: number;
  /** The name others reach this host by. */
  readonly advertisedHost: string;
  readonly databaseUrl: string;
  readonly masterUrls: readonly string[];
  readonly uiFolder: string;
  /** Requests of the API at once; absent: no limit. */
  readonly maxRequests?: number;
  readonly taskUser: string;
  readonly rules: ChangeRules;
}

/** The UI's build lies beside the server's. */
const DEFAULT_UI_FOLDER = fileURLToPath(new URL('../../ui', import.meta.url));
const MAX_PORT = 65_535;
/** The daemons', the edge's own and that of DNS, as they are unless somebody says otherwise. */
const DEFAULT_RESERVED_PORTS = [8080, 5050, 5051, 9090, 8000, 8443, 8053];

/** Reads and checks the settings; throws ConfigError naming each wrong one. */
export function readControllerConfig(processUser: string): ControllerConfig {
  const { min, max } = DEFAULT_SERVICE_PORTS;
  const read = readConfig({
    host: text('PACER_HOST', '127.0.0.1'),
    port: portNumber('PACER_PORT', 8080),
    advertisedHost: text('PACER_ADVERTISED_HOST', ''),
    databaseUrl: text('DATABASE_URL'),
    masterUrls: urls('PACER_MASTER_URLS', [localUrl(5050)]),
    uiFolder: text('PACER_UI_DIR', DEFAULT_UI_FOLDER),
    taskUser: text('PACER_TASK_USER', processUser),
    maxRequests: numeric('PACER_MAX_CONCURRENT_REQUESTS', { fallback: 0, min: 0, max: 1_000_000 }),
    role: text('PACER_ROLE', '*'),
    residentRole: text('PACER_RESIDENT_ROLE', 'pacer'),
    features: list('PACER_FEATURES', ['gpu_resources']),
    defaultNetwork: text('PACER_DEFAULT_NETWORK_NAME', ''),
    reservedPorts: parsed('PACER_RESERVED_PORTS', readPorts, DEFAULT_RESERVED_PORTS),
    portMin: numeric('PACER_SERVICE_PORT_MIN', { fallback: min, min: 1, max: MAX_PORT }),
    portMax: numeric('PACER_SERVICE_PORT_MAX', { fallback: max, min: 1, max: MAX_PORT }),
  });
  const { maxRequests, ...rest } = read;
  return {
    ...rest,
    ...(maxRequests === 0 ? {} : { maxRequests }),
    advertisedHost: advertisedHost(read),
    rules: {
      defaultRole: read.role,
      residentRole: read.residentRole,
      features: new Set(read.features),
      servicePorts: { min: read.portMin, max: read.portMax },
      reservedPorts: new Set([...read.reservedPorts, read.port]),
      ...(read.defaultNetwork === '' ? {} : { defaultNetworkName: read.defaultNetwork }),
    },
  };
}

/** Reads `8080,9000-9010`; empty: none. */
function readPorts(value: string): readonly number[] {
  if (value.trim() === '') return [];
  return value.split(',').flatMap((part) => {
    const [, first, last = first] = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(part) ?? [];
    const [begin, end] = [Number(first), Number(last)];
    if (!(begin >= 1 && begin <= end && end <= MAX_PORT)) {
      throw new Error(`is not a list of ports and first-last within 1-${MAX_PORT}`);
    }
    return Array.from({ length: end - begin + 1 }, (_, index) => begin + index);
  });
}

/** As told, else the address bound to, else the host's own name. */
const advertisedHost = (read: {
  readonly host: string;
  readonly advertisedHost: string;
}): string => {
  if (read.advertisedHost !== '') return read.advertisedHost;
  return ['0.0.0.0', '::'].includes(read.host) ? hostname() : read.host;
};
