/** Turns a launch spec into what the engine's create call takes. */
import {
  type DockerSpec,
  LaunchError,
  type LaunchSpec,
  type Rlimit,
  type RunKey,
  readRunKey,
  type TaskLimits,
} from '#core';
import { applyDockerParameters, type ContainerConfig } from './docker-parameters.js';
import { requirePassableCommand } from './process-invocation.js';
import { toBounds } from './resource-bounds.js';
import { cgroupName } from './task-cgroup.js';
import { requirePassableVariables } from './task-environment.js';

/** The run's key, by which its container is found again; the two ids are for people. */
export const RUN_LABEL = 'pacer.run';
/** All that containers made before tasks had keys carry: the task's id, which is their key. */
export const TASK_LABEL = 'pacer.task-id';
export const FRAMEWORK_LABEL = 'pacer.framework-id';
/** The key of the network a container shares with others. */
const NETWORK_LABEL = 'pacer.network';
export const SCOPE_LABEL = 'pacer.agent';

const MIB = 1024 * 1024;
/** The engine refuses less. */
const MIN_MEM_MIB = 6;
const MIN_CPU_SHARES = 2;
const CPU_PERIOD_US = 100_000;
/** Names are paths of the engine's API, so they stay within its character set. */
const NAME_PREFIX = 'pacer';
/** Kept by the engine besides the sandbox's copy, so that nothing is lost while the agent restarts. */
const ENGINE_LOG = { 'max-size': '16m', 'max-file': '2' };

export interface ContainerDefaults {
  readonly scope: string;
  readonly maxProcesses: number;
  readonly capCpu: boolean;
  /** Absent: ports are published on every address of the host. */
  readonly publishAddress?: string;
}

/** One name for each run of each agent: the engine itself refuses to create a second one. */
export function containerName(scope: string, run: RunKey): string {
  return `${NAME_PREFIX}.${cgroupName(scope)}.${cgroupName(run)}`;
}

/** Whose container it is; undefined: none of ours. */
export function runOfLabels(labels: Readonly<Record<string, string>>): RunKey | undefined {
  const run = labels[RUN_LABEL] ?? labels[TASK_LABEL];
  return run === undefined ? undefined : readRunKey(run);
}

/** The network it shares with others, if it does. */
export function networkOfLabels(labels?: Readonly<Record<string, string>>): RunKey | undefined {
  const key = labels?.[NETWORK_LABEL];
  return key === undefined ? undefined : readRunKey(key);
}

/** Throws {@link LaunchError} in phase `prepare` for parameters it cannot express. */
export function toContainerConfig(spec: LaunchSpec, defaults: ContainerDefaults): ContainerConfig {
  const { docker } = spec;
  if (docker === undefined) {
    throw new LaunchError('prepare', `task ${spec.taskId}: no docker image is given`);
  }
  const config: ContainerConfig = {
    name: containerName(defaults.scope, spec.run),
    Image: docker.image,
    ...toCommand(spec.command),
    Env: toVariables(spec.environment),
    Labels: {
      [RUN_LABEL]: spec.run,
      [TASK_LABEL]: spec.taskId,
      [FRAMEWORK_LABEL]: spec.frameworkId,
      [SCOPE_LABEL]: defaults.scope,
      ...toNetworkLabel(docker.network),
    },
    ...(spec.user === undefined ? {} : { User: spec.user }),
    ...(spec.hasTerminal === true ? { Tty: true } : {}),
    ExposedPorts: toExposedPorts(docker),
    HostConfig: {
      ...toLimits(spec, defaults),
      Binds: docker.volumes.map(
        ({ hostPath, containerPath, mode }) =>
          `${hostPath}:${containerPath}:${mode === 'RO' ? 'ro' : 'rw'}`,
      ),
      // A mount rather than a bind: its path may contain a colon.
      Mounts: [
        { Type: 'bind', Source: spec.sandbox, Target: docker.sandboxMount },
        ...(docker.mounts ?? []).map(
          ({ hostPath, containerPath, mode }) =>
            ({
              Type: 'bind',
              Source: hostPath,
              Target: containerPath,
              ReadOnly: mode === 'RO',
            }) as const,
        ),
      ],
      NetworkMode: toNetworkMode(docker.network, defaults.scope),
      PortBindings: toPortBindings(docker, defaults.publishAddress),
      Privileged: docker.privileged,
      ...toIpc(docker),
      ...toDeviceRequests(spec),
      LogConfig: { Type: 'json-file', Config: { ...ENGINE_LOG } },
    },
  };
  applyDockerParameters(config, docker.parameters);
  return config;
}

