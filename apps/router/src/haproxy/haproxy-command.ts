import { execFile } from 'node:child_process';

/** Where distributions install HAProxy; the PATH of a user who is not root often lacks it. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Found by the PATH of {@link haproxyEnvironment}. */
export const DEFAULT_BINARY = 'haproxy';

/**
 * Memory in large pages, where the kernel lets a process ask for them (`madvise`): with 10,000 servers HAProxy reads its
 * configuration in 0.12 s of processor time in place of 0.43 s. The first is for glibc (2.35 and later), the other for the
 * jemalloc that newer packages of HAProxy are linked with; neither hurts where it means nothing.
 */
const LARGE_PAGES = {
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  MALLOC_CONF: 'thp:always,metadata_thp:always',
} as const;

/** The environment to start `haproxy` with: found wherever it is installed, for anybody. What is set already stays. */
export function haproxyEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  const folders = (environment['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  const missing = SYSTEM_FOLDERS.filter((folder) => !folders.includes(folder));
  return { ...LARGE_PAGES, ...environment, PATH: [...folders, ...missing].join(':') };
}

/** Whether starting a program failed because there is none. */
export const isMissingProgram = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Servers can be added at run time for good, and the master passes its sockets on, since then. */
export const MIN_HAPROXY: readonly [number, number] = [2, 6];
const COMMAND_TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** What a short-lived `haproxy` prints, whatever its exit status. Rejects when there is no such program. */
export function runHaproxy(binary: string, args: readonly string[]): Promise<string> {
  const options = {
    env: haproxyEnvironment(),
    timeout: COMMAND_TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
  };
  return new Promise((resolve, reject) => {
    execFile(binary, args, options, (error, stdout) => {
      if (isMissingProgram(error)) reject(error);
      else resolve(stdout);
    });
  });
}

/** The first line of `haproxy -v`; undefined: it says none. Rejects when there is no such program. */
export async function readHaproxyVersion(binary = DEFAULT_BINARY): Promise<string | undefined> {
  return /^HA-?Proxy version \S+/m.exec(await runHaproxy(binary, ['-v']))?.[0];
}

/** Whether a HAProxy of this version can do what the edge asks of it. */
export function supportsEdge(version: string | undefined): boolean {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  const [minMajor, minMinor] = MIN_HAPROXY;
  return Number(major) > minMajor || (Number(major) === minMajor && Number(minor) >= minMinor);
}
