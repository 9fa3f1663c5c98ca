import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { toSocketAddress } from '#routing';
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

/**
 * Whether `port` can be listened on at its address, or at each of `hosts`, where HAProxy does not already: `held` are the
 * addresses of its bind lines. An app that writes its bind lines itself may have others than its labels say.
 */
export async function isListenerFree(
  hosts: readonly string[],
  { port, address }: { readonly port: number; readonly address?: string },
  held: ReadonlySet<string>,
): Promise<boolean> {
  const ofPort = [...held].filter((one) => one.endsWith(`:${port}`));
  if (address === undefined) return ofPort.length > 0 || isPortFreeAt(hosts, port);
  const host = address.replace(/^\[(.*)\]$/, '$1');
  const isHeld = ofPort.some((one) => one === toSocketAddress(host, port) || EVERYWHERE.test(one));
  return isHeld || isPortFree(host, port);
}

/** A bind address that holds all others with its port. */
const EVERYWHERE = /^(\*|0\.0\.0\.0)?:\d+$/;
