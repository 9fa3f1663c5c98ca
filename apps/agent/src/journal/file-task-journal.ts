import { join } from 'node:path';
import {
  type AgentIdentity,
  applyRecord,
  emptyJournalImage,
  isAcceptance,
  type JournalImage,
  type JournalRecord,
  type RecoveredJournal,
} from '#cluster';
import { present } from '#core';
import { BatchQueue } from '#platform';
import { type TaskJournal, UnwrittenError } from '../engine/task-journal.port.js';
import { DiskPatience } from './disk-patience.js';
import { readIdentity, writeIdentity } from './identity-file.js';
import {
  type JournalFile,
  type JournalFiles,
  nodeJournalFiles,
  writeAtomically,
} from './journal-files.js';
import { writeLine } from './journal-line.js';
import { type LogReading, readLog } from './read-log.js';

/** Records waiting for the disk. */
const QUEUE_LIMIT = 100_000;
const BATCH_LIMIT = 5_000;
/** The log is rewritten when it is this large and twice what the last rewriting left. */
const COMPACT_FROM_BYTES = 8 * 1024 * 1024;
/** What has to fit before a disk counts as having room. */
const PROBE = '0'.repeat(4096);

export interface JournalOptions {
  readonly compactFromBytes?: number;
  readonly files?: JournalFiles;
  /** Between attempts at a disk that refuses. */
  readonly retryDelaysMs?: readonly number[];
}

/** What was appended at once, of one run. */
interface Entry {
  readonly records: readonly JournalRecord[];
  /** The launch of a run nothing has been done for: it can be refused as long as nothing of it is on the disk. */
  readonly withdraw?: (error: UnwrittenError) => void;
  isWithdrawn: boolean;
}

/**
 * The journal in a folder: `agent.json` (identity, replaced as a whole) and `tasks.log` (one line a record, appended and
 * flushed for everybody who waits at once). An unfinished last line was never relied on and is cut off. While the disk
 * refuses, what is appended waits and new launches are refused.
 */
export class FileTaskJournal implements TaskJournal {
  private readonly logPath: string;
  private readonly identityPath: string;
  private readonly files: JournalFiles;
  private readonly patience: DiskPatience;
  private readonly compactFromBytes: number;
  private readonly image: JournalImage = emptyJournalImage();
  private readonly queue: BatchQueue<Entry>;
  private readonly withdrawable = new Set<Entry>();
  private file: JournalFile | undefined;
  /** Bytes of the log that are known to be whole. */
  private size = 0;
  private compactedSize = 0;
  private isTorn = false;

  constructor(
    private readonly folder: string,
    private readonly log: (level: 'info' | 'warn', message: string) => void,
    options: JournalOptions = {},
  ) {
    this.logPath = join(folder, 'tasks.log');
    this.identityPath = join(folder, 'agent.json');
    this.files = options.files ?? nodeJournalFiles;
    this.compactFromBytes = options.compactFromBytes ?? COMPACT_FROM_BYTES;
    this.patience = new DiskPatience(log, options.retryDelaysMs);
    this.queue = new BatchQueue({
      name: 'agent journal',
      limit: QUEUE_LIMIT,
      batch: BATCH_LIMIT,
      flush: (batch) => this.flush(batch),
    });
  }

  watch(listener: (problem: string | undefined) => void): void {
    this.patience.watch(listener);
  }

  async open(): Promise<RecoveredJournal> {
    const { files, folder, patience } = this;
    await patience.persist(folder, () => files.makeFolder(folder));
    let text: Buffer | undefined;
    let bytes: Buffer | undefined;
    await patience.persist(folder, async () => {
      text = await files.read(this.identityPath);
      bytes = await files.read(this.logPath);
    });
    const at = { folder, path: this.identityPath };
    const identity = text === undefined ? undefined : readIdentity(text.toString(), at);
    const reading = this.readLog(bytes ?? Buffer.alloc(0));
    const { last } = reading;
    const lastLine = last === undefined ? Buffer.alloc(0) : Buffer.from(writeLine(last));
    await patience.persist(this.logPath, async () => {
      this.file ??= await files.openLog(this.logPath);
      await this.file.truncate(this.size);
      if (lastLine.length > 0) await this.file.append(lastLine);
      await this.file.sync();
      await files.sync(folder);
    });
    this.size += lastLine.length;
    this.compactedSize = this.size;
    const { damaged, unattributed } = reading;
    return {
      ...(identity === undefined ? {} : { identity }),
      image: {
        tasks: new Map(this.image.tasks),
        completed: new Map(this.image.completed),
        executors: new Map(this.image.executors),
        completedExecutors: new Map(this.image.completedExecutors),
      },
      damaged,
      ...(unattributed === undefined ? {} : { unattributed }),
    };
  }

  async saveIdentity(identity: AgentIdentity): Promise<void> {
    const at = { folder: this.folder, path: this.identityPath };
    const text = writeIdentity(identity);
    await this.patience.persist(at.path, () => writeAtomically(this.files, at, text));
  }

