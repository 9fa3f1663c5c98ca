import { statfsSync } from 'node:fs';
import { availableParallelism, homedir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import {
  ConfigError,
  checkClusterTokens,
  checkExposure,
  numeric,
  parsed,
  portNumber,
  readClusterCredentials,
  readConfig,
  readTlsSettings,
  schemeOf,
  text,
  toggle,
} from '#platform';
import { type Capacity, type ClusterPorts, DEFAULT_PORTS, type PortRange } from './cluster-plan.js';

/** What `pacer up` was asked for on the command line. */
export interface UpFlags {
  readonly agents?: string;
  readonly keepTasks?: boolean;
  readonly data?: string;
  readonly portOffset?: string;
}

export interface UpOptions {
  readonly agents: number;
  readonly keepTasks: boolean;
  readonly dataDirectory: string;
  readonly host: string;
  /** https where `PACER_TLS_CERT_FILE` is set. */
  readonly scheme: 'http' | 'https';
  /** Where HAProxy listens. */
  readonly edgeHost: string;
  /** Where names are answered; undefined: nowhere. */
  readonly dnsHost: string | undefined;
  readonly dnsDomain: string;
  readonly ports: ClusterPorts;
  /** An external PostgreSQL; empty: the embedded one. */
  readonly databaseUrl: string;
  readonly taskPorts: PortRange;
}

const MAX_AGENTS = 50;
const MAX_PORT = 65_535;
const MIB = 1024 * 1024;
/** Left to the system, or half of what there is if it is little. */
const MEM_RESERVE_MIB = 1024;
const DISK_RESERVE_MIB = 5 * 1024;

/** Reads flags and environment. Throws ConfigError naming what cannot be used. */
export function readUpOptions(flags: UpFlags): UpOptions {
  const read = readConfig(
    {
      agents: numeric('--agents', { fallback: 1, min: 1, max: MAX_AGENTS }),
      offset: numeric('--port-offset', { fallback: 0, min: 0, max: 50_000 }),
      host: text('PACER_HOST', '127.0.0.1'),
      edgeHost: text('PACER_EDGE_HOST', '127.0.0.1'),
      databaseUrl: text('DATABASE_URL', ''),
      allowOpenBind: toggle('PACER_ALLOW_OPEN_BIND', false),
      allowPlainBind: toggle('PACER_ALLOW_PLAIN_BIND', false),
      api: portNumber('PACER_API_PORT', 0),
      master: portNumber('PACER_MASTER_PORT', 0),
      agent: portNumber('PACER_AGENT_PORT', 0),
      router: portNumber('PACER_ROUTER_PORT', 0),
      edgeHttp: portNumber('PACER_EDGE_HTTP_PORT', 0),
      edgeHttps: portNumber('PACER_EDGE_HTTPS_PORT', 0),
      dns: portNumber('PACER_DNS_PORT', 0),
      dnsHost: text('PACER_DNS_HOST', '127.0.0.1'),
      dnsDomain: text('PACER_DNS_DOMAIN', 'pacer'),
      isDnsOn: toggle('PACER_DNS', true),
      taskPorts: parsed('PACER_AGENT_PORTS', parseRange, { begin: 31_000, end: 32_000 }),
    },
    {
      environment: {
        ...process.env,
        '--agents': flags.agents,
        '--port-offset': flags.portOffset,
      },
      argv: [],
    },
  );
  // Flags are not passed on to daemons, the environment is.
  const tls = readTlsSettings({ argv: [] });
  const scheme = schemeOf(tls);
  // Each daemon would refuse by itself, again and again.
  checkExposure({
    host: read.host,
    allowedHosts: [],
    credentials: readClusterCredentials(process.env),
    clientCertificates: tls?.clientCertificates ?? 'off',
    isSecure: scheme === 'https',
    allowOpenBind: read.allowOpenBind,
    allowPlainBind: read.allowPlainBind,
  });
  checkClusterTokens(process.env);
  return {
    agents: read.agents,
    keepTasks: flags.keepTasks === true,
    dataDirectory: resolve(flags.data ?? process.env['PACER_DATA'] ?? defaultDataDirectory()),
    host: read.host,
    scheme,
    edgeHost: read.edgeHost,
    dnsHost: read.isDnsOn ? read.dnsHost : undefined,
    dnsDomain: read.dnsDomain,
    ports: shiftPorts(read, read.offset),
    databaseUrl: read.databaseUrl,
    taskPorts: read.taskPorts,
  };
}

/** All agents together: what the environment says, else what the machine (or the container around us) has. */
export function detectCapacity(dataDirectory: string, taskPorts: PortRange): Capacity {
  const disk = statfsSync(dataDirectory);
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  const read = readConfig(
    {
      cpus: numeric('PACER_AGENT_CPUS', {
        fallback: availableParallelism(),
        min: 0.001,
        max: 1_000_000,
        fraction: true,
      }),
      memMib: numeric('PACER_AGENT_MEM_MIB', {
        fallback: lessReserve(Math.floor(memory / MIB), MEM_RESERVE_MIB),
        min: 1,
        max: 1e12,
      }),
      diskMib: numeric('PACER_AGENT_DISK_MIB', {
        fallback: lessReserve(Math.floor((disk.blocks * disk.bsize) / MIB), DISK_RESERVE_MIB),
        min: 0,
        max: 1e12,
      }),
    },
    { argv: [] },
  );
  return { ...read, taskPorts };
}

/** /var/lib/pacer for root, else below the XDG data folder. */
function defaultDataDirectory(): string {
  if (process.getuid?.() === 0) return '/var/lib/pacer';
  return join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'pacer');
}

/** A port set on its own is taken as it is; the others move together. */
function shiftPorts(set: ClusterPorts, offset: number): ClusterPorts {
  const shift = (name: keyof ClusterPorts): number => {
    const port = set[name] === 0 ? DEFAULT_PORTS[name] + offset : set[name];
    if (port > MAX_PORT) throw new ConfigError(`--port-offset: port ${port} is above ${MAX_PORT}`);
    return port;
  };
  return {
    api: shift('api'),
    master: shift('master'),
    agent: shift('agent'),
    router: shift('router'),
    edgeHttp: shift('edgeHttp'),
    edgeHttps: shift('edgeHttps'),
    dns: shift('dns'),
  };
}

function parseRange(value: string): PortRange {
  const [, begin, end] = /^\[?(\d+)-(\d+)\]?$/.exec(value) ?? [];
  const range = { begin: Number(begin), end: Number(end) };
  if (
    begin === undefined ||
    !(range.begin >= 1 && range.begin <= range.end) ||
    range.end > MAX_PORT
  ) {
    throw new Error('is not a port range such as 31000-32000');
  }
  return range;
}

const lessReserve = (mib: number, reserve: number): number =>
  mib > 2 * reserve ? mib - reserve : Math.floor(mib / 2);
