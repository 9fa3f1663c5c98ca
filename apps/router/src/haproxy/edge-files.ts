import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EDGE_MAPS,
  type EdgeMap,
  type EdgeMaps,
  type EdgeSettings,
  listenAddressesOf,
  renderMap,
} from '#routing';

/** Absolute paths of what router and HAProxy share. */
export interface EdgeFiles {
  readonly config: string;
  /** The configuration HAProxy was last seen serving with. */
  readonly lastGoodConfig: string;
  readonly maps: Readonly<Record<EdgeMap, string>>;
  /** Folder of the certificates by name. */
  readonly certificates: string;
  /** Which of them TLS by host name uses. */
  readonly certificateList: string;
  readonly sockets: EdgeSettings['sockets'];
  readonly adminSocket: string;
  readonly masterSocket: string;
  readonly processRecord: string;
  readonly log: string;
  /** The configuration a HAProxy that is given by its sockets had before. */
  readonly operatorConfig: string;
  /** The base configuration HAProxy was last seen serving with. */
  readonly lastGoodBase: string;
}

/** Where a HAProxy that somebody else runs has what else would be in the folder. */
export type ForeignPaths = Pick<EdgeFiles, 'adminSocket' | 'config' | 'masterSocket'>;

/** Longest path a Unix socket can have, less what HAProxy appends while it binds. */
const MAX_SOCKET_PATH = 90;

/** Makes the folder. Sockets move to the temporary folder when their path would be too long. */
export function edgeFilesIn(directory: string, foreign?: ForeignPaths): EdgeFiles {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const mark = createHash('sha256').update(directory).digest('hex').slice(0, 12);
  const socket = (name: string): string => {
    const path = join(directory, name);
    return path.length <= MAX_SOCKET_PATH ? path : join(tmpdir(), `pacer-${mark}-${name}`);
  };
  const plain = (name: string): string =>
    /^[^\s"'\\#[\]]+$/.test(directory)
      ? join(directory, name)
      : join(tmpdir(), `pacer-${mark}-${name}`);
  return {
    config: join(directory, 'haproxy.cfg'),
    lastGoodConfig: join(directory, 'haproxy.last-good.cfg'),
    maps: Object.fromEntries(
      EDGE_MAPS.map((map) => [map, join(directory, `${toFileName(map)}.map`)]),
    ) as unknown as EdgeFiles['maps'],
    // A list of certificates has words without blanks.
    certificates: plain('certificates'),
    certificateList: plain('certificates.list'),
    sockets: {
      http: socket('http.sock'),
      https: socket('https.sock'),
      tls: socket('tls.sock'),
    },
    adminSocket: socket('admin.sock'),
    masterSocket: socket('master.sock'),
    processRecord: join(directory, 'haproxy.json'),
    log: join(directory, 'haproxy.log'),
    operatorConfig: join(directory, 'haproxy.operator.cfg'),
    lastGoodBase: join(directory, 'haproxy.last-good-base.cfg'),
    ...foreign,
  };
}

const toFileName = (map: string): string =>
  map.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Where a configuration that HAProxy was started with listens, as its bind lines have it; nowhere without a file. */
export const readListenAddresses = async ({
  config,
}: Pick<EdgeFiles, 'config'>): Promise<ReadonlySet<string>> =>
  listenAddressesOf(await readFile(config, 'utf8').catch(() => ''));

/** What a map file was last written with, by its path, and how long that is. */
const WRITTEN = new Map<
  string,
  { readonly entries: ReadonlyMap<string, string>; readonly size: number }
>();
const NO_ENTRIES: ReadonlyMap<string, string> = new Map();

/** Writes the map files, but for those that have the same entries already; `suffix` for those that only a check of a configuration reads. */
export async function writeMaps(
  files: Pick<EdgeFiles, 'maps'>,
  maps: Partial<EdgeMaps>,
  suffix = '',
): Promise<void> {
  for (const map of EDGE_MAPS) {
    const path = files.maps[map] + suffix;
    const entries = maps[map] ?? NO_ENTRIES;
    const known = WRITTEN.get(path);
    if (known?.entries === entries && (await sizeOf(path)) === known.size) continue;
    const text = renderMap(map, entries);
    await replaceFile(path, text, { isDurable: suffix === '' });
    WRITTEN.set(path, { entries, size: Buffer.byteLength(text) });
  }
}

const sizeOf = async (path: string): Promise<number | undefined> =>
  (await stat(path).catch(() => undefined))?.size;

const PRIVATE_MODE = 0o600;
const PERMISSION_BITS = 0o777;

/**
 * Replaces a file so that a crash leaves either the old or the new one, on disk. A new one is for its owner only, one that
 * is there keeps its mode. What nobody reads after a crash need not be durable: that waits for the disk. Pieces of a content
 * are made one by one, as they are written.
 */
export async function replaceFile(
  path: string,
  content: string | Iterable<string>,
  { isDurable = true } = {},
): Promise<void> {
  const temporary = `${path}.tmp`;
  const known = await stat(path).catch(() => undefined);
  await rm(temporary, { force: true });
  const file = await open(temporary, 'w', PRIVATE_MODE);
  try {
    if (known !== undefined) await file.chmod(known.mode & PERMISSION_BITS);
    await writeFile(file, content);
    if (isDurable) await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
