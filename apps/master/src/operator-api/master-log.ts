import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ApiError } from '#platform';

/** The master's own log under the virtual path Mesos gives it. There is no other file to be read here. */
export const LOG_PATH = '/master/log';

/** Most bytes of one answer. */
const MAX_READ_BYTES = 4 * 1024 * 1024;
const FOLDERS: ReadonlySet<string> = new Set(['', '/', '/master', '/master/']);

/** The file this process writes its log to: its standard output, when that is a file. */
export async function findLogFile(): Promise<string | undefined> {
  const file = await open(STANDARD_OUTPUT, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (file === undefined) return undefined;
  try {
    return (await file.stat()).isFile() ? STANDARD_OUTPUT : undefined;
  } finally {
    await file.close();
  }
}

/** LIST_FILES: the log itself, or the folder it is in. */
export async function listLogFiles(
  logFile: string | undefined,
  path: string,
): Promise<readonly object[]> {
  if (path !== LOG_PATH && !FOLDERS.has(path)) throw notFound(path);
  return withLog(logFile, path, async (file) => {
    const { size, mtimeMs, mode, nlink, uid, gid } = await file.stat();
    return [
      {
        path: LOG_PATH,
        nlink,
        size,
        mtime: { nanoseconds: Math.floor(mtimeMs) * 1_000_000 },
        mode,
        uid: String(uid),
        gid: String(gid),
      },
    ];
  });
}

/** READ_FILE: at most 4 MiB from `offset`, in base64, and the size of the whole. */
export async function readLogFile(
  logFile: string | undefined,
  given: { readonly path: string; readonly offset: number; readonly length?: number },
): Promise<{ readonly size: number; readonly data: string }> {
  if (given.path !== LOG_PATH) throw notFound(given.path);
  return withLog(logFile, given.path, async (file) => {
    const { size } = await file.stat();
    const wanted = Math.min(given.length ?? MAX_READ_BYTES, MAX_READ_BYTES, size - given.offset);
    const buffer = Buffer.alloc(Math.max(0, wanted));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, given.offset);
    return { size, data: buffer.subarray(0, bytesRead).toString('base64') };
  });
}

const STANDARD_OUTPUT = '/proc/self/fd/1';

async function withLog<Result>(
  logFile: string | undefined,
  path: string,
  work: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  if (logFile === undefined) {
    throw new ApiError(404, `${path.slice(0, 200)}: this master does not write its log to a file`);
  }
  const file = await open(logFile, constants.O_RDONLY);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

const notFound = (path: string): ApiError =>
  new ApiError(
    404,
    `There is no file ${JSON.stringify(path.slice(0, 200))}; the log is ${LOG_PATH}`,
  );
