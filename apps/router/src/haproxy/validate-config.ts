import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { DEFAULT_BINARY, haproxyEnvironment } from './haproxy-command.js';

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
 * Whether a port can be bound now. `haproxy -c` does not look, and a reload with one taken port makes every listener
 * refuse connections for two seconds.
 */
export function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    const address = host === '*' ? '0.0.0.0' : host;
    server.listen({ host: address, port, exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}

/** Whether a port can be bound at each of these addresses. */
export async function isPortFreeAt(hosts: readonly string[], port: number): Promise<boolean> {
  for (const host of hosts) if (!(await isPortFree(host, port))) return false;
  return true;
}
