/**
 * Copies a container's output into the sandbox's log files. A copy can be cut at any byte (the agent is killed) and is
 * continued without a gap or a repetition: the sizes of the files say how much was written, a checkpoint says which
 * entry of the engine's log that was, so only the entries since then are read again.
 */
import { type FileHandle, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import type { LogEntry, StreamName } from './docker-log-frames.js';
import { createLogParser } from './docker-log-parser.js';
import { LOG_FILES, openLogFile } from './log-file.js';

/** How far one stream was copied: `count` entries bear the time `last`, and the file then had `bytes` bytes. */
export interface StreamPosition {
  readonly last: string;
  readonly count: number;
  readonly bytes: number;
}

export type LogPositions = Readonly<Record<StreamName, StreamPosition>>;

export interface LogCopy {
  /**
   * Resolves once the engine has no more, or `stop` was called. Rejects when the log cannot be read or a file not be
   * written; another copy then goes on where this one ended. The files are closed in any case.
   */
  readonly done: Promise<void>;
  /** Writes the checkpoint if something was copied since the last one. */
  save(): Promise<void>;
  stop(): void;
}

const CHECKPOINT_FILE = 'log-positions.json';
const START: StreamPosition = { last: '', count: 0, bytes: 0 };
/** The two streams are stamped apart, so entries of one may follow slightly later ones of the other. */
const SLACK_SECONDS = 5;

/** Before the container starts: what the files hold by then (of what was fetched and pulled) is none of its output. */
export async function beginLogs(request: {
  readonly sandbox: string;
  readonly runtimeDirectory: string;
}): Promise<void> {
  const begin = async (name: StreamName): Promise<StreamPosition> => {
    const found = await stat(join(request.sandbox, name)).catch(() => undefined);
    return { ...START, bytes: found?.size ?? 0 };
  };
  const [stdout, stderr] = await Promise.all([begin('stdout'), begin('stderr')]);
  // Nothing says the same, and is quicker.
  if (stdout.bytes + stderr.bytes === 0) return;
  await writePositions(request.runtimeDirectory, { stdout, stderr });
}

export function startLogCopy(request: {
  readonly container: Dockerode.Container;
  readonly sandbox: string;
  readonly runtimeDirectory: string;
}): LogCopy {
  const { runtimeDirectory } = request;
  let stream: Readable | undefined;
  let stopped = false;
  let saved: LogPositions | undefined;
  const targets = new Map<StreamName, LogTarget>();

  const save = async (): Promise<void> => {
    const [stdout, stderr] = [targets.get('stdout'), targets.get('stderr')];
    if (stdout === undefined || stderr === undefined) return;
    const positions = { stdout: stdout.position, stderr: stderr.position };
    if (saved?.stdout === positions.stdout && saved?.stderr === positions.stderr) return;
    await writePositions(runtimeDirectory, positions);
    saved = positions;
  };

  const copy = async (): Promise<void> => {
    const positions = await readPositions(runtimeDirectory);
    for (const name of LOG_FILES) {
      targets.set(name, await openTarget(join(request.sandbox, name), positions?.[name] ?? START));
    }
    stream = await openLog(request.container, positions);
    if (stopped) return;
    const parser = createLogParser();
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      await writeEntries(targets, parser.parse(chunk));
    }
    if (!stopped) await writeEntries(targets, parser.end());
  };

  const finish = async (): Promise<void> => {
    stream?.destroy();
    try {
      await save();
    } finally {
      // Whatever failed, a next copy opens them anew.
      await Promise.all([...targets.values()].map(async ({ file }) => await file.close()));
    }
  };

  const run = async (): Promise<void> => {
    try {
      await copy();
    } catch (error) {
      if (!stopped) throw error;
    } finally {
      await finish();
    }
  };

  return {
    done: run(),
    save,
    stop() {
      stopped = true;
      stream?.destroy();
    },
  };
}

interface LogTarget {
  readonly file: FileHandle;
  position: StreamPosition;
  /** Bytes that an interrupted copy wrote after its last checkpoint. */
  skip: number;
  /** Entries of the checkpoint's own time still to be passed over. */
  seen: number;
}

async function openTarget(path: string, position: StreamPosition): Promise<LogTarget> {
  const file = await openLogFile(path);
  const { size } = await file.stat();
  // A smaller file was rotated since; what was in it counts as copied.
  const skip = Math.max(0, size - position.bytes);
  return { file, position: { ...position, bytes: size - skip }, skip, seen: position.count };
}

async function openLog(
  container: Dockerode.Container,
  positions: LogPositions | undefined,
): Promise<Readable> {
  const stream = await container.logs({
    ...{ follow: true, stdout: true, stderr: true, timestamps: true },
    since: sinceSeconds(positions),
  });
  return stream as Readable;
}

/** The time from which the engine is asked for entries; 0 for all. */
export function sinceSeconds(positions: LogPositions | undefined): number {
  const times = [positions?.stdout.last ?? '', positions?.stderr.last ?? '']
    .filter((time) => time !== '')
    .map((time) => Math.floor(Date.parse(`${time.slice(0, 19)}Z`) / 1000));
  return times.length === 0 ? 0 : Math.max(0, Math.min(...times) - SLACK_SECONDS);
}

async function writeEntries(
  targets: ReadonlyMap<StreamName, LogTarget>,
  entries: readonly LogEntry[],
): Promise<void> {
  for (const name of LOG_FILES) {
    const target = targets.get(name);
    const own = entries.filter(({ stream }) => stream === name);
    if (target === undefined || own.length === 0) continue;
    const { parts, position } = selectNew(target, own);
    const data = Buffer.concat(parts);
    if (data.length > 0) await target.file.appendFile(data);
    target.position = position;
  }
}

/** What of `entries` is new. Consumes the target's `seen` and `skip`. */
export function selectNew(
  target: { readonly position: StreamPosition; skip: number; seen: number },
  entries: readonly LogEntry[],
): { readonly parts: readonly Buffer[]; readonly position: StreamPosition } {
  const parts: Buffer[] = [];
  let { last, count, bytes } = target.position;
  const checkpoint = target.seen > 0 ? last : undefined;
  for (const { time, data } of entries) {
    if (time < last) continue;
    if (checkpoint !== undefined && target.seen > 0) {
      if (time === checkpoint) {
        target.seen -= 1;
        continue;
      }
      // The engine has dropped the checkpoint's entry, so the bytes after it cannot be told apart any more.
      target.seen = 0;
      target.skip = 0;
    }
    count = time === last ? count + 1 : 1;
    last = time;
    bytes += data.length;
    const skipped = Math.min(target.skip, data.length);
    target.skip -= skipped;
    parts.push(data.subarray(skipped));
  }
  return { parts, position: { last, count, bytes } };
}

async function readPositions(directory: string): Promise<LogPositions | undefined> {
  const text = await readFile(join(directory, CHECKPOINT_FILE), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as LogPositions);
}

async function writePositions(directory: string, positions: LogPositions): Promise<void> {
  const file = join(directory, CHECKPOINT_FILE);
  await writeFile(`${file}.new`, JSON.stringify(positions));
  await rename(`${file}.new`, file);
}
