/** Marathon's Docker `parameters`: flags of `docker run` as they are written there, applied to the API's structure. */
import type Dockerode from 'dockerode';
import { LaunchError } from '#core';

/** What is sent to the engine, with the parts that parameters add to always there. */
export interface ContainerConfig extends Dockerode.ContainerCreateOptions {
  Env: string[];
  Labels: Record<string, string>;
  HostConfig: Dockerode.HostConfig & {
    Binds: string[];
    LogConfig: { Type: string; Config: Record<string, string> };
  };
  ExposedPorts: Record<string, Record<string, never>>;
}

/** Labels under this prefix are ours; no parameter may set one. */
export const OWN_LABELS = 'pacer.';

type Apply = (config: ContainerConfig, value: string) => void;

const APPLY: Readonly<Record<string, Apply>> = {
  'add-host': appendTo('ExtraHosts'),
  'cap-add': appendTo('CapAdd'),
  'cap-drop': appendTo('CapDrop'),
  'cgroup-parent': setHost('CgroupParent', asText),
  'cpu-period': setHost('CpuPeriod', toInteger),
  'cpu-quota': setHost('CpuQuota', toInteger),
  'cpuset-cpus': setHost('CpusetCpus', asText),
  device: addDevice,
  dns: appendTo('Dns'),
  'dns-option': appendTo('DnsOptions'),
  'dns-search': appendTo('DnsSearch'),
  domainname: setContainer('Domainname', asText),
  entrypoint: setContainer('Entrypoint', (value) => [value]),
  env: (config, value) => void config.Env.push(value.includes('=') ? value : `${value}=`),
  expose: (config, value) => {
    config.ExposedPorts[value.includes('/') ? value : `${value}/tcp`] = {};
  },
  'group-add': appendTo('GroupAdd'),
  hostname: setContainer('Hostname', asText),
  init: setHost('Init', toFlag),
  ip: (config, value) => setEndpoint(config, { IPAMConfig: { IPv4Address: value } }),
  ipc: setHost('IpcMode', asText),
  label: addLabel,
  'log-driver': setHost('LogConfig', (value) => ({ Type: value, Config: {} })),
  'log-opt': (config, value) => {
    const [name, setting] = splitPair(value);
    config.HostConfig.LogConfig.Config[name] = setting;
  },
  'mac-address': setContainer('MacAddress', asText),
  'memory-reservation': setHost('MemoryReservation', toBytes),
  'memory-swap': setHost('MemorySwap', toBytes),
  'memory-swappiness': setHost('MemorySwappiness', toInteger),
  'net-alias': (config, value) => setEndpoint(config, { Aliases: [value] }),
  'oom-kill-disable': setHost('OomKillDisable', toFlag),
  'oom-score-adj': setHost('OomScoreAdj', toInteger),
  pid: setHost('PidMode', asText),
  'pids-limit': setHost('PidsLimit', toInteger),
  privileged: setHost('Privileged', toFlag),
  'read-only': setHost('ReadonlyRootfs', toFlag),
  runtime: setHost('Runtime', asText),
  'security-opt': appendTo('SecurityOpt'),
  'shm-size': setHost('ShmSize', toBytes),
  'stop-signal': setContainer('StopSignal', asText),
  sysctl: (config, value) => {
    const [name, setting] = splitPair(value);
    config.HostConfig.Sysctls = { ...config.HostConfig.Sysctls, [name]: setting };
  },
  tmpfs: (config, value) => {
    const [path = '', ...options] = value.split(':');
    config.HostConfig.Tmpfs = { ...config.HostConfig.Tmpfs, [path]: options.join(':') };
  },
  ulimit: addUlimit,
  user: setContainer('User', asText),
  userns: setHost('UsernsMode', asText),
  uts: setHost('UTSMode', asText),
  volume: (config, value) => void config.HostConfig.Binds.push(value),
  'volume-driver': setHost('VolumeDriver', asText),
  'volumes-from': appendTo('VolumesFrom'),
  workdir: setContainer('WorkingDir', asText),
};

const ALIASES: Readonly<Record<string, string>> = {
  'dns-opt': 'dns-option',
  e: 'env',
  h: 'hostname',
  l: 'label',
  'network-alias': 'net-alias',
  u: 'user',
  v: 'volume',
  w: 'workdir',
};

/** Flags that are decided elsewhere, with the place where. */
const REFUSED: Readonly<Record<string, string>> = {
  cidfile: 'the agent keeps the container id',
  'cpu-shares': 'set cpus of the app',
  cpus: 'set cpus of the app',
  detach: 'tasks always run detached',
  memory: 'set mem of the app',
  name: 'the agent names its containers',
  net: 'set networks of the app',
  network: 'set networks of the app',
  publish: 'set portMappings of the app',
  restart: 'Pacer restarts what ends',
  rm: 'the agent removes its containers',
};

