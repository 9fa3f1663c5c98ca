import type { App } from '#core';
import type { LinuxInfo } from '#mesos-v1';

type Declared = NonNullable<NonNullable<App['container']>['linuxInfo']>;

/** Marathon's `linuxInfo` in Mesos' words. */
export function toLinuxInfo({ seccomp, ipcInfo }: Declared): LinuxInfo {
  return {
    ...(seccomp === undefined
      ? {}
      : {
          seccomp: {
            unconfined: seccomp.unconfined,
            ...(seccomp.profileName === undefined ? {} : { profile_name: seccomp.profileName }),
          },
        }),
    ...(ipcInfo === undefined
      ? {}
      : {
          ipc_mode: ipcInfo.mode,
          ...(ipcInfo.shmSize === undefined ? {} : { shm_size: ipcInfo.shmSize }),
        }),
  };
}
