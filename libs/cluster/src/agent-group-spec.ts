import type { LaunchSpec, RunKey, SharedNetwork } from '#core';
import type { ContainerInfo, ExecutorInfo, LinuxInfo, TaskInfo } from '#mesos-v1';
import type { GroupPlace, MemberFolder, SandboxVolume } from './agent-group-place.js';
import {
  CONTAINER_SANDBOX,
  findTaskDefect,
  type LaunchSite,
  launcherKindOf,
  toLaunchSpec,
} from './agent-launch-spec.js';

/** How a member of a group is launched: what it shares with the others, and what it cannot. */

type Volume = NonNullable<ContainerInfo['volumes']>[number];

/** What the group adds to a member's site. */
export interface MemberSite extends LaunchSite {
  readonly group: { readonly run: RunKey; readonly sandbox: string };
}

/** In the group's sandbox: the members' own are in the first, by their runs, and named by their ids in the second. */
export const MEMBERS_FOLDER = 'containers';
export const MEMBER_NAMES_FOLDER = 'tasks';

const RESERVED_NAMES: readonly string[] = [MEMBERS_FOLDER, MEMBER_NAMES_FOLDER];

/** Marathon calls the bridge of the host so. */
const BRIDGE_NAMES: readonly string[] = ['bridge', 'mesos-bridge'];
const UNSAFE_PATH = /[\\\p{Cc}]/u;

/** A member as the launchers know tasks: its image as a Docker image, without its executor. */
export function asPlainTask(task: TaskInfo): TaskInfo {
  const { executor: _, container, ...rest } = task;
  if (container === undefined) return rest;
  const { mesos, docker: __, network_infos: ___, ...others } = container;
  const volumes = (container.volumes ?? []).flatMap((volume) => {
    const host_path = hostPathOf(volume);
    const { mode, container_path } = volume;
    return host_path === undefined ? [] : [{ mode, container_path, host_path }];
  });
  const image = mesos?.image?.docker?.name;
  if (image === undefined) return { ...rest, container: { ...others, volumes } };
  const docker = {
    image,
    network: 'HOST' as const,
    force_pull_image: mesos?.image?.cached === false,
  };
  return { ...rest, container: { ...others, type: 'DOCKER', volumes, docker } };
}

/** The directories a member has of its own sandbox or the group's. */
function sandboxVolumesOf({ container }: TaskInfo): readonly SandboxVolume[] {
  return (container?.volumes ?? []).flatMap((volume) => {
    const given = volume.source?.sandbox_path;
    if (given === undefined) return [];
    const { mode, container_path: containerPath } = volume;
    return [{ scope: given.type ?? 'SELF', path: given.path, containerPath, mode }];
  });
}

/** For what makes or fills the sandbox of a member. */
export function folderOf({
  group,
  id: taskId,
  definition,
}: {
  readonly group?: GroupPlace;
  readonly id: string;
  readonly definition: TaskInfo;
}): { readonly member?: MemberFolder } {
  if (group === undefined) return {};
  const volumes = sandboxVolumesOf(definition);
  const isLinked = launcherKindOf(asPlainTask(definition)) === 'process';
  return { member: { executor: group.executor, taskId, volumes, isLinked } };
}

/** Why a group cannot be run here, or undefined. */
export function findGroupDefect(
  executor: ExecutorInfo,
  tasks: readonly TaskInfo[],
): string | undefined {
  const id = executor.executor_id.value;
  const { container } = executor;
  const networks = container?.network_infos ?? [];
  if (networks.length > 1) {
    return `executor ${id}: container.network_infos has ${networks.length} networks, a group has one`;
  }
  const ignored = container && findIgnored(container);
  if (ignored !== undefined) return `executor ${id}: ${ignored} is not supported by this agent`;
  for (const task of tasks) {
    const defect = findMemberDefect({ ...task, executor }, networks.length > 0);
    if (defect !== undefined) return defect;
  }
  return undefined;
}

/** Of the executor: what all members would have to have. */
function findIgnored(container: ContainerInfo): string | undefined {
  if ((container.volumes ?? []).length > 0) return 'container.volumes';
  if (container.rlimit_info) return 'container.rlimit_info';
  if (container.linux_info) return 'container.linux_info';
  if (container.tty_info) return 'container.tty_info';
  return undefined;
}

