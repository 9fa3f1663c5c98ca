import { appendFile, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import {
  type JournalFile,
  type JournalFiles,
  nodeJournalFiles,
} from '../../apps/agent/src/journal/journal-files.js';

/** One thing done to a work directory; paths are below it. */
export type DiskStep =
  | { readonly kind: 'make-folder'; readonly path: string }
  | { readonly kind: 'append'; readonly path: string; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'write'; readonly path: string; readonly bytes: Buffer }
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string };

/** Real files, every change of them told before it is made. */
export function recordFiles(root: string, told: (step: DiskStep) => void): JournalFiles {
  const below = (path: string) => relative(root, path);
  const recordLog = (path: string, file: JournalFile): JournalFile => ({
    append: (bytes) => {
      told({ kind: 'append', path, bytes: Buffer.from(bytes) });
      return file.append(bytes);
    },
    truncate: (size) => {
      told({ kind: 'truncate', path, size });
      return file.truncate(size);
    },
    size: () => file.size(),
    sync: () => {
      told({ kind: 'sync', path });
      return file.sync();
    },
    close: () => file.close(),
  });
  return {
    makeFolder: (path, mode) => {
      told({ kind: 'make-folder', path: below(path) });
      return nodeJournalFiles.makeFolder(path, mode);
    },
    read: (path) => nodeJournalFiles.read(path),
    openLog: async (path) => {
      told({ kind: 'append', path: below(path), bytes: Buffer.alloc(0) });
      return recordLog(below(path), await nodeJournalFiles.openLog(path));
    },
    write: (path, text) => {
      told({ kind: 'write', path: below(path), bytes: Buffer.from(text) });
      return nodeJournalFiles.write(path, text);
    },
    sync: (path) => {
      told({ kind: 'sync', path: below(path) });
      return nodeJournalFiles.sync(path);
    },
    rename: (from, to) => {
      told({ kind: 'rename', from: below(from), to: below(to) });
      return nodeJournalFiles.rename(from, to);
    },
    remove: (path) => {
      told({ kind: 'remove', path: below(path) });
      return nodeJournalFiles.remove(path);
    },
  };
}

/**
 * What a crash leaves of the steps before it. A killed process leaves all of them, `torn` only a part of the last write.
 * A power cut leaves what was flushed, names by their folder; `lucky` also the names, and a part of what was not flushed.
 */
export type CrashFate = 'killed' | 'torn' | 'power' | 'lucky power';
export const CRASH_FATES: readonly CrashFate[] = ['killed', 'torn', 'power', 'lucky power'];

export const isPowerCut = (fate: CrashFate): boolean => fate === 'power' || fate === 'lucky power';

interface Content {
  bytes: Buffer;
  flushed: Buffer;
}

/** Makes a work directory as the crash leaves it. */
export async function rebuild(
  root: string,
  steps: readonly DiskStep[],
  fate: CrashFate,
): Promise<void> {
  const names = new Map<string, Content>();
  const flushedNames = new Map<string, Content>();
  const folders = new Set<string>();
  const flushedFolders = new Set<string>();
  const last = steps.at(-1);
  for (const step of steps) {
    const isTorn = fate === 'torn' && step === last;
    apply(step, { names, flushedNames, folders, flushedFolders, isTorn });
  }
  const survivors = fate === 'power' ? flushedNames : names;
  const isThere = (folder: string): boolean =>
    folder === '.' || (flushedFolders.has(folder) && isThere(dirname(folder)));
  for (const folder of folders) {
    if (fate !== 'power' || isThere(folder)) await mkdir(join(root, folder), { recursive: true });
  }
  for (const [path, { bytes, flushed }] of survivors) {
    const left = !isPowerCut(fate) ? bytes : fate === 'power' ? flushed : partly(bytes, flushed);
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), left);
  }
}

/** Does the steps to a work directory that is there, as a process that was killed after them has. */
export async function replay(root: string, steps: readonly DiskStep[]): Promise<void> {
  for (const step of steps) {
    switch (step.kind) {
      case 'make-folder':
        await mkdir(join(root, step.path), { recursive: true });
        break;
      case 'append':
        await appendFile(join(root, step.path), step.bytes);
        break;
      case 'truncate':
        await truncate(join(root, step.path), step.size);
        break;
      case 'write':
        await writeFile(join(root, step.path), step.bytes);
        break;
      case 'rename':
        await rename(join(root, step.from), join(root, step.to));
        break;
      case 'remove':
        await rm(join(root, step.path), { recursive: true, force: true });
        break;
      case 'sync':
        break;
      default:
        step satisfies never;
    }
  }
}

function apply(
  step: DiskStep,
  disk: {
    readonly names: Map<string, Content>;
    readonly flushedNames: Map<string, Content>;
    readonly folders: Set<string>;
    readonly flushedFolders: Set<string>;
    readonly isTorn: boolean;
  },
): void {
  const { names, flushedNames, folders, flushedFolders, isTorn } = disk;
  const part = (bytes: Buffer) => (isTorn ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes);
  switch (step.kind) {
    case 'make-folder':
      for (let path = step.path; path !== '.'; path = dirname(path)) folders.add(path);
      return;
    case 'append': {
      const known = names.get(step.path) ?? { bytes: Buffer.alloc(0), flushed: Buffer.alloc(0) };
      known.bytes = Buffer.concat([known.bytes, part(step.bytes)]);
      names.set(step.path, known);
      return;
    }
    case 'truncate': {
      const known = names.get(step.path);
      if (known !== undefined) known.bytes = known.bytes.subarray(0, step.size);
      return;
    }
    case 'write':
      names.set(step.path, { bytes: part(step.bytes), flushed: Buffer.alloc(0) });
      return;
    case 'sync': {
      const known = names.get(step.path);
      if (known !== undefined) {
        known.flushed = known.bytes;
        return;
      }
      const within = (path: string) => dirname(path) === (step.path || '.');
      for (const folder of [...flushedFolders].filter(within)) flushedFolders.delete(folder);
      for (const folder of [...folders].filter(within)) flushedFolders.add(folder);
      for (const path of flushedNames.keys()) {
        if (dirname(path) === step.path) flushedNames.delete(path);
      }
      for (const [path, content] of names) {
        if (dirname(path) === step.path) flushedNames.set(path, content);
      }
      return;
    }
    case 'rename': {
      const known = names.get(step.from);
      names.delete(step.from);
      if (known !== undefined) names.set(step.to, known);
      if (folders.delete(step.from)) folders.add(step.to);
      return;
    }
    case 'remove':
      names.delete(step.path);
      folders.delete(step.path);
      for (const path of names.keys()) if (path.startsWith(`${step.path}/`)) names.delete(path);
      return;
    default:
      step satisfies never;
  }
}

/** What was flushed, and half of what was added since. */
function partly(bytes: Buffer, flushed: Buffer): Buffer {
  const isLonger = bytes.subarray(0, flushed.length).equals(flushed);
  if (!isLonger) return flushed;
  return bytes.subarray(0, flushed.length + Math.ceil((bytes.length - flushed.length) / 2));
}
