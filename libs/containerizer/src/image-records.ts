/**
 * Which images this agent has pulled and when they were last used, so that nothing else is ever removed. A pull is written
 * down before it begins: one that ends unseen is still known to be ours.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';

export interface ImageRecord {
  /** As tasks name it. */
  readonly reference: string;
  /** Absent until the pull was seen to end. */
  readonly id?: string;
  /** What the name stood for before the pull: that is not ours. */
  readonly previousId?: string;
  readonly usedAtMs: number;
}

export interface ImageRecords {
  all(): Promise<readonly ImageRecord[]>;
  /** Replaces what is known by what `change` makes of it; resolves when it is on the disk. */
  update(change: (records: readonly ImageRecord[]) => readonly ImageRecord[]): Promise<void>;
}

/** The least recently used beyond these are forgotten, and stay with the engine. */
const MAX_RECORDS = 2_000;

/** Kept in `file`. One that cannot be read fails every call: nothing is removed then. */
export function openImageRecords(file: string): ImageRecords {
  let loaded: Promise<readonly ImageRecord[]> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const all = async (): Promise<readonly ImageRecord[]> => {
    loaded ??= load(file);
    return await loaded;
  };
  return {
    all,
    update(change) {
      const next = last.then(async () => {
        const before = await all();
        const after = bound(change(before));
        if (after === before) return;
        await writeFile(`${file}.new`, JSON.stringify(after), { mode: 0o600 });
        await rename(`${file}.new`, file);
        loaded = Promise.resolve(after);
      });
      last = next.catch(() => undefined);
      return next;
    },
  };
}

async function load(file: string): Promise<readonly ImageRecord[]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ImageRecord[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

function bound(records: readonly ImageRecord[]): readonly ImageRecord[] {
  if (records.length <= MAX_RECORDS) return records;
  return [...records].sort((a, b) => b.usedAtMs - a.usedAtMs).slice(0, MAX_RECORDS);
}

/** A pull of that name begins; `presentId` is what it stands for now. */
export const beginPull =
  (reference: string, presentId: string | undefined, nowMs: number) =>
  (records: readonly ImageRecord[]): readonly ImageRecord[] => {
    const known = records.some((one) => one.reference === reference && one.id === presentId);
    // What it stands for was pulled by us and may stay that.
    if (presentId !== undefined && known) return records;
    const pending: ImageRecord = {
      ...{ reference, usedAtMs: nowMs },
      ...(presentId === undefined ? {} : { previousId: presentId }),
    };
    return [
      ...records.filter((one) => one.reference !== reference || one.id !== undefined),
      pending,
    ];
  };

/** It has ended and the name stands for `id`: ours, unless it was so before. */
export const endPull =
  (reference: string, id: string | undefined, nowMs: number) =>
  (records: readonly ImageRecord[]): readonly ImageRecord[] => {
    const pending = records.find((one) => one.reference === reference && one.id === undefined);
    const rest = records.filter((one) => one !== pending);
    const known = rest.some((one) => one.reference === reference && one.id === id);
    if (id === undefined || known) return rest;
    const isOurs = pending?.previousId !== id;
    return isOurs ? [...rest, { reference, id, usedAtMs: nowMs }] : rest;
  };
