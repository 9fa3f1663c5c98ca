import type { LinuxInfo as Declared } from '#core';
import type { LinuxInfo } from '#mesos-v1';

/**
 * Marathon's `linuxInfo` in Mesos' words. Only what an agent can carry out: what is stored may be older than the rules, and
 * a process has none of it.
 */
export function toLinuxInfo(
  { seccomp, ipcInfo }: Declared,
  { hasImage }: { readonly hasImage: boolean },
): LinuxInfo {
  const isConfined = seccomp !== undefined && (hasImage || seccomp.unconfined);
  const hasIpc = ipcInfo !== undefined && (hasImage || ipcInfo.mode === 'SHARE_PARENT');
  return {
    ...(isConfined ? { seccomp: toSeccomp(seccomp) } : {}),
    ...(hasIpc ? toIpc(ipcInfo) : {}),
  };
}

const toSeccomp = ({ unconfined, profileName }: NonNullable<Declared['seccomp']>) => ({
  unconfined,
  ...(profileName === undefined ? {} : { profile_name: profileName }),
});

const toIpc = ({ mode, shmSize = 0 }: NonNullable<Declared['ipcInfo']>) => ({
  ipc_mode: mode,
  ...(mode === 'PRIVATE' && shmSize > 0 ? { shm_size: shmSize } : {}),
});
