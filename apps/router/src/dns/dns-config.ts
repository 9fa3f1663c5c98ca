import { BlockList, isIP } from 'node:net';
import { ConfigError, numeric, parsed, portNumber, toggle } from '#platform';
import { isDomain, isInDomain, MAX_LABEL } from '#routing';

/** A server other questions are passed on to. */
export interface Resolver {
  readonly address: string;
  readonly port: number;
}

export interface DnsConfig {
  readonly isEnabled: boolean;
  readonly host: string;
  /** UDP and TCP; 0 takes a free one. */
  readonly port: number;
  readonly domain: string;
  readonly mesosDomain: string;
  readonly framework: string;
  readonly ttlSeconds: number;
  readonly maxRecords: number;
  /** Of SRV records whose app has no `DNS_WEIGHT`. */
  readonly weight: number;
  readonly maxConnections: number;
  /** Addresses of the routers' edges; empty: this router's own. */
  readonly edgeAddresses: readonly string[];
  /** Empty: questions for other names are refused. */
  readonly resolvers: readonly Resolver[];
  /** Who may ask for other names. */
  readonly forwardClients: BlockList;
}

const DNS_PORT = 53;
/** Leaves room for the names of apps. */
const MAX_DOMAIN = 100;
const MAX_RESOLVERS = 8;
const LOOPBACK = '127.0.0.0/8,::1/128';

/** The settings of DNS, for `readConfig`. */
export const dnsSettings = {
  dns: toggle('PACER_DNS', true),
  dnsHost: parsed('PACER_DNS_HOST', readAddress, '127.0.0.1'),
  dnsPort: portNumber('PACER_DNS_PORT', 8053),
  dnsDomain: parsed('PACER_DNS_DOMAIN', readDomain, 'pacer'),
  dnsMesosDomain: parsed('PACER_DNS_MESOS_DOMAIN', readDomain, 'mesos'),
  dnsFramework: parsed('PACER_DNS_FRAMEWORK', readLabel, 'marathon'),
  dnsTtl: numeric('PACER_DNS_TTL_SECONDS', { fallback: 5, min: 0, max: 30 }),
  dnsMaxRecords: numeric('PACER_DNS_MAX_RECORDS', { fallback: 1_000, min: 1, max: 1_000 }),
  dnsWeight: numeric('PACER_DNS_SRV_WEIGHT', { fallback: 1, min: 0, max: 65_535 }),
  dnsConnections: numeric('PACER_DNS_MAX_CONNECTIONS', { fallback: 256, min: 1, max: 10_000 }),
  dnsEdgeAddresses: parsed('PACER_DNS_EDGE_ADDRESSES', readAddresses, []),
  dnsResolvers: parsed('PACER_DNS_RESOLVERS', readResolvers, []),
  dnsForwardClients: parsed('PACER_DNS_FORWARD_CLIENTS', readNetworks, readNetworks(LOOPBACK)),
} as const;

type Settings = typeof dnsSettings;
type Read = {
  readonly [Name in keyof Settings]: ReturnType<Settings[Name]['parse']>;
};

/** Throws ConfigError where two settings do not go together. */
export function toDnsConfig(read: Read): DnsConfig {
  const [domain, mesosDomain] = [read.dnsDomain, read.dnsMesosDomain];
  if (isInDomain(domain, mesosDomain) || isInDomain(mesosDomain, domain)) {
    throw new ConfigError(
      `PACER_DNS_MESOS_DOMAIN: "${mesosDomain}" and PACER_DNS_DOMAIN "${domain}" must not be within each other`,
    );
  }
  return {
    isEnabled: read.dns,
    host: read.dnsHost,
    port: read.dnsPort,
    domain,
    mesosDomain,
    framework: read.dnsFramework,
    ttlSeconds: read.dnsTtl,
    maxRecords: read.dnsMaxRecords,
    weight: read.dnsWeight,
    maxConnections: read.dnsConnections,
    edgeAddresses: read.dnsEdgeAddresses,
    resolvers: read.dnsResolvers,
    forwardClients: read.dnsForwardClients,
  };
}

function readDomain(value: string): string {
  const domain = value.trim().toLowerCase().replace(/\.$/, '');
  if (isDomain(domain) && domain.length <= MAX_DOMAIN) return domain;
  throw new Error(
    `is not a domain of letters, digits and hyphens, at most ${MAX_DOMAIN} characters long`,
  );
}

function readLabel(value: string): string {
  const label = value.trim().toLowerCase();
  if (isDomain(label) && !label.includes('.')) return label;
  throw new Error(`is not a label of up to ${MAX_LABEL} letters, digits and hyphens`);
}

function readAddress(value: string): string {
  if (isIP(value.trim()) !== 0) return value.trim();
  throw new Error('is not an IP address');
}

function readAddresses(value: string): readonly string[] {
  return partsOf(value).map((part) => {
    if (isIP(part) === 0) throw new Error(`is not a list of IP addresses ("${part}")`);
    return part;
  });
}

/** `10.0.0.2`, `10.0.0.2:53`, `fd00::2` or `[fd00::2]:53`. */
function readResolvers(value: string): readonly Resolver[] {
  const resolvers = partsOf(value).map((part) => {
    if (isIP(part) !== 0) return { address: part, port: DNS_PORT };
    const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(part) ?? [];
    const address = v6 ?? v4 ?? '';
    const isSound = isIP(address) !== 0 && Number(port) >= 1 && Number(port) <= 65_535;
    if (!isSound) throw new Error(`is not a list of addresses with ports ("${part}")`);
    return { address, port: Number(port) };
  });
  if (resolvers.length <= MAX_RESOLVERS) return resolvers;
  throw new Error(`has ${resolvers.length} resolvers, at most ${MAX_RESOLVERS} are asked`);
}

/** `10.0.0.0/8,fd00::/8`. */
function readNetworks(value: string): BlockList {
  const networks = new BlockList();
  for (const part of partsOf(value)) {
    const [address = '', prefix = isIP(address) === 6 ? '128' : '32', ...more] = part.split('/');
    const family = isIP(address);
    const bits = Number(prefix);
    const isPrefix = /^\d{1,3}$/.test(prefix) && bits <= (family === 6 ? 128 : 32);
    if (family === 0 || !isPrefix || more.length > 0) {
      throw new Error(`is not a list of networks such as 10.0.0.0/8 ("${part}")`);
    }
    networks.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  }
  return networks;
}

function partsOf(value: string): readonly string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
