import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ApiError } from '#platform';

/** The agent's own log under the virtual path Mesos gives it, and the folder it is in. */
export const LOG_PATH = '/slave/log';
const LOG_FOLDER = '/slave';
const STANDARD_OUTPUT = '/proc/self/fd/1';

/** Which of the two a path means; undefined: neither, a task's. */
export function readLogPath(path: string): 'file' | 'folder' | undefined {
  const whole = `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;
  if (whole === LOG_PATH) return 'file';
  return whole === LOG_FOLDER ? 'folder' : undefined;
}

/** The file this process writes its log to: its standard output, when that is a file; else 404. */
export async function openLog(): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const file = await open(STANDARD_OUTPUT, flags).catch(() => undefined);
  if (file !== undefined && (await file.stat()).isFile()) return file;
  await file?.close();
  throw new ApiError(404, `${LOG_PATH}: this agent does not write its log to a file`);
}
