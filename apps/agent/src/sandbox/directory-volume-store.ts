import { chown, lstat, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { findVolumeDefect, roleFolderOf, type TaskVolume, type VolumeName } from '#cluster';
import type { VolumeStore } from '../engine/volume-store.port.js';
import { makeFolder as makeFolderInside } from '../fetch/sandbox-folder.js';
import { findUser } from '../host/user-ids.js';
import { DiskPatience } from '../journal/disk-patience.js';
import { type JournalFiles, nodeJournalFiles } from '../journal/journal-files.js';

/** Tasks of any user get to their own. */
const VOLUME_MODE = 0o755;

type Log = (level: 'info' | 'warn', message: string) => void;

/**
 * `volumes/roles/<role>/<persistence id>` under the work directory, as in Mesos. A volume that is destroyed is first moved
 * to `volumes/removed`, which takes no time, and emptied from there; nothing else is ever removed.
 */
export class DirectoryVolumeStore implements VolumeStore {
  private readonly root: string;
  private readonly removed: string;
  private readonly patience: DiskPatience;
  private removals = 0;
  private emptying: Promise<void> = Promise.resolve();

  constructor(
    private readonly workDirectory: string,
    private readonly log: Log,
    private readonly files: Pick<JournalFiles, 'makeFolder' | 'sync' | 'rename'> = nodeJournalFiles,
  ) {
    this.root = join(workDirectory, 'volumes', 'roles');
    this.removed = join(workDirectory, 'volumes', 'removed');
    this.patience = new DiskPatience(log);
  }

  directoryOf({ role, id }: VolumeName): string {
    const defect = findVolumeDefect({ role, id });
    if (defect !== undefined) throw new Error(`persistent volume ${id}: ${defect}`);
    return join(this.root, roleFolderOf(role), id);
  }

  watch(listener: (problem: string | undefined) => void): void {
    this.patience.watch(listener);
  }

  close(): void {
    this.patience.close();
  }

  async open(volumes: readonly VolumeName[]): Promise<readonly VolumeName[]> {
    this.empty();
    const missing: VolumeName[] = [];
    for (const volume of this.usable(volumes)) {
      if (!(await isDirectory(this.directoryOf(volume)))) missing.push(volume);
    }
    return missing;
  }

  async make(volumes: readonly VolumeName[]): Promise<void> {
    for (const volume of this.usable(volumes)) {
      const directory = this.directoryOf(volume);
      await this.patience.persist(directory, async () => {
        await this.files.makeFolder(directory, VOLUME_MODE);
        // Its name is in its parent, and that one's in its own.
        for (const folder of foldersAbove(directory, this.workDirectory)) {
          await this.files.sync(folder);
        }
      });
    }
  }

  async remove(volumes: readonly VolumeName[]): Promise<void> {
    for (const volume of this.usable(volumes)) {
      const directory = this.directoryOf(volume);
      await this.patience.persist(directory, async () => {
        if ((await lstat(directory).catch(orAbsent)) === undefined) return;
        await this.files.makeFolder(this.removed, VOLUME_MODE);
        await this.files.rename(directory, await this.newPlace());
        await this.files.sync(dirname(directory));
      });
    }
    if (volumes.length > 0) this.empty();
  }

  async attach(
    volumes: readonly TaskVolume[],
    to: Parameters<VolumeStore['attach']>[1],
  ): Promise<void> {
    for (const volume of volumes) {
      const defect = findVolumeDefect(volume);
      if (defect !== undefined) throw new Error(`persistent volume ${volume.id}: ${defect}`);
      const directory = this.directoryOf(volume);
      if (!(await isDirectory(directory))) {
        throw new Error(`persistent volume ${volume.id}: its directory ${directory} is missing`);
      }
      if (to.user !== undefined && process.getuid?.() === 0) {
        const { uid, gid } = await findUser(to.user);
        await chown(directory, uid, gid);
      }
      if (to.isMounted) await makeFolderInside(to.sandbox, volume.containerPath);
      else await linkTo(directory, to.sandbox, volume);
    }
  }

  /** What no directory can be made for was never given to a task. */
  private usable(volumes: readonly VolumeName[]): readonly VolumeName[] {
    return volumes.filter((volume) => {
      const defect = findVolumeDefect(volume);
      if (defect !== undefined) this.log('warn', `persistent volume ${volume.id}: ${defect}`);
      return defect === undefined;
    });
  }

  /** A name nothing of an earlier life has. */
  private async newPlace(): Promise<string> {
    for (;;) {
      this.removals += 1;
      const place = join(this.removed, `${process.pid}.${this.removals}`);
      if ((await lstat(place).catch(orAbsent)) === undefined) return place;
    }
  }

  /** A large volume takes its time; nobody waits for that. */
  private empty(): void {
    this.emptying = this.emptying.then(async () => {
      for (const name of await readdir(this.removed).catch(() => [])) {
        await rm(join(this.removed, name), { recursive: true, force: true }).catch(
          (error: unknown) =>
            this.log('warn', `cannot empty a destroyed volume yet: ${String(error)}`),
        );
      }
    });
  }

  /** For tests: resolves when what was destroyed is gone. */
  emptied(): Promise<void> {
    return this.emptying;
  }
}

async function linkTo(
  directory: string,
  sandbox: string,
  { id, containerPath }: TaskVolume,
): Promise<void> {
  const place = join(sandbox, containerPath);
  if ((await readlink(place).catch(() => undefined)) === directory) return;
  const parent = await makeFolderInside(sandbox, dirname(join(containerPath)));
  const link = join(parent, basename(place));
  await symlink(directory, link).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause;
    const reason = `there is something else at ${containerPath} in the sandbox already`;
    throw new Error(`persistent volume ${id}: ${reason}`, { cause });
  });
}

/** Itself a directory, and no link to one. */
const isDirectory = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(orAbsent))?.isDirectory() ?? false;

function orAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}

/** The folders above a directory, up to and with `top`, innermost first. */
function foldersAbove(directory: string, top: string): readonly string[] {
  const folders: string[] = [];
  let folder = directory;
  while (folder !== top && folder !== dirname(folder)) {
    folder = dirname(folder);
    folders.push(folder);
  }
  return folders;
}
