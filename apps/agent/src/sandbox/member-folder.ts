import { chmod, lstat, mkdir, readlink, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { MEMBER_NAMES_FOLDER, type MemberFolder } from '#cluster';
import { makeFolder } from '../fetch/sandbox-folder.js';

/** Members may run as different users, in containers too, and have the directory together. */
const SHARED_MODE = 0o777;
const MAX_NAME_BYTES = 255;

/**
 * Makes the name a member's sandbox goes by in its group's, the directories it has of its own or the group's, and the
 * links by which a member without a container sees them where it wants them. Done before anything of the member is
 * fetched or runs; repeating it is harmless.
 */
export async function prepareMember(
  member: MemberFolder,
  at: { readonly own: string; readonly shared: string },
): Promise<void> {
  const { taskId, volumes, isLinked } = member;
  if (Buffer.byteLength(taskId) <= MAX_NAME_BYTES) await nameSandbox(taskId, at);
  // Once it was handed over to its user, it is not the agent's to change; its volumes were made before.
  if ((await stat(at.own)).uid !== process.getuid?.()) return;
  for (const { scope, path, containerPath } of volumes) {
    const folder = await makeFolder(scope === 'PARENT' ? at.shared : at.own, path);
    await chmod(folder, SHARED_MODE);
    if (isLinked) await linkTo(folder, at.own, containerPath);
  }
}

/** By the task's id, as in Mesos: the newest run of it. The group's sandbox is the agent's, so nobody else puts links there. */
async function nameSandbox(
  taskId: string,
  { own, shared }: { readonly own: string; readonly shared: string },
): Promise<void> {
  const names = join(shared, MEMBER_NAMES_FOLDER);
  await mkdir(names, { recursive: true, mode: 0o755 });
  const name = join(names, taskId);
  const target = relative(names, own);
  if ((await readlink(name).catch(() => undefined)) === target) return;
  await rm(name, { force: true });
  await symlink(target, name);
}

async function linkTo(folder: string, sandbox: string, path: string): Promise<void> {
  const names = path.split(sep).filter((name) => name !== '' && name !== '.');
  const inside = join(...names);
  const parent = await makeFolder(sandbox, dirname(inside));
  const link = join(parent, basename(inside));
  if (link === folder) return;
  const target = relative(parent, folder);
  const found = await lstat(link).catch(() => undefined);
  if (found === undefined) {
    await symlink(target, link);
    return;
  }
  const isSame = found.isSymbolicLink() && (await readlink(link)) === target;
  if (!isSame) throw new Error(`volume ${path}: there is something else in its place already`);
}
