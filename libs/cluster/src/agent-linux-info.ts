/** Mesos' `ContainerInfo.linux_info`: how a container is cut off from its host, or why this agent cannot do that. */
import type { DockerSpec } from '#core';
import type { ContainerInfo, LinuxInfo } from '#mesos-v1';

const FIELD = 'container.linux_info';
const FILE_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/;
/** Bound of ours, as for the field of an app. */
const MAX_SHM_MIB = 1_000_000_000;

export type ReadLinuxInfo =
  | { readonly kind: 'read'; readonly isolation: Pick<DockerSpec, 'seccomp' | 'ipc'> }
  | { readonly kind: 'defect'; readonly message: string };

/** Processes are not cut off at all: what asks for nothing else is fine, the rest is for containers with an image. */
export function readLinuxInfo(
  container: Pick<ContainerInfo, 'linux_info'> | undefined,
  { hasImage }: { readonly hasImage: boolean },
): ReadLinuxInfo {
  const given: unknown = container?.linux_info;
  if (given === undefined || given === null) return { kind: 'read', isolation: {} };
  if (typeof given !== 'object' || Array.isArray(given)) return defect(`${FIELD} is no message`);
  const { seccomp, ipc_mode, shm_size, ...others } = given as LinuxInfo;
  const [other] = Object.entries(others).filter(([, value]) => isThere(value));
  if (other !== undefined) return defect(`${FIELD}.${other[0]} is not supported by this agent`);
  const problem =
    findSeccompDefect(seccomp, hasImage) ?? findIpcDefect(ipc_mode, shm_size, hasImage);
  if (problem !== undefined) return defect(problem);
  if (!hasImage) return { kind: 'read', isolation: {} };
  return { kind: 'read', isolation: { ...toSeccomp(seccomp), ...toIpc(ipc_mode, shm_size) } };
}

function findSeccompDefect(seccomp: unknown, hasImage: boolean): string | undefined {
  if (!isThere(seccomp)) return undefined;
  if (typeof seccomp !== 'object') return `${FIELD}.seccomp is no message`;
  const { profile_name: name, unconfined } = seccomp as NonNullable<LinuxInfo['seccomp']>;
  if (isThere(name)) {
    const field = `${FIELD}.seccomp.profile_name ${JSON.stringify(name)}`;
    if (typeof name !== 'string' || !FILE_NAME.test(name)) return `${field} is no file name`;
    if (unconfined === true) return `${field} is given together with unconfined`;
  }
  return hasImage || unconfined === true
    ? undefined
    : `${FIELD}.seccomp needs an image: a process of this agent is under no profile`;
}

function findIpcDefect(mode: unknown, size: unknown, hasImage: boolean): string | undefined {
  if (isThere(mode) && mode !== 'PRIVATE' && mode !== 'SHARE_PARENT') {
    return `${FIELD}.ipc_mode ${JSON.stringify(mode)} is not PRIVATE or SHARE_PARENT`;
  }
  if (mode === 'PRIVATE' && !hasImage) {
    return `${FIELD}.ipc_mode PRIVATE needs an image: a process shares the memory of this agent`;
  }
  if (!isThere(size)) return undefined;
  const field = `${FIELD}.shm_size ${JSON.stringify(size)}`;
  if (mode !== 'PRIVATE') return `${field} is for the ipc_mode PRIVATE only`;
  const isSize = Number.isInteger(size) && Number(size) > 0 && Number(size) <= MAX_SHM_MIB;
  return isSize ? undefined : `${field} is not a number of MiB from 1 to ${MAX_SHM_MIB}`;
}

const toSeccomp = (seccomp: LinuxInfo['seccomp']): Pick<DockerSpec, 'seccomp'> => {
  if (seccomp?.unconfined === true) return { seccomp: 'unconfined' };
  const profile = seccomp?.profile_name ?? undefined;
  return profile === undefined ? {} : { seccomp: { profile } };
};

const toIpc = (
  mode: LinuxInfo['ipc_mode'],
  shmMib: number | undefined,
): Pick<DockerSpec, 'ipc'> => {
  if (!isThere(mode)) return {};
  if (mode === 'SHARE_PARENT') return { ipc: 'host' };
  return { ipc: { ...(isThere(shmMib) ? { shmMib } : {}) } };
};

const isThere = <Value>(value: Value): value is NonNullable<Value> =>
  value !== undefined && value !== null;

const defect = (message: string): ReadLinuxInfo => ({ kind: 'defect', message });
