import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { FetchError } from '../engine/fetcher.port.js';
import { limitBytes } from './limit-bytes.js';

export type ArchiveKind = 'tar' | 'zip' | 'gzip';

const TAR_NAME = /\.(tar|tar\.gz|tgz|tar\.bz2|tbz2|tar\.xz|txz)$/i;
const LISTING_LIMIT_BYTES = 64 * 1024 * 1024;
const run = promisify(execFile);

/** What Mesos' fetcher extracts, by name. */
export function archiveKindOf(name: string): ArchiveKind | undefined {
  if (TAR_NAME.test(name)) return 'tar';
  if (/\.zip$/i.test(name)) return 'zip';
  return /\.gz$/i.test(name) ? 'gzip' : undefined;
}

/**
 * Extracts `archive` into `folder`. Refuses, before anything is written, members with absolute names or `..`, and
 * contents above `limitBytes`. System tar and unzip themselves do not follow links out of the folder.
 */
export async function extractArchive(
  archive: string,
  options: {
    readonly kind: ArchiveKind;
    readonly folder: string;
    readonly limitBytes: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { kind, folder, signal } = options;
  if (kind === 'gzip') {
    const target = join(folder, basename(archive).replace(/\.gz$/i, ''));
    const unpacked = limitBytes(options.limitBytes, `contents of ${basename(archive)}`);
    await pipeline(createReadStream(archive), createGunzip(), unpacked, createWriteStream(target), {
      signal,
    });
    return;
  }
  const settings = { signal, maxBuffer: LISTING_LIMIT_BYTES, cwd: folder };
  const members =
    kind === 'tar' ? await listTar(archive, settings) : await listZip(archive, settings);
  checkMembers(archive, members, options.limitBytes);
  if (kind === 'tar') await run('tar', ['-xf', archive, '--no-same-owner', '-C', folder], settings);
  else await run('unzip', ['-oq', archive, '-d', folder], settings);
}

interface Member {
  readonly name: string;
  readonly bytes: number;
}

interface RunSettings {
  readonly signal: AbortSignal;
  readonly maxBuffer: number;
  readonly cwd: string;
}

/** `-rw-r--r-- user/group 12 2026-01-01 00:00 name`; a link's target after ` -> ` or ` link to `. */
async function listTar(archive: string, settings: RunSettings): Promise<readonly Member[]> {
  const { stdout } = await run(
    'tar',
    ['-tvf', archive, '--numeric-owner', '--absolute-names'],
    settings,
  );
  return stdout.split('\n').flatMap((line) => {
    const match = /^(\S)\S*\s+\S+\s+(\d+)\s+\S+\s+\S+\s(.*)$/.exec(line);
    if (match === null) return [];
    const [, type, bytes, rest = ''] = match;
    const name = type === 'l' ? (rest.split(' -> ')[0] ?? rest) : rest.split(' link to ')[0];
    return [{ name: name ?? rest, bytes: Number(bytes) }];
  });
}

async function listZip(archive: string, settings: RunSettings): Promise<readonly Member[]> {
  const { stdout } = await run('unzip', ['-l', archive], settings);
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+\d\S*\s+\d\S*\s{3}(.*)$/.exec(line);
    return match === null ? [] : [{ name: match[2] ?? '', bytes: Number(match[1]) }];
  });
}

function checkMembers(archive: string, members: readonly Member[], limit: number): void {
  const unsafe = members.find(({ name }) => name.startsWith('/') || name.split('/').includes('..'));
  if (unsafe !== undefined) {
    throw new FetchError(
      `${basename(archive)}: member ${JSON.stringify(unsafe.name)} would leave the sandbox`,
    );
  }
  const total = members.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > limit) {
    throw new FetchError(
      `${basename(archive)}: its contents are ${total} bytes, the limit is ${limit}`,
    );
  }
}