  append(records: readonly JournalRecord[]): Promise<void> {
    const isNew = records.some(isAcceptance);
    if (!isNew) return this.queue.add({ records, isWithdrawn: false });
    return new Promise((resolve, reject) => {
      const entry: Entry = { records, withdraw: reject, isWithdrawn: false };
      this.withdrawable.add(entry);
      void this.queue.add(entry).then(resolve, reject);
    });
  }

  async close(): Promise<void> {
    this.patience.close();
    await this.queue.add({ records: [], isWithdrawn: false }).catch(() => undefined);
    await this.file?.close();
    this.file = undefined;
  }

  private readLog(bytes: Buffer): LogReading {
    const reading = readLog(bytes, this.image, (message) =>
      this.log('warn', `${this.logPath}: ${message}`),
    );
    const cutOff = bytes.length - reading.size;
    if (cutOff > 0 && reading.last === undefined) {
      this.log('info', `${this.logPath}: cut off ${cutOff} bytes of an unfinished line`);
    }
    this.size = reading.size;
    return reading;
  }

  private async flush(entries: readonly Entry[]): Promise<void> {
    if (entries.every(({ records }) => records.length === 0)) return;
    let written: readonly JournalRecord[] = [];
    let text: Buffer = Buffer.alloc(0);
    let hasFailed = false;
    await this.patience.persist(
      this.logPath,
      async () => {
        written = entries.flatMap((entry) => (entry.isWithdrawn ? [] : entry.records));
        text = Buffer.from(written.map(writeLine).join(''));
        if (hasFailed) await this.probe();
        if (written.length > 0) await this.write(text);
      },
      async (problem) => {
        hasFailed = true;
        await this.withdraw(new Set(entries), problem);
      },
    );
    for (const entry of entries) this.withdrawable.delete(entry);
    this.size += text.length;
    for (const record of written) applyRecord(this.image, record);
    const threshold = Math.max(this.compactFromBytes, 2 * this.compactedSize);
    if (this.size > threshold) await this.compact();
  }

  private async write(text: Buffer): Promise<void> {
    const file = present(this.file, 'the journal is open');
    // A failed attempt may have left part of a line behind.
    if (this.isTorn) await file.truncate(this.size);
    this.isTorn = true;
    await file.append(text);
    await file.sync();
    this.isTorn = false;
  }

  /** Whether there is room again: a disk has none where one line happens to fit. */
  private async probe(): Promise<void> {
    const path = join(this.folder, 'probe');
    try {
      await this.files.write(path, PROBE);
      await this.files.sync(path);
    } finally {
      await this.files.remove(path).catch(() => undefined);
    }
  }

  /** Refuses launches of which nothing is on the disk; those under way only once what they left is cut off. */
  private async withdraw(underWay: ReadonlySet<Entry>, problem: string): Promise<void> {
    const isClean = await this.cutOff();
    for (const entry of [...this.withdrawable]) {
      if (underWay.has(entry) && !isClean) continue;
      this.withdrawable.delete(entry);
      entry.isWithdrawn = true;
      entry.withdraw?.(new UnwrittenError(problem));
    }
  }

  private async cutOff(): Promise<boolean> {
    const { file, size } = this;
    if (file === undefined) return false;
    try {
      await file.truncate(size);
      return true;
    } catch {
      // A disk that is read-only by now took nothing to begin with.
      return (await file.size().catch(() => -1)) === size;
    }
  }

  /** Replaces the log by one line for each run. Where there is no room for that the log just goes on. */
  private async compact(): Promise<void> {
    const records: JournalRecord[] = [...this.image.completed.values()].map((task) => ({
      kind: 'completed',
      ...task,
    }));
    for (const executor of this.image.completedExecutors.values()) {
      records.push({ kind: 'executor-ended', ...executor });
    }
    for (const [run, record] of this.image.executors) {
      records.push({ kind: 'executor-snapshot', run, record });
    }
    for (const [run, record] of this.image.tasks) {
      records.push({ kind: 'snapshot', run, record });
    }
    const text = records.map(writeLine).join('');
    const temporary = `${this.logPath}.new`;
    const { files } = this;
    try {
      await files.write(temporary, text);
      await files.sync(temporary);
      await files.rename(temporary, this.logPath);
    } catch (error) {
      this.log('warn', `cannot compact ${this.logPath}, it goes on as it is: ${String(error)}`);
      await files.remove(temporary).catch(() => undefined);
      this.compactedSize = this.size;
      return;
    }
    const replaced = this.file;
    this.file = undefined;
    await this.patience.persist(this.logPath, async () => {
      this.file ??= await files.openLog(this.logPath);
      await files.sync(this.folder);
    });
    await replaced?.close();
    this.size = Buffer.byteLength(text);
    this.compactedSize = this.size;
  }
}