function findMemberDefect(task: TaskInfo, hasNetwork: boolean): string | undefined {
  const { container } = task;
  const plain = asPlainTask(task);
  const defect = findTaskDefect(plain);
  if (defect !== undefined) return defect;
  const at = `task ${task.task_id.value}`;
  const image = container?.mesos?.image;
  if (image !== undefined && image.docker === undefined) {
    return `${at}: container.mesos.image has no docker.name, this agent runs Docker images only`;
  }
  const kind = launcherKindOf(plain);
  if (hasNetwork && kind === 'process') {
    return `${at}: it has no image, so it is in the host's network and cannot be in a group with network_infos`;
  }
  // What its parent, the executor, has is nothing an engine could share: no process of it runs.
  const linux = container?.linux_info as LinuxInfo | undefined;
  if (kind === 'docker' && linux?.ipc_mode === 'SHARE_PARENT') {
    return `${at}: container.linux_info.ipc_mode SHARE_PARENT is not supported for members of a group by this agent`;
  }
  for (const [index, volume] of (container?.volumes ?? []).entries()) {
    const problem = findVolumeDefect(volume, kind);
    if (problem !== undefined) return `${at}: container.volumes[${index}] ${problem}`;
  }
  return undefined;
}

function findVolumeDefect(volume: Volume, kind: 'process' | 'docker'): string | undefined {
  const { container_path, source, mode } = volume;
  if (hostPathOf(volume) !== undefined) return undefined;
  const given = source?.sandbox_path;
  if (given === undefined) {
    return `has the source ${source?.type ?? '(none)'}; HOST_PATH and SANDBOX_PATH are supported`;
  }
  const path = JSON.stringify(given.path);
  if (given.path.startsWith('/') || !isSafe(given.path)) {
    return `has the sandbox_path ${path}, which is not a path inside the sandbox`;
  }
  // What is below it would be in the hands of the members, who could put links there.
  if (given.type === 'PARENT' && namesOf(given.path).length > 1) {
    return `has the sandbox_path ${path}; in the group's sandbox it has to be a single name`;
  }
  if (given.type === 'PARENT' && RESERVED_NAMES.includes(namesOf(given.path)[0] ?? '')) {
    return `has the sandbox_path ${path}, where the sandboxes of the members are`;
  }
  const target = JSON.stringify(container_path);
  if (!isSafe(container_path)) return `has the container_path ${target}, which is not a plain path`;
  if (kind === 'docker') return undefined;
  if (container_path.startsWith('/')) {
    return `has the container_path ${target}; without an image it has to be relative to the sandbox`;
  }
  return mode === 'RO' ? 'has mode RO, which needs an image' : undefined;
}

const namesOf = (path: string): readonly string[] =>
  path.split('/').filter((name) => name !== '' && name !== '.');

const isSafe = (path: string): boolean =>
  namesOf(path).length > 0 && !namesOf(path).includes('..') && !UNSAFE_PATH.test(path);

const hostPathOf = ({ host_path, source }: Volume): string | undefined =>
  host_path || (source?.type === 'HOST_PATH' ? source.host_path?.path || undefined : undefined);

/** Turns a member without {@link findGroupDefect} into what a launcher needs. */
export function toMemberSpec(task: TaskInfo, site: MemberSite): LaunchSpec {
  const executorId = task.executor?.executor_id.value ?? '';
  const spec = toLaunchSpec(asPlainTask(task), { ...site, executorId });
  if (spec.docker === undefined) return spec;
  const shared = task.executor && toSharedNetwork(task.executor, site.group.run);
  return {
    ...spec,
    docker: {
      ...spec.docker,
      ...(shared === undefined ? {} : { network: { shared } }),
      mounts: [
        ...(spec.docker.mounts ?? []),
        ...sandboxVolumesOf(task).map(({ scope, path, containerPath, mode }) => ({
          hostPath: `${scope === 'PARENT' ? site.group.sandbox : site.sandbox}/${path}`,
          containerPath: containerPath.startsWith('/')
            ? containerPath
            : `${CONTAINER_SANDBOX}/${containerPath}`,
          mode,
        })),
      ],
    },
  };
}

/** The network of a group's containers; undefined: the host's. */
function toSharedNetwork({ container }: ExecutorInfo, key: RunKey): SharedNetwork | undefined {
  const [network] = container?.network_infos ?? [];
  if (network === undefined) return undefined;
  const { name } = network;
  return {
    key,
    network: !name || BRIDGE_NAMES.includes(name) ? 'BRIDGE' : { user: name },
    portMappings: (network.port_mappings ?? []).flatMap((mapping) =>
      (mapping.protocol ?? 'tcp').split(',').map((protocol) => ({
        hostPort: Number(mapping.host_port),
        containerPort: Number(mapping.container_port),
        protocol: protocol.trim() === 'udp' ? ('udp' as const) : ('tcp' as const),
      })),
    ),
  };
}
