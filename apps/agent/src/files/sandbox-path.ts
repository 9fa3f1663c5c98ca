import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { ApiError } from '#platform';

/** A path of the files API, taken apart. */
export interface SandboxPath {
  readonly taskId: string;
  /** Relative to the sandbox, without `..`; empty for the sandbox itself. */
  readonly inside: string;
}

const VIRTUAL_ROOT = 'tasks/';

/** Reads `<task id>/<path>` or `/tasks/<task id>/<path>`. Refuses `..`, empty task ids and NUL bytes. */
export function parseSandboxPath(value: unknown): SandboxPath {
  const text = readText('path', value);
  if (text === undefined) {
    throw new ApiError(400, 'Query parameter path is missing: <task id>/<path in the sandbox>');
  }
  const trimmed = text.replace(/^\/+/, '');
  const relative = trimmed.startsWith(VIRTUAL_ROOT) ? trimmed.slice(VIRTUAL_ROOT.length) : trimmed;
  const [taskId = '', ...rest] = relative.split('/').filter((part) => part !== '' && part !== '.');
  const isUnsafe = [taskId, ...rest].includes('..') || text.includes('\0') || text.includes('\\');
  if (taskId === '' || isUnsafe) {
    throw new ApiError(403, `path ${JSON.stringify(text)} is not inside a sandbox`);
  }
  return { taskId, inside: posix.join('.', ...rest) === '.' ? '' : posix.join(...rest) };
}

/** A query parameter as it came; undefined when it is missing or empty, refused when it is given more than once. */
export function readText(name: string, value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new ApiError(400, `Query parameter ${name} is given more than once`);
}

/** The real place of a path, links followed; refused when it is outside the task's sandbox. */
export async function resolveInSandbox(root: string, path: SandboxPath): Promise<string> {
  const sandbox = await realpathOf(
    join(root, path.taskId),
    `task ${path.taskId} has no sandbox here`,
  );
  const target = await realpathOf(
    join(sandbox, path.inside),
    `task ${path.taskId}: no such file: ${path.inside}`,
  );
  checkInside(sandbox, target, path);
  return target;
}

/**
 * Opens a file of a sandbox for reading. What was opened is checked, not only its name, so a link swapped in meanwhile
 * leads nowhere. Pipes and devices are refused.
 */
export async function openInSandbox(root: string, path: SandboxPath): Promise<FileHandle> {
  const sandbox = await realpathOf(
    join(root, path.taskId),
    `task ${path.taskId} has no sandbox here`,
  );
  const target = await resolveInSandbox(root, path);
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  const file = await open(target, flags).catch((cause: NodeJS.ErrnoException) => {
    const reason = `task ${path.taskId}: ${path.inside || '/'} cannot be opened: ${cause.code}`;
    throw new ApiError(cause.code === 'ENOENT' ? 404 : 400, reason, { cause });
  });
  try {
    checkInside(sandbox, await readlink(`/proc/self/fd/${file.fd}`), path);
    if (!(await file.stat()).isFile()) {
      throw new ApiError(400, `task ${path.taskId}: ${path.inside || '/'} is not a regular file`);
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function checkInside(sandbox: string, target: string, path: SandboxPath): void {
  if (target === sandbox || target.startsWith(sandbox + sep)) return;
  throw new ApiError(403, `task ${path.taskId}: ${path.inside} leads out of the sandbox`);
}

async function realpathOf(path: string, message: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw new ApiError(404, message, { cause: error });
  }
}
