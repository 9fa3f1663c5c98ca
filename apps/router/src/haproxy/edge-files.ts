import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Absolute paths of what router and HAProxy share. */
export interface EdgeFiles {
  readonly config: string;
  /** The configuration HAProxy was last seen serving with. */
  readonly lastGoodConfig: string;
  readonly hostsMap: string;
  readonly adminSocket: string;
  readonly masterSocket: string;
  readonly processRecord: string;
  readonly log: string;
}

/** Longest path a Unix socket can have, less what HAProxy appends while it binds. */
const MAX_SOCKET_PATH = 90;

/** Makes the folder. Sockets move to the temporary folder when their path would be too long. */
export function edgeFilesIn(directory: string): EdgeFiles {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const mark = createHash('sha256').update(directory).digest('hex').slice(0, 12);
  const socket = (name: string): string => {
    const path = join(directory, name);
    return path.length <= MAX_SOCKET_PATH ? path : join(tmpdir(), `pacer-${mark}-${name}`);
  };
  return {
    config: join(directory, 'haproxy.cfg'),
    lastGoodConfig: join(directory, 'haproxy.last-good.cfg'),
    hostsMap: join(directory, 'hosts.map'),
    adminSocket: socket('admin.sock'),
    masterSocket: socket('master.sock'),
    processRecord: join(directory, 'haproxy.json'),
    log: join(directory, 'haproxy.log'),
  };
}

/** Replaces a file so that a crash leaves either the old or the new one, on disk. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
