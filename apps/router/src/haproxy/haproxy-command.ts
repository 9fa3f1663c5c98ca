import { execFile } from 'node:child_process';

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

/** Servers can be added at run time for good, and the master passes its sockets on, since then. */
export const MIN_HAPROXY: readonly [number, number] = [2, 6];
const VERSION_TIMEOUT_MS = 10_000;

/** The first line of `haproxy -v`; undefined: it says none. Rejects when there is no such program. */
export function readHaproxyVersion(): Promise<string | undefined> {
  const options = { env: haproxyEnvironment(), timeout: VERSION_TIMEOUT_MS };
  return new Promise((resolve, reject) => {
    execFile('haproxy', ['-v'], options, (error, stdout) => {
      if (isMissingProgram(error)) reject(error);
      else resolve(/^HA-?Proxy version \S+/m.exec(stdout)?.[0]);
    });
  });
}

/** Whether a HAProxy of this version can do what the edge asks of it. */
export function supportsEdge(version: string | undefined): boolean {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  const [minMajor, minMinor] = MIN_HAPROXY;
  return Number(major) > minMajor || (Number(major) === minMajor && Number(minor) >= minMinor);
}
