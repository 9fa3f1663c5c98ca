/**
 * Places in a sandbox while nothing of its task runs yet. What an earlier URI brought may be a link to anywhere, so each
 * folder on the way is looked at before it is written to: links are followed inside the sandbox and refused beyond it.
 */
import { chmod, lstat, mkdir, readdir, realpath, rename } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { FetchError } from '../engine/fetcher.port.js';

const OWNER_MAY_CHANGE = 0o700;

/** Makes the folder `path` (relative to `sandbox`, without `..`) and gives its real place. */
export async function makeFolder(sandbox: string, path: string): Promise<string> {
  let folder = await realpath(sandbox);
  for (const name of path.split(sep).filter((part) => part !== '' && part !== '.')) {
    const next = join(folder, name);
    await mkdir(next).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    folder = await enterFolder(sandbox, next);
  }
  return folder;
}

/**
 * Moves what is in `source` into `folder`, a real place in `sandbox`. Folders that are there already are merged; a file
 * or a link takes the place of another one. One rename for each entry that is not merged.
 */
export async function moveInto(source: string, folder: string, sandbox: string): Promise<void> {
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(folder, entry.name)];
    if (!entry.isDirectory()) {
      await rename(from, to);
      continue;
    }
    // Without being root, a folder that its owner may not change can be neither moved nor emptied.
    const { mode } = await lstat(from);
    await chmod(from, mode | OWNER_MAY_CHANGE);
    const isThere = await lstat(to).then(
      () => true,
      () => false,
    );
    if (isThere) await moveInto(from, await enterFolder(sandbox, to), sandbox);
    else {
      await rename(from, to);
      await chmod(to, mode);
    }
  }
}

/** The real place of a folder in the sandbox; refused when it is outside or no folder. */
async function enterFolder(sandbox: string, path: string): Promise<string> {
  const root = await realpath(sandbox);
  const name = JSON.stringify(relative(root, path));
  const real = await realpath(path).catch((cause: unknown) => {
    throw new FetchError(`${name} is a link that leads nowhere`, { cause });
  });
  const inside = relative(root, real);
  if (inside.startsWith('..') || isAbsolute(inside)) {
    throw new FetchError(`${name} leads out of the sandbox through a link`);
  }
  if (!(await lstat(real)).isDirectory()) throw new FetchError(`${name} is not a folder`);
  return real;
}
