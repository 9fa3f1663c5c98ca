/**
 * Finds, per controller, the cgroup hierarchy tasks can be confined in: v1 and v2 may be mounted side by side, and a
 * unified mount may lack the controllers we want, so every controller is looked up on its own.
 */
import { mkdirSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

export const CONTROLLERS = ['memory', 'cpu', 'pids'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** One mounted hierarchy and the controllers taken from it. `directory` is where the tasks' cgroups are made. */
export interface Hierarchy {
  readonly version: 1 | 2;
  readonly directory: string;
  readonly controllers: readonly Controller[];
}

export interface CgroupMount {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** v1: as named by the mount options. v2: empty, `cgroup.controllers` says. */
  readonly controllers: readonly string[];
  /** This process's own cgroup as a path below the mount point. */
  readonly ownPath: string;
}

/** What this process may use, see {@link findHierarchies}. Empty where it may make no cgroups at all. */
export async function findOwnHierarchies(parent: string): Promise<readonly Hierarchy[]> {
  const [mountinfo, ownCgroups] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8').catch(() => ''),
    readFile('/proc/self/cgroup', 'utf8').catch(() => ''),
  ]);
  return await findHierarchies(parseCgroupMounts(mountinfo, ownCgroups), parent);
}

/** Reads the cgroup mounts out of `/proc/self/mountinfo` and `/proc/self/cgroup`. Unknown lines are skipped. */
export function parseCgroupMounts(mountinfo: string, ownCgroups: string): readonly CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const [, , , root, mountPoint] = (left ?? '').split(' ');
    const [type, , options] = (right ?? '').split(' ');
    if (root === undefined || mountPoint === undefined) continue;
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    const version = type === 'cgroup' ? 1 : 2;
    const controllers = version === 1 ? (options ?? '').split(',') : [];
    const path = ownCgroupPath(ownCgroups, version === 1 ? controllers : undefined);
    mounts.push({
      version,
      mountPoint: unescapeOctal(mountPoint),
      controllers,
      ownPath: pathBelowRoot(path, root),
    });
  }
  return mounts;
}

/**
 * Chooses hierarchies in which `parent` (for example `pacer/agent-5051`) can be made, at the top of the mount or else
 * below this process's own cgroup. Nothing is left behind by the attempt. Controllers nobody offers are left out.
 */
export async function findHierarchies(
  mounts: readonly CgroupMount[],
  parent: string,
): Promise<readonly Hierarchy[]> {
  const found: Hierarchy[] = [];
  const missing = new Set<Controller>(CONTROLLERS);
  for (const mount of [...mounts].sort((a, b) => a.version - b.version)) {
    const offered = await offeredControllers(mount);
    const wanted = CONTROLLERS.filter((name) => missing.has(name) && offered.includes(name));
    if (wanted.length === 0) continue;
    const hierarchy = await openHierarchy(mount, parent, wanted);
    if (hierarchy === undefined) continue;
    found.push(hierarchy);
    for (const name of wanted) missing.delete(name);
  }
  if (found.length > 0) return found;
  // Without any controller a v2 cgroup still keeps a task's processes together, whatever sessions they open.
  for (const mount of mounts.filter(({ version }) => version === 2)) {
    const tracker = await openHierarchy(mount, parent, []);
    if (tracker !== undefined) return [tracker];
  }
  return [];
}

async function offeredControllers(mount: CgroupMount): Promise<readonly string[]> {
  if (mount.version === 1) return mount.controllers;
  const text = await readFile(join(mount.mountPoint, 'cgroup.controllers'), 'utf8').catch(() => '');
  return text.trim().split(/\s+/);
}

async function openHierarchy(
  mount: CgroupMount,
  parent: string,
  controllers: readonly Controller[],
): Promise<Hierarchy | undefined> {
  for (const top of new Set([mount.mountPoint, join(mount.mountPoint, mount.ownPath)])) {
    const directory = join(top, parent);
    try {
      if (mount.version === 2) await enableControllers(top, controllers);
      for (const path of pathsBelow(top, directory)) {
        makeDirectory(path);
        if (mount.version === 2) await enableControllers(path, controllers);
      }
      const trial = join(directory, `.trial-${process.pid}`);
      await mkdir(trial);
      await rmdir(trial);
      return { version: mount.version, directory, controllers };
    } catch {
      // No right here: the next candidate, and in the end no limits, which detect() reports.
    }
  }
  return undefined;
}

/** Like `mkdir -p` for one level; Node's recursive one never returns where a pseudo filesystem answers ENOENT. */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** From the first folder below `top` down to `directory`. */
function pathsBelow(top: string, directory: string): readonly string[] {
  const parts = relative(top, directory).split('/');
  return parts.map((_, index) => join(top, ...parts.slice(0, index + 1)));
}

/** v2: children get a controller only if `cgroup.subtree_control` of the parent names it. */
async function enableControllers(directory: string, controllers: readonly Controller[]) {
  if (controllers.length === 0) return;
  const file = join(directory, 'cgroup.subtree_control');
  const enabled = (await readFile(file, 'utf8')).trim().split(/\s+/);
  const missing = controllers.filter((name) => !enabled.includes(name));
  if (missing.length === 0) return;
  const change = missing.map((name) => `+${name}`).join(' ');
  try {
    await writeFile(file, change);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    await moveProcessesToLeaf(directory);
    await writeFile(file, change);
  }
}

/** v2 refuses controllers on a cgroup that holds processes itself (a delegated unit, a container's root). */
async function moveProcessesToLeaf(directory: string): Promise<void> {
  const leaf = join(directory, 'pacer-agent');
  makeDirectory(leaf);
  const pids = (await readFile(join(directory, 'cgroup.procs'), 'utf8')).split('\n');
  for (const pid of pids.filter((text) => text !== '')) {
    // A process may end meanwhile; one that stays makes the caller's second write fail.
    await writeFile(join(leaf, 'cgroup.procs'), pid).catch(() => undefined);
  }
}

function ownCgroupPath(text: string, controllers: readonly string[] | undefined): string {
  for (const line of text.split('\n')) {
    const [id, names, ...path] = line.split(':');
    if (names === undefined) continue;
    const matches =
      controllers === undefined
        ? id === '0' && names === ''
        : names.split(',').some((name) => name !== '' && controllers.includes(name));
    if (matches) return path.join(':');
  }
  return '/';
}

function pathBelowRoot(path: string, root: string): string {
  if (root === '/') return path;
  if (path === root) return '/';
  return path.startsWith(`${root}/`) ? path.slice(root.length) : '/';
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
