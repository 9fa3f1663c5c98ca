import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { FetchError } from '../engine/fetcher.port.js';
import { limitBytes } from './limit-bytes.js';
import { moveInto } from './sandbox-folder.js';

export type ArchiveKind = 'tar' | 'zip' | Compression;
/** Of a single file. */
type Compression = 'gzip' | 'bzip2' | 'xz';

const TAR_NAME = /\.(tar|tar\.gz|tgz|tar\.bz2|tbz2|tar\.xz|txz)$/i;
const PRIVATE_FOLDER = 0o700;
const MAX_COMPLAINT = 1_000;
const LISTING_LIMIT_BYTES = 64 * 1024 * 1024;
const run = promisify(execFile);

const COMPRESSIONS: Readonly<Record<string, Compression>> = {
  gz: 'gzip',
  bz2: 'bzip2',
  xz: 'xz',
};

/** What Mesos' fetcher extracts, by name, and single files that bzip2 or xz packed. */
export function archiveKindOf(name: string): ArchiveKind | undefined {
  if (TAR_NAME.test(name)) return 'tar';
  if (/\.zip$/i.test(name)) return 'zip';
  const [, extension = ''] = /\.(gz|bz2|xz)$/i.exec(name) ?? [];
  return COMPRESSIONS[extension.toLowerCase()];
}

/**
 * Replaces `archive` by its contents, in `folder`. Refuses, before anything is written, members with absolute names or
 * `..`, devices, and contents above `limitBytes`. It is unpacked in an empty folder of its own, where system tar and
 * unzip do not follow links that the archive itself brings; those of earlier archives are not there.
 */
export async function extractArchive(
  archive: string,
  options: {
    readonly kind: ArchiveKind;
    /** A real place in `sandbox`. */
    readonly folder: string;
    readonly sandbox: string;
    readonly limitBytes: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { folder, sandbox } = options;
  const unpacked = await mkdtemp(join(sandbox, '.pacer-unpack-'));
  try {
    const { kind } = options;
    if (kind === 'tar' || kind === 'zip') await unpackInto(unpacked, archive, { ...options, kind });
    else await decompressInto(unpacked, archive, { ...options, kind });
    // An archive may have a member of its own name.
    await rm(archive);
    // What it says about its own top folder does not concern the sandbox.
    await chmod(unpacked, PRIVATE_FOLDER);
    await moveInto(unpacked, folder, sandbox);
  } finally {
    // What cannot be removed (a folder its owner may not change, without being root) goes with the sandbox.
    await rm(unpacked, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function decompressInto(
  target: string,
  archive: string,
  options: {
    readonly kind: Compression;
    readonly limitBytes: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { kind, signal } = options;
  const file = join(target, basename(archive).replace(/\.(gz|bz2|xz)$/i, ''));
  const limited = limitBytes(options.limitBytes, `contents of ${basename(archive)}`);
  const output = createWriteStream(file, { flags: 'wx' });
  if (kind === 'gzip') {
    await pipeline(createReadStream(archive), createGunzip(), limited, output, { signal });
    return;
  }
  const child = spawn(kind, ['-dc', '--', archive], { signal, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = endOf(child);
  // Seen below; until then it must not count as unhandled.
  ended.catch(() => undefined);
  await pipeline(child.stdout, limited, output, { signal });
  await ended;
}

/** Rejects with what the program says when it fails. */
async function endOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<void> {
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, MAX_COMPLAINT);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new FetchError(complaint.trim() || `it ended with status ${code}`);
}

async function unpackInto(
  target: string,
  archive: string,
  options: {
    readonly kind: 'tar' | 'zip';
    readonly limitBytes: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { kind, signal } = options;
  const settings = { signal, maxBuffer: LISTING_LIMIT_BYTES, cwd: target };
  const members =
    kind === 'tar' ? await listTar(archive, settings) : await listZip(archive, settings);
  checkMembers(archive, members, options.limitBytes);
  const command =
    kind === 'tar'
      ? ['tar', '-xf', archive, '--no-same-owner', '-C', target]
      : ['unzip', '-oq', archive, '-d', target];
  // A member may be longer than the list said.
  await run('prlimit', [`--fsize=${options.limitBytes}`, '--', ...command], settings).catch(
    (error: unknown) => {
      const isTooLong = (error as { readonly signal?: string }).signal === 'SIGXFSZ';
      if (!isTooLong) throw error;
      throw new FetchError(
        `${basename(archive)}: a member is longer than the limit of ${options.limitBytes} bytes`,
      );
    },
  );
  // With them, whoever can reach the sandbox would act as the files' owner.
  await run(
    'find',
    [target, '-perm', '/7000', '!', '-type', 'l', '-exec', 'chmod', 'a-st', '{}', '+'],
    settings,
  );
}

interface Member {
  readonly name: string;
  readonly isDevice: boolean;
  readonly bytes: number;
}

interface RunSettings {
  readonly signal: AbortSignal;
  readonly maxBuffer: number;
  readonly cwd: string;
}

/** `-rw-r--r-- user/group 12 2026-01-01 00:00 name`; a device's numbers instead of the size; a link's target after ` -> ` or ` link to `. */
async function listTar(archive: string, settings: RunSettings): Promise<readonly Member[]> {
  const { stdout } = await run(
    'tar',
    ['-tvf', archive, '--numeric-owner', '--absolute-names'],
    settings,
  );
  return stdout.split('\n').flatMap((line) => {
    const match = /^(\S)\S*\s+\S+\s+([\d,]+)\s+\S+\s+\S+\s(.*)$/.exec(line);
    if (match === null) return [];
    const [, type, size, rest = ''] = match;
    const isDevice = type === 'b' || type === 'c';
    const name = type === 'l' ? (rest.split(' -> ')[0] ?? rest) : rest.split(' link to ')[0];
    return [{ name: name ?? rest, isDevice, bytes: isDevice ? 0 : Number(size) }];
  });
}

async function listZip(archive: string, settings: RunSettings): Promise<readonly Member[]> {
  const { stdout } = await run('unzip', ['-l', archive], settings);
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+\d\S*\s+\d\S*\s{3}(.*)$/.exec(line);
    return match === null
      ? []
      : [{ name: match[2] ?? '', isDevice: false, bytes: Number(match[1]) }];
  });
}

function checkMembers(archive: string, members: readonly Member[], limit: number): void {
  const unsafe = members.find(({ name }) => name.startsWith('/') || name.split('/').includes('..'));
  if (unsafe !== undefined) {
    throw new FetchError(
      `${basename(archive)}: member ${JSON.stringify(unsafe.name)} would leave the sandbox`,
    );
  }
  const device = members.find(({ isDevice }) => isDevice);
  if (device !== undefined) {
    throw new FetchError(`${basename(archive)}: member ${JSON.stringify(device.name)} is a device`);
  }
  const total = members.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > limit) {
    throw new FetchError(
      `${basename(archive)}: its contents are ${total} bytes, the limit is ${limit}`,
    );
  }
}
