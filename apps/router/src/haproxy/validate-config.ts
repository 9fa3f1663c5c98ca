import { execFile } from 'node:child_process';
import { DEFAULT_BINARY, haproxyEnvironment } from './haproxy-command.js';
import { canListen } from './probe-bind.js';

const VALIDATION_TIMEOUT_MS = 20_000;

/** Runs `haproxy -c`. */
export function validateConfig(
  path: string,
  binary = DEFAULT_BINARY,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }> {
  return new Promise((resolve) => {
    execFile(
      binary,
      ['-c', '-f', path],
      {
        timeout: VALIDATION_TIMEOUT_MS,
        maxBuffer: 4 * 1024 * 1024,
        env: haproxyEnvironment(),
      },
      (error, stdout, stderr) =>
        resolve(
          error === null
            ? { ok: true }
            : { ok: false, reason: `${stderr}${stdout}`.trim() || error.message },
        ),
    );
  });
}

/**
 * Whether a port can be listened on at each of these addresses. `haproxy -c` does not look, and a reload with one taken port
 * makes every listener refuse connections for two seconds.
 */
export async function isPortFreeAt(hosts: readonly string[], port: number): Promise<boolean> {
  for (const host of hosts) if (!(await canListen(host, port))) return false;
  return true;
}

/**
 * Whether `port` can be listened on at its address, or at each of `hosts`, where HAProxy does not already: `held` are the
 * addresses of its bind lines. An app that writes its bind lines itself may have others than its labels say.
 */
export async function isListenerFree(
  hosts: readonly string[],
  { port, address }: { readonly port: number; readonly address?: string },
  held: ReadonlySet<string>,
): Promise<boolean> {
  if (address !== undefined) return canListen(address.replace(/^\[(.*)\]$/, '$1'), port, held);
  return [...held].some((one) => one.endsWith(`:${port}`)) || isPortFreeAt(hosts, port);
}
