import { constants, createWriteStream } from 'node:fs';
import { chmod, lchown, open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { CommandUri } from '#mesos-v1';
import { FetchError, type Fetcher } from '../engine/fetcher.port.js';
import { findUser, type UserIds } from '../host/user-ids.js';
import { archiveKindOf, extractArchive } from './archive.js';
import { limitBytes } from './limit-bytes.js';
import { makeFolder } from './sandbox-folder.js';

/** Largest download, and largest contents of an archive. */
const MAX_BYTES = 4 * 1024 * 1024 * 1024;
/** A download that stalls this long fails (Mesos' stall timeout). */
const STALL_MS = 60_000;
const EXECUTABLE = 0o755;

type Request = Parameters<Fetcher['fetch']>[0];

/**
 * Fetches `http`, `https` and `file` URIs and plain absolute paths into the sandbox, one after the other. Archives are
 * extracted unless `extract` is false or `executable` is set; `cache` has no effect.
 */
export class UriFetcher implements Fetcher {
  constructor(private readonly maxBytes: number = MAX_BYTES) {}

  async fetch(request: Request): Promise<void> {
    for (const uri of request.uris) {
      try {
        await this.fetchOne(uri, request);
      } catch (error) {
        throw new FetchError(`${uri.value}: ${reasonOf(error)}`, { cause: error });
      }
    }
    if (request.user !== undefined && process.getuid?.() === 0) {
      await giveTo(request.sandbox, await findUser(request.user));
    }
  }

  private async fetchOne(uri: CommandUri, request: Request): Promise<void> {
    const { sandbox, signal } = request;
    const target = await targetOf(uri, sandbox);
    const source = await openSource(uri.value, signal);
    const limited = limitBytes(this.maxBytes, 'download');
    const stall = watchStalls(limited, STALL_MS);
    try {
      // Exclusively, so never through a link.
      await pipeline(source, limited, createWriteStream(target, { flags: 'wx' }), { signal });
    } finally {
      stall.stop();
    }
    if (uri.executable) {
      await chmod(target, EXECUTABLE);
      return;
    }
    const kind = archiveKindOf(target);
    if (kind === undefined || uri.extract === false) return;
    const limits = { limitBytes: this.maxBytes, signal };
    await extractArchive(target, { kind, folder: dirname(target), sandbox, ...limits });
  }
}

/** `fetch failed` alone says nothing: what it came from does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}

/** Where the file goes: the name in the URI or `output_file`, inside the sandbox. */
async function targetOf(uri: CommandUri, sandbox: string): Promise<string> {
  const path = uri.output_file || basename(decodeURI(pathOf(uri.value)));
  const target = resolve(sandbox, path);
  const inside = relative(sandbox, target);
  if (path === '' || inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
    throw new FetchError(`${JSON.stringify(path)} is not a file name inside the sandbox`);
  }
  const place = join(await makeFolder(sandbox, dirname(inside)), basename(inside));
  await rm(place, { force: true, recursive: true });
  return place;
}

const pathOf = (value: string): string => (URL.canParse(value) ? new URL(value).pathname : value);

async function openSource(value: string, signal: AbortSignal): Promise<Readable> {
  if (isAbsolute(value)) return await openFile(value);
  if (!URL.canParse(value)) throw new FetchError('neither a URL nor an absolute path');
  const url = new URL(value);
  switch (url.protocol) {
    case 'file:':
      return await openFile(fileURLToPath(url));
    case 'http:':
    case 'https:': {
      const response = await fetch(url, { signal });
      if (!response.ok || response.body === null) {
        throw new FetchError(`the server answered ${response.status}`);
      }
      return Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
    }
    default:
      throw new FetchError(`scheme ${url.protocol} is not supported (file, http, https)`);
  }
}

/** A pipe that nobody writes to would hold the opening thread for ever. */
async function openFile(path: string): Promise<Readable> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file.createReadStream();
  await file.close();
  throw new FetchError('not a regular file');
}

function watchStalls(stream: Readable, limitMs: number): { readonly stop: () => void } {
  const fail = () => stream.destroy(new FetchError(`nothing arrived for ${limitMs} ms`));
  let timer = setTimeout(fail, limitMs);
  stream.on('data', () => {
    clearTimeout(timer);
    timer = setTimeout(fail, limitMs);
  });
  stream.pause();
  return { stop: () => clearTimeout(timer) };
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
