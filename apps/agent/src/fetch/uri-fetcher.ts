import { constants } from 'node:fs';
import { chmod, copyFile, lchown, readdir, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { CommandUri } from '#mesos-v1';
import { FetchError, type Fetcher } from '../engine/fetcher.port.js';
import { findUser, type UserIds } from '../host/user-ids.js';
import { archiveKindOf, extractArchive } from './archive.js';
import { type Checksum, splitChecksum } from './checksum.js';
import { FetchCache } from './fetch-cache.js';
import { FetchLog, formatBytes, withoutPassword } from './fetch-log.js';
import { receive } from './receive.js';
import { makeFolder } from './sandbox-folder.js';
import { kindOf, openSource, type Source } from './source.js';

/** Largest download, and largest contents of an archive. */
const MAX_BYTES = 4 * 1024 * 1024 * 1024;
const EXECUTABLE = 0o755;

type Request = Parameters<Fetcher['fetch']>[0];

export interface UriFetcherOptions {
  /** Where files fetched with `cache` are kept. */
  readonly cacheFolder: string;
  /** What they may come to; 0 keeps none. */
  readonly cacheBytes: number;
  readonly maxBytes?: number;
}

/** One file on its way into the sandbox. */
interface Download {
  readonly location: string;
  readonly checksum?: Checksum;
  readonly target: string;
  readonly isCached: boolean;
  /** As it may be shown. */
  readonly name: string;
  readonly log: FetchLog;
}

/**
 * Fetches `http`, `https` and `file` URIs and plain absolute paths into the sandbox, one after the other. A `#sha256=` or
 * `#sha512=` at the end is what the file must come to. Archives are extracted unless `extract` is false or `executable`
 * is set. With `cache`, what comes over http is shared with other tasks of the same user.
 */
export class UriFetcher implements Fetcher {
  private readonly cache: FetchCache;
  private readonly maxBytes: number;

  constructor({ cacheFolder, cacheBytes, maxBytes = MAX_BYTES }: UriFetcherOptions) {
    this.cache = new FetchCache({ folder: cacheFolder, limitBytes: cacheBytes });
    this.maxBytes = maxBytes;
  }

  async fetch(request: Request): Promise<void> {
    const log = new FetchLog(request.sandbox);
    for (const uri of request.uris) {
      const name = withoutPassword(uri.value);
      try {
        await this.fetchOne(uri, request, { name, log });
      } catch (error) {
        const reason = `${name}: ${reasonOf(error)}`;
        await log.write(`failed: ${reason}`);
        throw new FetchError(reason, { cause: error });
      }
    }
    if (request.user !== undefined && process.getuid?.() === 0) {
      await giveTo(request.sandbox, await findUser(request.user));
    }
  }

  private async fetchOne(
    uri: CommandUri,
    request: Request,
    { name, log }: Pick<Download, 'name' | 'log'>,
  ): Promise<void> {
    const { sandbox, signal } = request;
    const { location, checksum } = splitChecksum(uri.value);
    const isCached = uri.cache === true && kindOf(location) === 'http';
    const target = await targetOf(uri.output_file || fileNameOf(location), sandbox);
    const download: Download = { location, target, isCached, name, log };
    await this.bring(checksum === undefined ? download : { ...download, checksum }, request);
    if (uri.executable) {
      await chmod(target, EXECUTABLE);
      return;
    }
    const kind = archiveKindOf(target);
    if (kind === undefined || uri.extract === false) return;
    const limits = { limitBytes: this.maxBytes, signal };
    await extractArchive(target, { kind, folder: dirname(target), sandbox, ...limits });
  }

  private async bring(download: Download, request: Request): Promise<void> {
    const { location, name, log } = download;
    const { signal, user } = request;
    const beganMs = performance.now();
    const tell = async (bytes: number, whence: string): Promise<void> => {
      const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
      await log.write(`${name}: ${formatBytes(bytes)} in ${seconds} s${whence}`);
    };
    if (download.isCached) {
      const { bytes, whence } = await this.bringShared(download, request);
      await tell(bytes, whence);
      return;
    }
    const source = await openSource(location, { signal, ...(user === undefined ? {} : { user }) });
    // Nothing was known that could still hold.
    if (source === 'not-modified') throw new FetchError('the server answered 304');
    await tell(await this.receiveInto(download, source, signal), '');
  }

  private async bringShared(
    download: Download,
    { signal, user }: Request,
  ): Promise<{ readonly bytes: number; readonly whence: string }> {
    const { location, checksum, target, name, log } = download;
    const lease = await this.cache.lease({
      location,
      signal,
      limitBytes: this.maxBytes,
      onProgress: (received, bytes) => log.progress(name, received, bytes),
      ...(checksum === undefined ? {} : { checksum }),
      ...(user === undefined ? {} : { user }),
    });
    if (lease.kind === 'direct') {
      const bytes = await this.receiveInto(download, lease.source, signal);
      return { bytes, whence: ', not kept in the cache' };
    }
    try {
      await copyFile(lease.path, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      return {
        bytes: lease.bytes,
        whence: lease.isHit ? ', from the cache' : ', kept in the cache',
      };
    } finally {
      lease.release();
    }
  }

  private receiveInto(
    { checksum, target, name, log }: Download,
    source: Source,
    signal: AbortSignal,
  ): Promise<number> {
    return receive(source, target, {
      limitBytes: this.maxBytes,
      signal,
      onProgress: (received) => log.progress(name, received, source.bytes),
      ...(checksum === undefined ? {} : { checksum }),
    });
  }
}

/** `fetch failed` alone says nothing: what it came from does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}

/** Where the file goes: inside the sandbox. */
async function targetOf(path: string, sandbox: string): Promise<string> {
  const target = resolve(sandbox, path);
  const inside = relative(sandbox, target);
  if (path === '' || inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
    throw new FetchError(`${JSON.stringify(path)} is not a file name inside the sandbox`);
  }
  const place = join(await makeFolder(sandbox, dirname(inside)), basename(inside));
  await rm(place, { force: true, recursive: true });
  return place;
}

/** A `%` that encodes nothing stands for itself. */
function fileNameOf(location: string): string {
  if (!URL.canParse(location)) return basename(location);
  const { pathname } = new URL(location);
  try {
    return basename(decodeURIComponent(pathname));
  } catch {
    return basename(pathname);
  }
}

/** Links are given away themselves, never what they point to; a folder last, so nobody changes what is in it meanwhile. */
async function giveTo(folder: string, { uid, gid }: UserIds): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await giveTo(path, { uid, gid });
    else await lchown(path, uid, gid);
  }
  await lchown(folder, uid, gid);
}
