import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { ApiError } from '#platform';

/** A path of the files API, taken apart. */
export interface SandboxPath {
  readonly taskId: string;
  /** Whose task it is, and which run of it (`latest`: the newest), where the path says so. */
  readonly owner?: { readonly frameworkId: string; readonly run: string };
  /** Relative to the sandbox, without `..`; empty for the sandbox itself. */
  readonly inside: string;
}

/** `/frameworks/<framework id>/executors/<task id>/runs/<run>`, perhaps below `slaves/<agent id>` or a folder above it. */
const OWNED_PATH = ['frameworks', undefined, 'executors', undefined, 'runs', undefined] as const;

/**
 * Reads `<task id>/<path>`, `/tasks/<task id>/<path>` or Mesos' virtual path, which names the framework and the run too.
 * Refuses `..`, empty task ids and NUL bytes.
 */
export function parseSandboxPath(value: unknown): SandboxPath {
  const text = readText('path', value);
  if (text === undefined) {
    throw new ApiError(400, 'Query parameter path is missing: <task id>/<path in the sandbox>');
  }
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  const isUnsafe = parts.includes('..') || text.includes('\0') || text.includes('\\');
  const { names, rest } = takeNames(parts);
  const [taskId = '', frameworkId, run] = names;
  if (taskId === '' || isUnsafe) {
    throw new ApiError(403, `path ${JSON.stringify(text)} is not inside a sandbox`);
  }
  const owner =
    frameworkId === undefined || run === undefined ? {} : { owner: { frameworkId, run } };
  return { taskId, ...owner, inside: posix.join('.', ...rest) === '.' ? '' : posix.join(...rest) };
}

/** The task id, then framework id and run where they are given, and what follows them. */
function takeNames(parts: readonly string[]): {
  readonly names: readonly string[];
  readonly rest: readonly string[];
} {
  if (parts[0] === 'tasks') return { names: parts.slice(1, 2), rest: parts.slice(2) };
  const start = parts.findIndex((part, at) => part === 'slaves' && parts[at + 2] === 'frameworks');
  const owned = start < 0 ? parts : parts.slice(start + 2);
  const isOwned = OWNED_PATH.every((name, at) =>
    name === undefined ? owned[at] !== undefined : owned[at] === name,
  );
  if (isOwned) {
    const [, frameworkId = '', , taskId = '', , run = '', ...rest] = owned;
    return { names: [taskId, frameworkId, run], rest };
  }
  return { names: parts.slice(0, 1), rest: parts.slice(1) };
}

/** The path as it is shown: the sandbox's own part of it. */
export const virtualPathOf = ({ taskId, owner }: SandboxPath): string =>
  owner === undefined
    ? `/tasks/${taskId}`
    : `/frameworks/${owner.frameworkId}/executors/${taskId}/runs/${owner.run}`;

/** A query parameter as it came; undefined when it is missing or empty, refused when it is given more than once. */
export function readText(name: string, value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new ApiError(400, `Query parameter ${name} is given more than once`);
}

/** The real place of a path, links followed; refused when it is outside the task's sandbox, which is `folder`. */
export async function resolveInSandbox(folder: string, path: SandboxPath): Promise<string> {
  const sandbox = await realpathOf(folder, `task ${path.taskId} has no sandbox here`);
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
export async function openInSandbox(folder: string, path: SandboxPath): Promise<FileHandle> {
  const sandbox = await realpathOf(folder, `task ${path.taskId} has no sandbox here`);
  const target = await resolveInSandbox(folder, path);
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
