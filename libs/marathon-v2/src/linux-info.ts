import type { LinuxInfo } from '#core';
import { definedFields, type ObjectReader } from './object-reader.js';
import { checkRange, type Report } from './rule-report.js';

/** Bound of ours: no host has so much memory. */
const MAX_SHM_MIB = 1_000_000_000;

/** The name of a file in a folder of the agent. */
const PROFILE_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/;

/** How a container is cut off from its host: system calls and shared memory. */
export const readLinuxInfo = (reader: ObjectReader): LinuxInfo =>
  definedFields({
    seccomp: reader.object('seccomp', (seccomp) => ({
      ...definedFields({ profileName: seccomp.string('profileName', { minLength: 1 }) }),
      unconfined: seccomp.boolean('unconfined') ?? false,
    })),
    ipcInfo: reader.object('ipcInfo', readIpcInfo),
  });

function readIpcInfo(ipc: ObjectReader): LinuxInfo['ipcInfo'] {
  if (!ipc.has('mode')) ipc.reportMissing('mode');
  const mode = ipc.oneOf('mode', ['PRIVATE', 'SHARE_PARENT'] as const);
  const shmSize = ipc.integer('shmSize');
  return mode === undefined ? undefined : { mode, ...definedFields({ shmSize }) };
}

/** What a container engine cuts off and agents do not cut off their own processes. Of a pod each container is on its own. */
export function validateLinuxInfo(
  { seccomp, ipcInfo }: LinuxInfo,
  place: { readonly path: string; readonly hasImage: boolean; readonly isOfPod?: boolean },
  report: Report,
): void {
  validateSeccomp(seccomp, { ...place, path: `${place.path}/seccomp` }, report);
  if (ipcInfo === undefined) return;
  const { mode, shmSize } = ipcInfo;
  const path = `${place.path}/ipcInfo`;
  checkRange(shmSize, { from: 1, to: MAX_SHM_MIB }, `${path}/shmSize`, report);
  if (mode === 'SHARE_PARENT' && shmSize !== undefined) {
    report(`${path}/shmSize`, `${shmSize} is for mode PRIVATE only`);
  }
  if (mode === 'PRIVATE' && !place.hasImage) {
    report(`${path}/mode`, "'PRIVATE' needs an image: a process shares the memory of its agent");
  }
  if (mode === 'SHARE_PARENT' && place.isOfPod === true && place.hasImage) {
    report(`${path}/mode`, "'SHARE_PARENT' is not supported for a container of a pod: use PRIVATE");
  }
}

function validateSeccomp(
  seccomp: LinuxInfo['seccomp'],
  { path, hasImage }: { readonly path: string; readonly hasImage: boolean },
  report: Report,
): void {
  if (seccomp === undefined) return;
  const { profileName, unconfined } = seccomp;
  if (profileName !== undefined) {
    const name = `'${profileName.slice(0, 60)}'`;
    const field = `${path}/profileName`;
    if (unconfined) report(field, `${name} must not be given together with unconfined`);
    if (!PROFILE_NAME.test(profileName)) {
      report(field, `${name} must be a file name of at most 255 letters, digits, ., _ and -`);
    }
    if (!hasImage) report(field, `${name} needs an image: a process is under no profile`);
  } else if (!unconfined && !hasImage) {
    report(`${path}/unconfined`, 'false needs an image: a process is under no profile');
  }
}