/** Applies them in order to `config`, which it changes. An unknown one fails the launch and is named. */
export function applyDockerParameters(
  config: ContainerConfig,
  parameters: readonly { readonly key: string; readonly value: string }[],
): void {
  for (const { key, value } of parameters) {
    const flag = key.replace(/^-{1,2}/, '');
    const name = ALIASES[flag] ?? flag;
    const refusal = REFUSED[name];
    if (refusal !== undefined) fail(key, `is not allowed: ${refusal}`);
    const apply = Object.hasOwn(APPLY, name) ? APPLY[name] : undefined;
    if (apply === undefined) fail(key, 'is not supported');
    try {
      apply(config, value);
    } catch (error) {
      fail(key, `"${value}": ${(error as Error).message}`);
    }
  }
}

function fail(key: string, reason: string): never {
  throw new LaunchError('prepare', `docker parameter "${key}" ${reason}`);
}

function setHost<F extends keyof Dockerode.HostConfig>(
  field: F,
  parse: (value: string) => Dockerode.HostConfig[F],
): Apply {
  return (config, value) => {
    Object.assign(config.HostConfig, { [field]: parse(value) });
  };
}

function setContainer<F extends keyof Dockerode.ContainerCreateOptions>(
  field: F,
  parse: (value: string) => Dockerode.ContainerCreateOptions[F],
): Apply {
  return (config, value) => {
    Object.assign(config, { [field]: parse(value) });
  };
}

type ListField =
  | 'CapAdd'
  | 'CapDrop'
  | 'Dns'
  | 'DnsOptions'
  | 'DnsSearch'
  | 'ExtraHosts'
  | 'GroupAdd'
  | 'SecurityOpt'
  | 'VolumesFrom';

function appendTo(field: ListField): Apply {
  return ({ HostConfig: host }, value) => {
    const list: unknown = host[field];
    host[field] = [...(Array.isArray(list) ? (list as string[]) : []), value];
  };
}

function addLabel(config: ContainerConfig, value: string): void {
  const [name, setting] = splitPair(value);
  if (name.startsWith(OWN_LABELS)) throw new Error(`labels under ${OWN_LABELS} are reserved`);
  config.Labels[name] = setting;
}

function addUlimit({ HostConfig: host }: ContainerConfig, value: string): void {
  const [name, limits] = splitPair(value);
  const [soft = '', hard = soft] = limits.split(':');
  const limit = { Name: name, Soft: toInteger(soft), Hard: toInteger(hard) };
  host.Ulimits = [...(host.Ulimits ?? []), limit];
}

function addDevice({ HostConfig: host }: ContainerConfig, value: string): void {
  const [onHost = '', inside = onHost, rights = 'rwm'] = value.split(':');
  const device = { PathOnHost: onHost, PathInContainer: inside, CgroupPermissions: rights };
  host.Devices = [...(host.Devices ?? []), device];
}

/** Endpoint settings belong to the one network the container joins. */
function setEndpoint(config: ContainerConfig, settings: Dockerode.EndpointSettings): void {
  const network = config.HostConfig.NetworkMode ?? 'bridge';
  const endpoints = config.NetworkingConfig?.EndpointsConfig ?? {};
  const before = endpoints[network] ?? {};
  const aliases = [...(before.Aliases ?? []), ...(settings.Aliases ?? [])];
  const merged = { ...before, ...settings, ...(aliases.length > 0 ? { Aliases: aliases } : {}) };
  config.NetworkingConfig = { EndpointsConfig: { ...endpoints, [network]: merged } };
}

function splitPair(value: string): [string, string] {
  const at = value.indexOf('=');
  return at < 0 ? [value, ''] : [value.slice(0, at), value.slice(at + 1)];
}

function asText(value: string): string {
  return value;
}

function toInteger(value: string): number {
  if (!/^-?\d+$/.test(value)) throw new Error('is not an integer');
  return Number(value);
}

function toFlag(value: string): boolean {
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  throw new Error('is neither true nor false');
}

const UNITS: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

function toBytes(value: string): number {
  if (value === '-1') return -1;
  const [, amount = '', unit = 'b'] = /^(\d+(?:\.\d+)?)([bkmg])?b?$/i.exec(value) ?? [];
  if (amount === '') throw new Error('is not a size such as 64m');
  return Math.floor(Number(amount) * (UNITS[unit.toLowerCase()] ?? 1));
}
