import { definedFields, type ObjectReader } from './object-reader.js';
import { checkRange, type Report } from './rule-report.js';

/** Bound of ours: no host has so much memory. */
const MAX_SHM_MIB = 1_000_000_000;

/** How a container is cut off from its host: system calls and shared memory. */
export const readLinuxInfo = (reader: ObjectReader): Readonly<Record<string, unknown>> =>
  definedFields({
    seccomp: reader.object('seccomp', (seccomp) => ({
      ...definedFields({ profileName: seccomp.string('profileName', { minLength: 1 }) }),
      unconfined: seccomp.boolean('unconfined') ?? false,
    })),
    ipcInfo: reader.object('ipcInfo', (ipc) => {
      if (!ipc.has('mode')) ipc.reportMissing('mode');
      return definedFields({
        mode: ipc.oneOf('mode', ['PRIVATE', 'SHARE_PARENT'] as const),
        shmSize: ipc.integer('shmSize'),
      });
    }),
  });

/** A profile and none at once is a contradiction. */
export function validateLinuxInfo(
  linuxInfo: Readonly<Record<string, unknown>>,
  report: Report,
): void {
  const { seccomp, ipcInfo } = linuxInfo as {
    readonly seccomp?: { readonly profileName?: string; readonly unconfined?: boolean };
    readonly ipcInfo?: { readonly shmSize?: number };
  };
  const path = '/container/linuxInfo';
  if (seccomp?.unconfined === true && seccomp.profileName !== undefined) {
    report(`${path}/seccomp/profileName`, 'must not be given together with unconfined');
  }
  checkRange(ipcInfo?.shmSize, { from: 0, to: MAX_SHM_MIB }, `${path}/ipcInfo/shmSize`, report);
}
