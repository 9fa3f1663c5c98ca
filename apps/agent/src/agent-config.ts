import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import {
  DEFAULT_EXECUTOR_OPTIONS,
  MAX_REREGISTRATION_MS,
  RECONFIGURATION_POLICIES,
  type ReconfigurationPolicy,
} from '#cluster';
import type { Range } from '#core';
import {
  ConfigError,
  isLoopback,
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
import { readAttributes, readPortRanges } from './host/read-attributes.js';
import { readResources, readRole } from './host/read-resources.js';

const MAX_EXECUTOR_SECONDS = 24 * 3_600;
const MAX_CPUS = 1_000_000;
/** One week. */
const MAX_EXEC_SECONDS = 7 * 86_400;
const MAX_MIB = 1_000_000_000;
const MAX_HOURS = 10 * 366 * 24;
const MAX_SANDBOXES = 100_000;
const MAX_WATCH_SECONDS = 86_400;
/** The kernel's own limit. */
const MAX_PROCESSES = 4_194_304;
const DEFAULT_DATA = '/var/lib/pacer/agent';
const DEFAULT_PORTS: readonly Range[] = [{ begin: 31_000, end: 32_000 }];
const LOOPBACK = '127.0.0.1';

export type AgentConfig = ReturnType<typeof readSettings>;

/** Reads the agent's settings; mistakes are reported all at once. */
export function readAgentConfig(source: Parameters<typeof readConfig>[1] = {}): AgentConfig {
  const config = readSettings(source);
  const single = [
    ['cpus', 'PACER_AGENT_CPUS', config.cpus !== 0],
    ['mem', 'PACER_AGENT_MEM_MIB', config.memMib !== 0],
    ['disk', 'PACER_AGENT_DISK_MIB', config.diskMib !== 0],
    ['ports', 'PACER_AGENT_PORTS', config.ports !== DEFAULT_PORTS],
  ] as const;
  const named = new Set(config.resources.map(({ name }) => name));
  const twice = single.filter(([name, _variable, isGiven]) => isGiven && named.has(name));
  if (twice.length === 0) return config;
  const conflicts = twice.map(
    ([name, variable]) => `${variable} and PACER_AGENT_RESOURCES (${name})`,
  );
  throw new ConfigError(`give one of each: ${conflicts.join('; ')}`);
}

const execSeconds = (name: string, fallback: number) =>
  numeric(name, { fallback, min: 1, max: MAX_EXEC_SECONDS });

const readSettings = (source: Parameters<typeof readConfig>[1]) =>
  readConfig(
    {
      host: text('PACER_HOST', LOOPBACK),
      port: portNumber('PACER_PORT', 5051),
      data: text('PACER_DATA', DEFAULT_DATA),
      masters: urls('PACER_MASTER_URLS', [localUrl(5050, source)]),
      /** 0 and absent: what is detected. */
      cpus: numeric('PACER_AGENT_CPUS', { fallback: 0, min: 0, max: MAX_CPUS, fraction: true }),
      memMib: numeric('PACER_AGENT_MEM_MIB', { fallback: 0, min: 0, max: MAX_MIB }),
      diskMib: numeric('PACER_AGENT_DISK_MIB', { fallback: 0, min: 0, max: MAX_MIB }),
      /** `all`, or numbers and UUIDs of NVIDIA GPUs. */
      gpus: list('PACER_AGENT_GPUS', ['all']),
      ports: parsed('PACER_AGENT_PORTS', readPortRanges, DEFAULT_PORTS),
      resources: parsed('PACER_AGENT_RESOURCES', readResources, []),
      defaultRole: parsed('PACER_AGENT_DEFAULT_ROLE', readRole, '*'),
      reconfiguration: parsed('PACER_AGENT_RECONFIGURATION_POLICY', readPolicy, 'any'),
      attributes: parsed('PACER_AGENT_ATTRIBUTES', readAttributes, []),
      hostname: text('PACER_AGENT_HOSTNAME', ''),
      /** Files fetched with `cache`; Mesos' default. 0 keeps none. */
      fetchCacheMib: numeric('PACER_AGENT_FETCH_CACHE_MIB', {
        fallback: 2_048,
        min: 0,
        max: MAX_MIB,
      }),
      /** Commands run in tasks at a time; 0 allows none. */
      execSessions: numeric('PACER_AGENT_EXEC_SESSIONS', { fallback: 32, min: 0, max: 1_024 }),
      execIdleSeconds: execSeconds('PACER_AGENT_EXEC_IDLE_SECONDS', 1_800),
      execTotalSeconds: execSeconds('PACER_AGENT_EXEC_TOTAL_SECONDS', 86_400),
      executorRegistrationSeconds: numeric('PACER_AGENT_EXECUTOR_REGISTRATION_SECONDS', {
        fallback: DEFAULT_EXECUTOR_OPTIONS.registrationMs / 1_000,
        min: 1,
        max: MAX_EXECUTOR_SECONDS,
      }),
      executorReregistrationSeconds: numeric('PACER_AGENT_EXECUTOR_REREGISTRATION_SECONDS', {
        fallback: DEFAULT_EXECUTOR_OPTIONS.reregistrationMs / 1_000,
        min: 1,
        max: MAX_REREGISTRATION_MS / 1_000,
      }),
      executorShutdownGraceSeconds: numeric('PACER_AGENT_EXECUTOR_SHUTDOWN_GRACE_SECONDS', {
        fallback: DEFAULT_EXECUTOR_OPTIONS.shutdownGraceMs / 1_000,
        min: 0,
        max: MAX_EXECUTOR_SECONDS,
      }),
      launchers: list('PACER_AGENT_LAUNCHERS', ['process', 'docker']),
      /** Profiles of system calls by their file names: Mesos' `--seccomp_config_dir`. */
      seccompDirectory: text('PACER_AGENT_SECCOMP_DIR', ''),
      /** Of tasks without a cpu limit of their own; Mesos' `--cgroups_enable_cfs`. */
      capCpu: toggle('PACER_AGENT_CPU_QUOTA', false),
      maxProcesses: numeric('PACER_AGENT_MAX_PROCESSES', {
        fallback: 4_096,
        min: 0,
        max: MAX_PROCESSES,
      }),
      /** Sandboxes of completed tasks: Mesos' `--gc_delay` and `--gc_disk_headroom`. */
      gcDelayHours: numeric('PACER_AGENT_GC_DELAY_HOURS', {
        ...{ fallback: 168, min: 0, max: MAX_HOURS },
        fraction: true,
      }),
      gcHeadroom: numeric('PACER_AGENT_GC_DISK_HEADROOM', {
        ...{ fallback: 0.1, min: 0, max: 1 },
        fraction: true,
      }),
      maxSandboxes: numeric('PACER_AGENT_MAX_COMPLETED_SANDBOXES', {
        ...{ fallback: 200, min: 0, max: MAX_SANDBOXES },
      }),
      /** Ends tasks whose sandbox outgrows their disk; Mesos' `--enforce_container_disk_quota`. */
      enforceDisk: toggle('PACER_AGENT_ENFORCE_DISK', false),
      diskWatchSeconds: numeric('PACER_AGENT_DISK_WATCH_SECONDS', {
        ...{ fallback: 15, min: 1, max: MAX_WATCH_SECONDS },
      }),
      /** Images that the agent has pulled: how long they may be unused (0: for ever), and how full their disk may be. */
      imageHours: numeric('PACER_AGENT_IMAGE_MAX_UNUSED_HOURS', {
        ...{ fallback: 168, min: 0, max: MAX_HOURS },
        fraction: true,
      }),
      imageDiskPercent: numeric('PACER_AGENT_IMAGE_DISK_PERCENT', {
        ...{ fallback: 85, min: 1, max: 100 },
      }),
      maxLogMib: numeric('PACER_AGENT_MAX_LOG_MIB', { fallback: 100, min: 1, max: MAX_MIB }),
    },
    source,
  );

/** What GET_FLAGS tells, under Mesos' names where it has one. No secrets. */
export const toFlags = (config: AgentConfig): Readonly<Record<string, string>> => ({
  ip: config.host,
  port: String(config.port),
  work_dir: config.data,
  master: config.masters.map((url) => new URL(url).host).join(','),
  ...(config.hostname === '' ? {} : { hostname: config.hostname }),
  containerizers: config.launchers.join(','),
  fetcher_cache_size: `${config.fetchCacheMib}MB`,
  exec_sessions: String(config.execSessions),
});

/** The name others reach the agent's tasks by: as configured, loopback when bound to it, else the host's name. */
export function advertisedHostname(config: Pick<AgentConfig, 'host' | 'hostname'>): string {
  if (config.hostname !== '') return config.hostname;
  return isLoopback(config.host) ? LOOPBACK : hostname();
}

/** The address of tasks that share the host's network. */
export function advertisedAddress(config: Pick<AgentConfig, 'host' | 'hostname'>): string {
  if (isIP(config.hostname) !== 0) return config.hostname;
  return boundAddress(config.host) ?? outwardAddress();
}

/**
 * The address of the agent's own API. Not always that of its tasks: several agents of one machine have host names of
 * their own (127.0.0.1, 127.0.0.2, …) and listen on one address.
 */
export const apiAddress = (config: Pick<AgentConfig, 'host' | 'hostname'>): string =>
  boundAddress(config.host) ?? advertisedAddress(config);

/** Absent when bound to all addresses, or to a name. */
function boundAddress(host: string): string | undefined {
  if (isIP(host) !== 0) return host === '0.0.0.0' || host === '::' ? undefined : host;
  return isLoopback(host) ? LOOPBACK : undefined;
}

function outwardAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const outward = addresses.find(({ internal, family }) => !internal && family === 'IPv4');
  return outward?.address ?? LOOPBACK;
}

function readPolicy(text: string): ReconfigurationPolicy {
  const found = RECONFIGURATION_POLICIES.find((policy) => policy === text);
  if (found === undefined) throw new Error(`is not one of ${RECONFIGURATION_POLICIES.join(', ')}`);
  return found;
}
