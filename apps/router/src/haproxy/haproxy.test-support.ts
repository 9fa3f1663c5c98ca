import { execFileSync } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { describe } from 'vitest';
import { haproxyEnvironment } from './haproxy-command.js';

/** For specs that ask the real HAProxy. */

const hasHaproxy = ((): boolean => {
  try {
    execFileSync('haproxy', ['-v'], { stdio: 'ignore', env: haproxyEnvironment() });
    return true;
  } catch {
    return false;
  }
})();
if (!hasHaproxy && process.env['CI'] === 'true') throw new Error('haproxy is missing');
if (!hasHaproxy) process.stderr.write('skipped: haproxy is not installed\n');

/** A suite that needs HAProxy: skipped without, an error with CI=true. */
export const describeWithHaproxy = describe.runIf(hasHaproxy);

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
