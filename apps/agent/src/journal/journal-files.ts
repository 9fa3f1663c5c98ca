import { open, readFile, rename, rm } from 'node:fs/promises';
import { makeFolder } from '../host/make-folder.js';

/** The log, open for appending. */
export interface JournalFile {
  append(bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  /** Resolves when what was appended would survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What the journal asks of a file system. Tests cut it anywhere, fill it and break it. */
export interface JournalFiles {
  /** With those above it; `mode` is for each that is made. */
  makeFolder(path: string, mode?: number): Promise<void>;
  /** Undefined: there is none. */
  read(path: string): Promise<Buffer | undefined>;
  openLog(path: string): Promise<JournalFile>;
  /** Makes or replaces a whole file, without flushing it. */
  write(path: string, text: string): Promise<void>;
  /** Flushes a file or a folder. */
  sync(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
}

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export const nodeJournalFiles: JournalFiles = {
  makeFolder: async (path, mode = FOLDER_MODE) => {
    await makeFolder(path, mode);
  },
  read: async (path) => {
    try {
      return await readFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  openLog: async (path) => {
    const file = await open(path, 'a', FILE_MODE);
    return {
      append: (bytes) => file.appendFile(bytes),
      truncate: (size) => file.truncate(size),
      size: async () => (await file.stat()).size,
      sync: () => file.datasync(),
      close: () => file.close(),
    };
  },
  write: async (path, text) => {
    const file = await open(path, 'w', FILE_MODE);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  },
  sync: async (path) => {
    const file = await open(path, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  },
  rename,
  remove: (path) => rm(path, { force: true }),
};

/** Writes a whole file so that after a power cut either the old or the new text is there. */
export async function writeAtomically(
  files: JournalFiles,
  at: { readonly folder: string; readonly path: string },
  text: string,
): Promise<void> {
  const temporary = `${at.path}.new`;
  await files.write(temporary, text);
  await files.sync(temporary);
  await files.rename(temporary, at.path);
  await files.sync(at.folder);
}
