import {
  type DockerSpec,
  type LaunchSpec,
  type RunKey,
  scalarMilli,
  frameworkId as toFrameworkId,
  taskId as toTaskId,
} from '#core';
import {
  type CommandInfo,
  type ExecutorInfo,
  fromWireResources,
  type TaskInfo,
  type WireCheck,
} from '#mesos-v1';
import { checkOf } from './agent-check.js';
import { findGpuDefect, gpusAskedFor } from './agent-gpus.js';
import { readLinuxInfo } from './agent-linux-info.js';
import { readRlimits } from './agent-rlimits.js';
import { findTaskVolumeDefect, volumesIn } from './agent-volumes.js';
import { findGenericCheckDefect, findHealthCheckDefect } from './validate-check.js';
import type { TaskVolume } from './volume-name.js';

/** What the host adds to a task's definition. Paths are absolute. */
export interface LaunchSite {
  readonly run: RunKey;
  readonly sandbox: string;
  readonly runtimeDirectory: string;
  readonly agentId: string;
  readonly frameworkId: string;
  /** Of a member of a group; of another task it is the task's. */
  readonly executorId?: string;
  /** Ids of the GPUs it is given. */
  readonly gpus?: readonly string[];
  /** The directory of a volume, for tasks that have one in a container. */
  readonly volumeDirectory?: (volume: TaskVolume) => string;
  /** PATH for tasks without a container. */
  readonly searchPath: string;
  readonly hostname: string;
}

export type LauncherKind = 'process' | 'docker';

/** Where the sandbox appears inside a container, as in Mesos. */
export const CONTAINER_SANDBOX = '/mnt/mesos/sandbox';

/** Mesos' rule for ids, which tools make paths of: no separators, not `.` or `..`, at most this many characters. */
const MAX_TASK_ID_LENGTH = 255;
const UNSAFE_TASK_ID = /[/\\\p{Cc}]/u;

/** Whether the task has to be launched by the Docker launcher. */
export const launcherKindOf = (task: Pick<TaskInfo, 'container'>): LauncherKind =>
  task.container?.docker?.image ? 'docker' : 'process';

/** Why the agent cannot run such a task at all, or undefined. */
export function findTaskDefect(task: TaskInfo): string | undefined {
  const id = task.task_id.value;
  if (id === '' || id === '.' || id === '..' || UNSAFE_TASK_ID.test(id)) {
    return `task id "${id}" cannot be part of a path`;
  }
  if (id.length > MAX_TASK_ID_LENGTH) {
    return `task id is ${id.length} characters long, the limit is ${MAX_TASK_ID_LENGTH}`;
  }
  const gpus = findGpuDefect(task) ?? findTaskVolumeDefect(task);
  if (gpus !== undefined) return `task ${id}: ${gpus}`;
  if (task.executor) {
    const isAsked = gpusAskedFor(task) + gpusAskedFor(task.executor) > 0;
    if (isAsked) return `task ${id}: gpus are not given to custom executors by this agent`;
    if (volumesIn(task.resources).length > 0) {
      return `task ${id}: a persistent volume is its custom executor's to have, not the task's, on this agent`;
    }
    return findExecutorDefect(id, task.executor);
  }
  if (task.container?.type === 'DOCKER' && !task.container.docker?.image) {
    return `task ${id}: container.docker.image is missing`;
  }
  const secret = task.command?.environment?.variables.find((one) => one.type === 'SECRET');
  if (secret !== undefined) {
    return `task ${id}: environment variable ${secret.name} is a SECRET, which this agent cannot resolve`;
  }
  const ignored = findIgnored(task);
  if (ignored !== undefined) return `task ${id}: ${ignored} is not supported by this agent`;
  const hasImage = launcherKindOf(task) === 'docker';
  const linux = readLinuxInfo(task.container, { hasImage });
  if (linux.kind === 'defect') return `task ${id}: ${linux.message}`;
  const check = findCheckDefect(task);
  if (check !== undefined) return `task ${id}: ${check}`;
  const rlimits = readRlimits(task);
  if (rlimits.kind === 'defect') return `task ${id}: ${rlimits.message}`;
  const command = task.command;
  if (hasImage) return undefined;
  if (!command || (command.shell !== false && !command.value)) {
    return `task ${id}: command.value is missing`;
  }
  if (command.shell === false && !command.value && !command.arguments?.length) {
    return `task ${id}: command has neither value nor arguments`;
  }
  return undefined;
}

