import type { Stats } from 'node:fs';
import { type FileHandle, lstat, readdir, readFile } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { type AgentState, volumesIn } from '#cluster';
import { type RunKey, runKeyOfTask } from '#core';
import { ApiError } from '#platform';
import type { DirectorySandboxStore } from '../sandbox/directory-sandbox-store.js';
import type { DirectoryVolumeStore } from '../sandbox/directory-volume-store.js';
import { stillRecovering } from '../status/still-recovering.js';
import { LOG_PATH, openLog, readLogPath } from './agent-log.js';
import { findSandbox } from './find-sandbox.js';
import {
  openInSandbox,
  parseSandboxPath,
  resolveInSandbox,
  type SandboxPath,
} from './sandbox-path.js';

/** What the files API needs to know of the agent. */
export interface FileSource {
  readonly state: AgentState | undefined;
  readonly sandboxes: Pick<DirectorySandboxStore, 'directories'>;
  readonly volumes?: Pick<DirectoryVolumeStore, 'directoryOf'>;
}

export interface ListedFile {
  /** Below the path that was asked for. */
  readonly path: string;
  readonly stats: Stats;
  /** Names, where this host knows them, else numbers. */
  readonly user: string;
  readonly group: string;
}

export interface OpenedFile {
  readonly file: FileHandle;
  readonly name: string;
  /** Whose file it is; the agent's own log is no run's. */
  readonly run?: RunKey;
  /** Opens what has the path by now. */
  readonly again: () => Promise<FileHandle>;
}

/** Entries of one folder listed at most. */
const MAX_ENTRIES = 10_000;

/** Throws {@link ApiError}: 400 the path, 403 it leads out, 404 nothing is there, 503 the agent is still starting. */
export async function openFile(source: FileSource, text: string): Promise<OpenedFile> {
  const log = readLogPath(text);
  if (log === 'folder') throw new ApiError(400, `${text} is not a regular file`);
  if (log === 'file') return { file: await openLog(), name: 'log', again: openLog };
  const { sandbox, run, path } = await locate(source, parseSandboxPath(text));
  const again = async (): Promise<FileHandle> => await openInSandbox(sandbox, path);
  return {
    file: await again(),
    name: basename(path.inside),
    again,
    ...(run === undefined ? {} : { run }),
  };
}

export async function listFolder(source: FileSource, text: string): Promise<readonly ListedFile[]> {
  const log = readLogPath(text);
  if (log === 'file') throw new ApiError(404, `${LOG_PATH} is not a folder`);
  if (log === 'folder') {
    const file = await openLog();
    try {
      return [await describe(LOG_PATH, await file.stat())];
    } finally {
      await file.close();
    }
  }
  const { sandbox, path } = await locate(source, parseSandboxPath(text));
  const folder = await resolveInSandbox(sandbox, path);
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new ApiError(404, `task ${path.taskId}: ${path.inside || '/'} is not a folder`, {
      cause,
    });
  });
  const entries: ListedFile[] = [];
  for (const name of names.sort().slice(0, MAX_ENTRIES)) {
    // Links are shown as they are: what they lead to may be outside.
    const stats = await lstat(join(folder, name)).catch(() => undefined);
    if (stats !== undefined) entries.push(await describe(posix.join(text, name), stats));
  }
  return entries;
}

/** The folder that the path must not lead out of, and the path in it. */
async function locate(
  { state, sandboxes, volumes }: FileSource,
  path: SandboxPath,
): Promise<{ readonly sandbox: string; readonly path: SandboxPath; readonly run?: RunKey }> {
  if (state !== undefined) {
    const { run, folder, inside } = findSandbox(state, path);
    const { sandbox } = sandboxes.directories(folder);
    // What is in a volume is in its directory, to which only a link leads; nothing leads out of that.
    const mine = volumesIn(state.tasks.get(run)?.definition.resources ?? []);
    const volume = mine.find(({ containerPath }) => isBelow(path.inside, containerPath));
    if (volume !== undefined && volumes !== undefined) {
      const below = posix.relative(volume.containerPath, path.inside);
      return { sandbox: volumes.directoryOf(volume), run, path: { ...path, inside: below } };
    }
    return { sandbox, run, path: { ...path, inside: posix.join(inside, path.inside) } };
  }
  const { sandbox } = sandboxes.directories(runKeyOfTask(path.taskId));
  const isThere = path.owner === undefined && (await lstat(sandbox).catch(() => undefined));
  if (isThere) return { sandbox, path };
  throw stillRecovering();
}

const isBelow = (path: string, folder: string): boolean =>
  path === posix.normalize(folder) || path.startsWith(`${posix.normalize(folder)}/`);

async function describe(path: string, stats: Stats): Promise<ListedFile> {
  const [user, group] = await Promise.all([
    nameOf('/etc/passwd', stats.uid),
    nameOf('/etc/group', stats.gid),
  ]);
  return { path, stats, user, group };
}

const NAMES_LIFE_MS = 10_000;
const names = new Map<
  string,
  { readonly readAtMs: number; readonly byId: ReadonlyMap<number, string> }
>();

/** By the host's own files, read anew every ten seconds; the number where they do not have it. */
async function nameOf(file: '/etc/passwd' | '/etc/group', id: number): Promise<string> {
  let known = names.get(file);
  if (known === undefined || performance.now() - known.readAtMs > NAMES_LIFE_MS) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    const pairs = lines.map((line) => line.split(':')).filter((fields) => fields.length > 2);
    const byId = new Map(pairs.reverse().map(([name = '', , number]) => [Number(number), name]));
    known = { readAtMs: performance.now(), byId };
    names.set(file, known);
  }
  return known.byId.get(id) ?? String(id);
}
