/** Where distributions install HAProxy; the PATH of a user who is not root often lacks it. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The environment to start `haproxy` with: found wherever it is installed, for anybody. */
export function haproxyEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  const folders = (environment['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  const missing = SYSTEM_FOLDERS.filter((folder) => !folders.includes(folder));
  return { ...environment, PATH: [...folders, ...missing].join(':') };
}

/** Whether starting a program failed because there is none. */
export const isMissingProgram = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