/** The rules of the master, and what cannot be probed from this host. */
function findCheckDefect(task: TaskInfo): string | undefined {
  const { health_check, check, container } = task;
  const defect = findHealthCheckDefect(health_check) ?? findGenericCheckDefect(check);
  if (defect !== undefined || container?.docker?.network !== 'NONE') return defect;
  const unreachable = isAskedOver(health_check) ? 'health_check' : 'check';
  if (unreachable === 'check' && !isAskedOver(checkOf(task))) return undefined;
  return `${unreachable}: a container with the network NONE can be checked by a COMMAND only`;
}

const isAskedOver = (check: Pick<WireCheck, 'http' | 'tcp'> | undefined): boolean =>
  check?.http !== undefined || check?.tcp !== undefined;

/** The same of what the executor itself is. What its tasks ask for beyond that is its affair. */
function findExecutorDefect(taskId: string, executor: ExecutorInfo): string | undefined {
  const { command, container } = executor;
  const { executor_id: task_id, resources } = executor;
  const unlike = { name: '', agent_id: task_id, task_id, resources };
  const defect = findTaskDefect({
    ...unlike,
    ...(command === undefined ? {} : { command }),
    ...(container === undefined ? {} : { container }),
  });
  return defect === undefined ? undefined : `task ${taskId}: its executor: ${defect}`;
}

/** What a task asks for and would run without: in another file system, network or bound than its framework believes. */
function findIgnored({ container }: Pick<TaskInfo, 'container'>): string | undefined {
  if (!container || launcherKindOf({ container }) === 'docker') return undefined;
  if (container.mesos?.image) return 'container.mesos.image';
  if (container.volumes?.some(({ host_path }) => host_path)) {
    return 'container.volumes without an image';
  }
  return undefined;
}

/** Turns a definition without {@link findTaskDefect} into what a launcher needs. */
export function toLaunchSpec(task: TaskInfo, site: LaunchSite): LaunchSpec {
  const amount = fromWireResources(task.resources);
  const docker = withVolumes(toDockerSpec(task), task, site);
  const user = task.command?.user;
  const limits = toLimits(task);
  const rlimits = readRlimits(task);
  return {
    run: site.run,
    taskId: toTaskId(task.task_id.value),
    frameworkId: toFrameworkId(site.frameworkId),
    sandbox: site.sandbox,
    runtimeDirectory: site.runtimeDirectory,
    command: toCommand(task.command),
    environment: toEnvironment(task, site),
    ...(user ? { user } : {}),
    cpuMillis: scalarMilli(amount, 'cpus'),
    memMib: Math.round(scalarMilli(amount, 'mem') / 1000),
    ...(limits === undefined ? {} : { limits }),
    ...(rlimits.kind === 'read' && rlimits.rlimits.length > 0 ? { rlimits: rlimits.rlimits } : {}),
    ...terminalOf(task),
    ...(docker ? { docker } : {}),
    ...(site.gpus === undefined ? {} : { gpus: site.gpus }),
  };
}

/** Undefined when there are none: then the request is the limit. */
function toLimits(task: TaskInfo): LaunchSpec['limits'] {
  const [cpuMillis, memMilli] = [limitOf(task, 'cpus'), limitOf(task, 'mem')];
  if (cpuMillis === undefined && memMilli === undefined) return undefined;
  const memMib = typeof memMilli === 'number' ? Math.round(memMilli / 1000) : memMilli;
  return {
    ...(cpuMillis === undefined ? {} : { cpuMillis }),
    ...(memMib === undefined ? {} : { memMib }),
  };
}

/** Thousandths of `limits.<name>`; undefined when absent. */
function limitOf(task: TaskInfo, name: 'cpus' | 'mem'): number | 'unlimited' | undefined {
  const value = task.limits?.[name]?.value;
  if (value === undefined || value === null) return undefined;
  return Number.isFinite(Number(value)) ? Math.round(Number(value) * 1000) : 'unlimited';
}

/** Of a task or an executor. */
export function toCommand(command: CommandInfo | undefined): LaunchSpec['command'] {
  if (!command) return { kind: 'exec', args: [] };
  if (command.shell !== false && command.value) return { kind: 'shell', value: command.value };
  const args = command.arguments ?? [];
  return command.value ? { kind: 'exec', value: command.value, args } : { kind: 'exec', args };
}

