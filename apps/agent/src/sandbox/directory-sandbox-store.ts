import { mkdirSync } from 'node:fs';
import { chown, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { MEMBERS_FOLDER } from '#cluster';
import { assert, type RunKey, readRunKey } from '#core';
import type { SandboxStore, TaskDirectories } from '../engine/sandbox-store.port.js';
import { findUser } from '../host/user-ids.js';
import { prepareMember } from './member-folder.js';

/** Folders of runs under the agent's work directory: `sandboxes/<run>` and `runtime/<run>`. */
export class DirectorySandboxStore implements SandboxStore {
  readonly root: string;
  private readonly runtimeRoot: string;

  constructor(workDirectory: string) {
    this.root = join(workDirectory, 'sandboxes');
    this.runtimeRoot = join(workDirectory, 'runtime');
  }

  directories(run: RunKey, executor?: RunKey): TaskDirectories {
    // A key is one name; the ids of earlier versions were checked to be.
    assert(run !== '' && run !== '.' && run !== '..' && !run.includes('/'), `folder "${run}"`);
    const folder =
      executor === undefined ? this.root : join(this.directories(executor).sandbox, MEMBERS_FOLDER);
    return { sandbox: join(folder, run), runtimeDirectory: join(this.runtimeRoot, run) };
  }

  async prepare(
    run: RunKey,
    { user, member }: Parameters<SandboxStore['prepare']>[1],
  ): Promise<TaskDirectories> {
    const directories = this.directories(run, member?.executor);
    // Synchronously: through the thread pool it would cost the event loop more.
    mkdirSync(directories.sandbox, { recursive: true, mode: 0o755 });
    mkdirSync(directories.runtimeDirectory, { recursive: true, mode: 0o700 });
    if (member !== undefined) {
      const shared = this.directories(member.executor).sandbox;
      await prepareMember(member, { own: directories.sandbox, shared });
    }
    if (user !== undefined && process.getuid?.() === 0) {
      const { uid, gid } = await findUser(user);
      await chown(directories.sandbox, uid, gid);
    }
    return directories;
  }

  /** The sandbox's age counts from here on, whatever its task did to it. */
  async retire(run: RunKey): Promise<void> {
    const { sandbox, runtimeDirectory } = this.directories(run);
    const now = new Date();
    // One that was never launched has none.
    await utimes(sandbox, now, now).catch(() => undefined);
    await rm(runtimeDirectory, { recursive: true, force: true });
  }

  async sweepRuntime(isLive: (run: RunKey) => boolean): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.runtimeRoot).catch(() => [])) {
      if (isLive(readRunKey(name))) continue;
      await rm(join(this.runtimeRoot, name), { recursive: true, force: true });
      removed += 1;
    }
    return removed;
  }

  /**
   * Removes sandboxes of runs not in `live` that are older than `maxAgeMs` or not among the `maxKept` newest, one after
   * the other. Returns how many. O(n log n) in sandboxes.
   */
  async sweep(
    live: (run: RunKey) => boolean,
    nowEpochMs: number,
    { maxAgeMs, maxKept }: { readonly maxAgeMs: number; readonly maxKept: number },
  ): Promise<number> {
    const names = await readdir(this.root).catch(() => []);
    const ended: { readonly name: string; readonly atMs: number }[] = [];
    for (const name of names) {
      if (live(readRunKey(name))) continue;
      const found = await stat(join(this.root, name)).catch(() => undefined);
      if (found !== undefined) ended.push({ name, atMs: found.mtimeMs });
    }
    ended.sort((left, right) => right.atMs - left.atMs);
    const outdated = ended.filter(
      ({ atMs }, index) => index >= maxKept || nowEpochMs - atMs > maxAgeMs,
    );
    let removed = 0;
    for (const { name } of outdated) {
      if (live(readRunKey(name))) continue;
      await rm(join(this.root, name), { recursive: true, force: true });
      removed += 1;
    }
    return removed;
  }
}
