/**
 * Opens a task's log files. They lie in its sandbox, so a fetched archive or the task itself may have put anything in
 * their place: links are not followed, and a pipe, whose opening would wait for a reader for ever, is refused.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { LaunchError } from '#core';

export const LOG_FILES = ['stdout', 'stderr'] as const;

const { O_CREAT, O_APPEND, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const FLAGS = O_CREAT | O_APPEND | O_WRONLY | O_NOFOLLOW | O_NONBLOCK;
const MODE = 0o644;

/** Opens all of {@link LOG_FILES}, in that order. Throws a {@link LaunchError} and leaves none open. */
export function openLogFiles(sandbox: string): readonly number[] {
  const opened: number[] = [];
  try {
    for (const name of LOG_FILES) {
      const path = join(sandbox, name);
      const descriptor = openSync(path, FLAGS, MODE);
      opened.push(descriptor);
      if (!fstatSync(descriptor).isFile()) throw new Error(describeOther(path));
    }
    return opened;
  } catch (cause) {
    for (const descriptor of opened) closeSync(descriptor);
    const reason = `cannot open the log files in ${sandbox}: ${explain(cause)}`;
    throw new LaunchError('prepare', reason, { cause });
  }
}

/** Opens one of them beside the event loop. */
export async function openLogFile(path: string): Promise<FileHandle> {
  const file = await open(path, FLAGS, MODE);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error(describeOther(path));
}

const describeOther = (path: string): string => `${path} is not a regular file`;

/** What the system says about a pipe that nobody reads. */
function explain(cause: unknown): string {
  const { code, path = '', message } = cause as NodeJS.ErrnoException;
  return code === 'ENXIO' ? describeOther(path) : message;
}