function toEnvironment(task: TaskInfo, site: LaunchSite): Readonly<Record<string, string>> {
  const isContainer = launcherKindOf(task) === 'docker';
  const sandbox = isContainer ? CONTAINER_SANDBOX : site.sandbox;
  const base: Record<string, string> = {
    ...(isContainer ? {} : { PATH: site.searchPath, HOME: site.sandbox }),
    MESOS_SANDBOX: sandbox,
    MESOS_DIRECTORY: site.sandbox,
    MESOS_TASK_ID: task.task_id.value,
    MESOS_EXECUTOR_ID: site.executorId ?? task.task_id.value,
    MESOS_FRAMEWORK_ID: site.frameworkId,
    MESOS_AGENT_ID: site.agentId,
    HOST: site.hostname,
  };
  for (const { name, value } of task.command?.environment?.variables ?? []) {
    base[name] = value ?? '';
  }
  return base;
}

/** Of a task or an executor. */
export function toDockerSpec(task: Pick<TaskInfo, 'container'>): DockerSpec | undefined {
  const docker = task.container?.docker;
  if (!docker?.image) return undefined;
  const linux = readLinuxInfo(task.container, { hasImage: true });
  const networkName = task.container?.network_infos?.find((info) => info.name)?.name;
  return {
    image: docker.image,
    forcePull: docker.force_pull_image === true,
    privileged: docker.privileged === true,
    network: toNetwork(docker.network ?? 'HOST', networkName),
    portMappings: (docker.port_mappings ?? []).flatMap((mapping) =>
      (mapping.protocol ?? 'tcp').split(',').map((protocol) => ({
        hostPort: Number(mapping.host_port),
        containerPort: Number(mapping.container_port),
        protocol: protocol.trim() === 'udp' ? ('udp' as const) : ('tcp' as const),
      })),
    ),
    volumes: (task.container?.volumes ?? []).flatMap((volume) =>
      volume.host_path
        ? [
            {
              hostPath: volume.host_path,
              containerPath: volume.container_path,
              mode: volume.mode === 'RO' ? ('RO' as const) : ('RW' as const),
            },
          ]
        : [],
    ),
    parameters: (docker.parameters ?? []).map(({ key, value }) => ({ key, value })),
    ...(linux.kind === 'read' ? linux.isolation : {}),
    sandboxMount: CONTAINER_SANDBOX,
  };
}

/** Of a task or an executor. */
export const terminalOf = (task: Pick<TaskInfo, 'container'>): Pick<LaunchSpec, 'hasTerminal'> =>
  task.container?.tty_info ? { hasTerminal: true } : {};

/**
 * Persistent volumes appear in the sandbox. A host volume whose path is the relative one of a persistent volume is that
 * volume at a further place: so a container has it at an absolute path.
 */
export function withVolumes(
  docker: DockerSpec | undefined,
  task: Pick<TaskInfo, 'resources'>,
  { volumeDirectory }: LaunchSite,
): DockerSpec | undefined {
  const volumes = volumesIn(task.resources);
  if (docker === undefined || volumeDirectory === undefined || volumes.length === 0) return docker;
  const byPath = new Map(volumes.map((volume) => [volume.containerPath, volume]));
  const isPlain = ({ hostPath }: DockerSpec['volumes'][number]) => !byPath.has(hostPath);
  const mounts = volumes.map((volume) => ({
    hostPath: volumeDirectory(volume),
    containerPath: `${CONTAINER_SANDBOX}/${volume.containerPath}`,
    mode: volume.mode,
  }));
  const further = docker.volumes.flatMap(({ hostPath, containerPath, mode }) => {
    const volume = byPath.get(hostPath);
    return volume === undefined ? [] : [{ hostPath: volumeDirectory(volume), containerPath, mode }];
  });
  return {
    ...docker,
    volumes: docker.volumes.filter(isPlain),
    mounts: [...(docker.mounts ?? []), ...mounts, ...further],
  };
}

const toNetwork = (
  network: 'HOST' | 'BRIDGE' | 'NONE' | 'USER',
  name: string | undefined,
): DockerSpec['network'] => {
  if (network !== 'USER') return network;
  return name === undefined ? 'BRIDGE' : { user: name };
};