function toIpc({ ipc }: DockerSpec): { readonly IpcMode?: string; readonly ShmSize?: number } {
  if (ipc === undefined) return {};
  if (ipc === 'host') return { IpcMode: 'host' };
  const size = ipc.shmMib === undefined ? {} : { ShmSize: ipc.shmMib * MIB };
  return { IpcMode: 'private', ...size };
}

/** As `docker run --gpus device=...`: the engine needs NVIDIA's container toolkit for it, and says so where it is missing. */
function toDeviceRequests({ gpus }: Pick<LaunchSpec, 'gpus'>) {
  if (gpus === undefined) return {};
  return {
    DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: [...gpus], Capabilities: [['gpu']] }],
  };
}

function toVariables(environment: LaunchSpec['environment']): string[] {
  requirePassableVariables(environment);
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

/** As in Mesos: a shell command replaces the image's entrypoint, arguments go to it, nothing leaves both alone. */
function toCommand(command: LaunchSpec['command']) {
  requirePassableCommand(command);
  if (command.kind === 'shell') return { Entrypoint: ['/bin/sh'], Cmd: ['-c', command.value] };
  const words = command.value === undefined ? command.args : [command.value, ...command.args];
  return words.length === 0 ? {} : { Cmd: [...words] };
}

/** Other limits for a running container. The engine refuses memory above what it allows with swap, by default twice it. */
export function toUpdate(spec: TaskLimits, capCpu: boolean) {
  const limits = toLimits(spec, { maxProcesses: 0, capCpu });
  return {
    ...limits,
    ...('Memory' in limits ? { MemorySwap: 2 * (limits.Memory ?? 0) } : {}),
  };
}

function toLimits(
  spec: TaskLimits & Pick<LaunchSpec, 'limits' | 'rlimits'>,
  { maxProcesses, capCpu }: Pick<ContainerDefaults, 'maxProcesses' | 'capCpu'>,
) {
  const { cpuMillis, cpuCapMillis, memMib, reservedMemMib } = toBounds(spec, { capCpu });
  const shares = Math.max(MIN_CPU_SHARES, Math.floor((cpuMillis * 1024) / 1000));
  const quotaUs = Math.max(1_000, Math.floor(((cpuCapMillis ?? 0) * CPU_PERIOD_US) / 1000));
  const toBytes = (mib: number): number => Math.max(MIN_MEM_MIB, mib) * MIB;
  const { rlimits = [] } = spec;
  return {
    CpuShares: shares,
    ...(cpuCapMillis === undefined ? {} : { CpuPeriod: CPU_PERIOD_US, CpuQuota: quotaUs }),
    ...(memMib > 0 ? { Memory: toBytes(memMib) } : {}),
    ...(reservedMemMib ? { MemoryReservation: toBytes(reservedMemMib) } : {}),
    ...(maxProcesses > 0 ? { PidsLimit: maxProcesses } : {}),
    ...(rlimits.length > 0 ? { Ulimits: rlimits.map(toUlimit) } : {}),
  };
}

const toUlimit = ({ name, soft, hard }: Rlimit) => ({
  Name: name,
  Soft: soft === 'unlimited' ? -1 : soft,
  Hard: hard === 'unlimited' ? -1 : hard,
});

export function toNetworkMode(network: DockerSpec['network'], scope: string): string {
  if (typeof network === 'string') return network.toLowerCase();
  if ('user' in network) return network.user;
  return `container:${containerName(scope, network.shared.key)}`;
}

const toNetworkLabel = (network: DockerSpec['network']): Record<string, string> =>
  typeof network === 'object' && 'shared' in network ? { [NETWORK_LABEL]: network.shared.key } : {};

/** Container port 0 stands for the host port itself. */
function toContainerPort(mapping: DockerSpec['portMappings'][number]): string {
  return `${mapping.containerPort || mapping.hostPort}/${mapping.protocol}`;
}

type Published = Pick<DockerSpec, 'network' | 'portMappings'>;

/** In a shared network it is the network that has them. */
function hasPorts({ network }: Published): boolean {
  return typeof network === 'object' ? 'user' in network : network === 'BRIDGE';
}

export function toExposedPorts(docker: Published): Record<string, Record<string, never>> {
  if (!hasPorts(docker)) return {};
  return Object.fromEntries(docker.portMappings.map((mapping) => [toContainerPort(mapping), {}]));
}

export function toPortBindings(docker: Published, publishAddress?: string) {
  const bindings: Record<string, { HostIp?: string; HostPort: string }[]> = {};
  const address = publishAddress === undefined ? {} : { HostIp: publishAddress };
  if (!hasPorts(docker)) return bindings;
  for (const mapping of docker.portMappings) {
    if (mapping.hostPort === 0) continue;
    const port = toContainerPort(mapping);
    bindings[port] = [
      ...(bindings[port] ?? []),
      { ...address, HostPort: String(mapping.hostPort) },
    ];
  }
  return bindings;
}
