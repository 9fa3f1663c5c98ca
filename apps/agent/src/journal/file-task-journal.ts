import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AgentIdentity,
  applyRecord,
  emptyJournalImage,
  type JournalImage,
  type JournalRecord,
  type RecoveredJournal,
} from '#cluster';
import { present, type RunKey } from '#core';
import { BatchQueue } from '#platform';
import { JournalError, type TaskJournal } from '../engine/task-journal.port.js';
import { syncDirectory, writeAtomically } from './atomic-file.js';
import { readLine, writeLine } from './journal-line.js';

/** Records waiting for the disk. */
const QUEUE_LIMIT = 100_000;
const BATCH_LIMIT = 5_000;
/** The log is rewritten when it is this large and twice what the last rewriting left. */
const COMPACT_FROM_BYTES = 8 * 1024 * 1024;
const RETRY_DELAYS_MS: readonly number[] = [200, 1_000, 2_000, 4_000, 8_000];
const LINE_FEED = 0x0a;

/**
 * The journal in a folder: `agent.json` (identity, replaced as a whole) and `tasks.log` (one line a record, appended and
 * flushed for everybody who waits at once). An unfinished last line was never relied on and is cut off.
 */
export class FileTaskJournal implements TaskJournal {
  private readonly logPath: string;
  private readonly identityPath: string;
  private readonly image: JournalImage = emptyJournalImage();
  private readonly queue: BatchQueue<readonly JournalRecord[]>;
  private file: FileHandle | undefined;
  /** Bytes of the log that are known to be whole. */
  private size = 0;
  private compactedSize = 0;
  private isTorn = false;

  constructor(
    private readonly folder: string,
    private readonly log: (level: 'info' | 'warn', message: string) => void,
    private readonly limits: { readonly compactFromBytes: number } = {
      compactFromBytes: COMPACT_FROM_BYTES,
    },
  ) {
    this.logPath = join(folder, 'tasks.log');
    this.identityPath = join(folder, 'agent.json');
    this.queue = new BatchQueue({
      name: 'agent journal',
      limit: QUEUE_LIMIT,
      batch: BATCH_LIMIT,
      flush: (batch) => this.flush(batch.flat()),
    });
  }

  async open(): Promise<RecoveredJournal> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const identity = await this.readIdentity();
    const damaged = await this.readLog();
    this.file = await open(this.logPath, 'a', 0o600);
    await this.file.truncate(this.size);
    await this.file.datasync();
    await syncDirectory(this.folder);
    const image = {
      tasks: new Map(this.image.tasks),
      completed: new Map(this.image.completed),
    };
    return { ...(identity === undefined ? {} : { identity }), image, damaged };
  }

  async saveIdentity(identity: AgentIdentity): Promise<void> {
    await this.persistently('agent.json', () =>
      writeAtomically(this.identityPath, `${JSON.stringify(identity)}\n`),
    );
  }

  append(records: readonly JournalRecord[]): Promise<void> {
    return this.queue.add(records);
  }

  async close(): Promise<void> {
    await this.queue.add([]);
    await this.file?.close();
    this.file = undefined;
  }

  private async readIdentity(): Promise<AgentIdentity | undefined> {
    const text = await readIfThere(this.identityPath);
    if (text === undefined) return undefined;
    try {
      const identity = JSON.parse(text.toString()) as AgentIdentity;
      if (typeof identity.highestEpoch === 'number' && typeof identity.bootId === 'string') {
        return identity;
      }
    } catch {
      // Falls through to the one message below.
    }
    throw new JournalError(
      `${this.identityPath} is damaged; move ${this.folder} away to start as a new agent without its tasks`,
    );
  }

  private async readLog(): Promise<ReadonlyMap<RunKey, string>> {
    const bytes = (await readIfThere(this.logPath)) ?? Buffer.alloc(0);
    const damaged = new Map<RunKey, string>();
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(LINE_FEED, start);
      if (end < 0) break;
      const read = readLine(bytes.toString('utf8', start, end));
      if (read.kind === 'record') applyRecord(this.image, read.record);
      else {
        const reason = `line at byte ${start}: ${read.reason}`;
        this.log('warn', `${this.logPath}: ${reason} (run ${read.run ?? 'unknown'})`);
        if (read.run !== undefined) damaged.set(read.run, reason);
      }
      start = end + 1;
    }
    if (start < bytes.length) {
      this.log(
        'info',
        `${this.logPath}: cut off ${bytes.length - start} bytes of an unfinished line`,
      );
    }
    this.size = start;
    this.compactedSize = start;
    return damaged;
  }

  private async flush(records: readonly JournalRecord[]): Promise<void> {
    if (records.length === 0) return;
    const text = Buffer.from(records.map(writeLine).join(''));
    await this.persistently('tasks.log', async () => {
      const file = present(this.file, 'the journal is open');
      // A failed attempt may have left part of a line behind.
      if (this.isTorn) await file.truncate(this.size);
      this.isTorn = true;
      await file.appendFile(text);
      await file.datasync();
      this.isTorn = false;
    });
    this.size += text.length;
    for (const record of records) applyRecord(this.image, record);
    const threshold = Math.max(this.limits.compactFromBytes, 2 * this.compactedSize);
    if (this.size > threshold) await this.compact();
  }

  /** Replaces the log by one line for each run. */
  private async compact(): Promise<void> {
    const records: JournalRecord[] = [...this.image.completed.values()].map((task) => ({
      kind: 'completed',
      ...task,
    }));
    for (const [run, record] of this.image.tasks) {
      records.push({ kind: 'snapshot', run, record });
    }
    const text = records.map(writeLine).join('');
    await this.persistently('tasks.log', async () => {
      await writeAtomically(this.logPath, text);
      await this.file?.close();
      this.file = undefined;
      this.file = await open(this.logPath, 'a', 0o600);
    });
    this.size = Buffer.byteLength(text);
    this.compactedSize = this.size;
  }

  /** A full disk may be cleared: tries again for some seconds, then gives up and the process must end. */
  private async persistently(name: string, write: () => Promise<void>): Promise<void> {
    for (const delayMs of RETRY_DELAYS_MS) {
      try {
        await write();
        return;
      } catch (error) {
        this.log('warn', `cannot write ${name}, trying again in ${delayMs} ms: ${String(error)}`);
        await sleep(delayMs);
      }
    }
    try {
      await write();
    } catch (error) {
      throw new JournalError(`cannot write ${name}: ${String(error)}`, { cause: error });
    }
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
