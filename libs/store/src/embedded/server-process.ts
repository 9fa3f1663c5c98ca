import { readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/** What a process is to a data directory. `unknown`: a PostgreSQL process, and whose cannot be told. */
export type ServerRelation = 'server' | 'stranger' | 'unknown';

/**
 * Whether a process is a server, or a part of one, of the data directory. Each makes the directory its working directory;
 * where we may not see that (root in a container has no CAP_SYS_PTRACE, and the server is another user's), its command
 * line tells. A zombie is a stranger.
 */
export function relateToServer(pid: number, dataDirectory: string): ServerRelation {
  try {
    const directory = realpathSync(dataDirectory);
    const { isZombie, uid, parent } = readStatus(pid);
    if (isZombie) return 'stranger';
    const workingDirectory = readWorkingDirectory(pid);
    if (workingDirectory !== undefined) {
      return workingDirectory === directory ? 'server' : 'stranger';
    }
    if (uid !== statSync(directory).uid) return 'stranger';
    const relation = relateByCommand(readArguments(pid), directory);
    // A part of a server carries no path, but its parent does, unless that ended before it.
    return relation === 'unknown' && parent > 1
      ? relateByCommand(readArguments(parent), directory, 'unknown')
      : relation;
  } catch {
    // The process, or the directory, is gone.
    return 'stranger';
  }
}

/** `otherwise`: what a program that is not PostgreSQL is. */
export function relateByCommand(
  args: readonly string[],
  directory: string,
  otherwise: ServerRelation = 'stranger',
): ServerRelation {
  const [program = ''] = args;
  const isServer = basename(program) === 'postgres';
  if (!isServer && !program.startsWith('postgres:')) return otherwise;
  const flag = args.indexOf('-D');
  const data = isServer && flag !== -1 ? args[flag + 1] : '';
  if (data === undefined || data === '') return 'unknown';
  return toRealPath(data) === directory ? 'server' : 'stranger';
}

/** Undefined when we may not know. Throws when the process is gone. */
function readWorkingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch (error) {
    if (['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function readStatus(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const numberOf = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    isZombie: /^State:\s+[ZX]/m.test(status),
    uid: numberOf('Uid'),
    parent: numberOf('PPid'),
  };
}

const readArguments = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');

/** A path that is gone stands for itself. */
function toRealPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
