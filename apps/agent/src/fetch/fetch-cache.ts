import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checksum } from './checksum.js';
import { receive } from './receive.js';
import { openSource, RefusedError, type Source, type Validators } from './source.js';

/** A file to be fetched by way of the cache. */
export interface CachedFetch {
  readonly location: string;
  /** Who may use the file: one user's is never given to another. */
  readonly user?: string;
  readonly checksum?: Checksum;
  readonly limitBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress: (receivedBytes: number, bytes: number | undefined) => void;
}

/** A file in the cache, which stays until it is released; or the source of one that cannot be kept there. */
export type Lease =
  | {
      readonly kind: 'cached';
      readonly path: string;
      readonly bytes: number;
      /** Whether nothing had to be downloaded. */
      readonly isHit: boolean;
      readonly release: () => void;
    }
  | { readonly kind: 'direct'; readonly source: Source };

/** What a request is given; a file is held for it. */
type Decision =
  | { readonly kind: 'kept'; readonly entry: Entry; readonly isHit: boolean }
  | { readonly kind: 'direct'; readonly source: Source };

interface Entry {
  readonly path: string;
  readonly bytes: number;
  readonly validators: Validators;
  /** Rejects when the download fails. */
  readonly ready: Promise<void>;
  readonly abort: AbortController;
  readonly listeners: Set<CachedFetch['onProgress']>;
  isReady: boolean;
  /** Who waits for it or copies it now. */
  users: number;
}

/**
 * Files that were fetched with `cache`, by user and URI, up to a size; the one not used for longest goes first. Requests
 * for one file share one download, which goes on as long as anybody waits for it. A file that is there is asked for anew
 * on condition, so that what changed at its place is noticed; one with a checksum cannot change. A file of unknown length,
 * or one that there is no room for, is not kept. Nothing is taken over from an earlier process.
 */
export class FetchCache {
  private readonly entries = new Map<string, Entry>();
  private readonly deciding = new Map<string, Promise<Decision>>();
  private nextNumber = 0;
  private emptied: Promise<unknown> | undefined;

  constructor(private readonly options: { readonly folder: string; readonly limitBytes: number }) {}

  /** Bytes that are kept or being downloaded. */
  get bytes(): number {
    let sum = 0;
    for (const { bytes } of this.entries.values()) sum += bytes;
    return sum;
  }

  /** Rejects when the file cannot be fetched. */
  async lease(request: CachedFetch): Promise<Lease> {
    await this.empty();
    const key = JSON.stringify([request.user ?? '', request.location, request.checksum?.digest]);
    // One after the other, so that the first asks the server and the others find its download.
    const before = this.deciding.get(key);
    const decision = (async () => {
      await before?.catch(() => undefined);
      request.signal.throwIfAborted();
      return await this.decide(key, request);
    })();
    this.deciding.set(key, decision);
    try {
      const decided = await decision;
      return decided.kind === 'direct' ? decided : await this.use(key, decided, request);
    } finally {
      if (this.deciding.get(key) === decision) this.deciding.delete(key);
    }
  }

  private async decide(key: string, request: CachedFetch): Promise<Decision> {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      const { location, signal } = request;
      const source = await openSource(location, { signal });
      // Nothing was known that could still hold.
      if (source === 'not-modified') throw new RefusedError(304);
      return this.keep(key, source, request);
    }
    const { isReady } = entry;
    entry.users += 1;
    if (!isReady || request.checksum !== undefined || !hasAny(entry.validators)) {
      return { kind: 'kept', entry, isHit: isReady };
    }
    try {
      const newer = await newerThan(entry, request);
      if (newer === undefined) return { kind: 'kept', entry, isHit: true };
      this.forget(key, entry);
      this.release(entry);
      return this.keep(key, newer, request);
    } catch (error) {
      this.release(entry);
      throw error;
    }
  }

  private keep(key: string, source: Source, request: CachedFetch): Decision {
    const { bytes } = source;
    if (bytes === undefined || bytes > request.limitBytes || !this.makeRoom(bytes)) {
      return { kind: 'direct', source };
    }
    this.nextNumber += 1;
    const path = join(this.options.folder, String(this.nextNumber));
    const entry = this.download(key, path, { ...source, bytes }, request);
    entry.users += 1;
    return { kind: 'kept', entry, isHit: false };
  }

  private download(
    key: string,
    path: string,
    source: Source & { readonly bytes: number },
    { limitBytes, checksum }: CachedFetch,
  ): Entry {
    const { bytes, validators } = source;
    const abort = new AbortController();
    const listeners: Entry['listeners'] = new Set();
    const ready = receive(source, path, {
      limitBytes,
      signal: abort.signal,
      onProgress: (received) => {
        for (const listener of listeners) listener(received, bytes);
      },
      ...(checksum === undefined ? {} : { checksum }),
    }).then(
      () => {
        entry.isReady = true;
      },
      (error: unknown) => {
        this.forget(key, entry);
        throw error;
      },
    );
    // Whoever waits hears of it; perhaps nobody does any more.
    ready.catch(() => undefined);
    const entry: Entry = {
      path,
      bytes,
      validators,
      ready,
      abort,
      listeners,
      isReady: false,
      users: 0,
    };
    this.entries.set(key, entry);
    return entry;
  }

  /** Waits for a file that is held for it. */
  private async use(
    key: string,
    { entry, isHit }: Extract<Decision, { readonly kind: 'kept' }>,
    { signal, onProgress }: CachedFetch,
  ): Promise<Lease> {
    entry.listeners.add(onProgress);
    try {
      await untilAborted(entry.ready, signal);
    } catch (error) {
      this.release(entry);
      throw error;
    } finally {
      entry.listeners.delete(onProgress);
    }
    if (this.entries.get(key) === entry) {
      // Used last of all.
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    let isReleased = false;
    const release = (): void => {
      if (!isReleased) this.release(entry);
      isReleased = true;
    };
    return { kind: 'cached', path: entry.path, bytes: entry.bytes, isHit, release };
  }

  private release(entry: Entry): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (!entry.isReady) entry.abort.abort();
    if (![...this.entries.values()].includes(entry)) void rm(entry.path, { force: true });
  }

  /** Removed once nobody uses it any more. */
  private forget(key: string, entry: Entry): void {
    if (this.entries.get(key) === entry) this.entries.delete(key);
    if (entry.users === 0) void rm(entry.path, { force: true });
  }

  private makeRoom(bytes: number): boolean {
    const { limitBytes } = this.options;
    const idle = [...this.entries].filter(([, { users, isReady }]) => users === 0 && isReady);
    const fixed = this.bytes - idle.reduce((sum, [, entry]) => sum + entry.bytes, 0);
    if (fixed + bytes > limitBytes) return false;
    for (const [key, entry] of idle) {
      if (this.bytes + bytes <= limitBytes) break;
      this.forget(key, entry);
    }
    return true;
  }

  private empty(): Promise<unknown> {
    const { folder } = this.options;
    this.emptied ??= rm(folder, { recursive: true, force: true }).then(() =>
      mkdir(folder, { recursive: true, mode: 0o700 }),
    );
    return this.emptied;
  }
}

/** Undefined while what is there still holds; also when its server cannot say. */
async function newerThan(
  { validators: known }: Entry,
  { location, signal }: CachedFetch,
): Promise<Source | undefined> {
  try {
    const answer = await openSource(location, { signal, known });
    return answer === 'not-modified' ? undefined : answer;
  } catch (error) {
    const isGone = error instanceof RefusedError && error.status < 500;
    if (isGone || signal.aborted) throw error;
    return undefined;
  }
}

const hasAny = ({ etag, lastModified }: Validators): boolean =>
  etag !== undefined || lastModified !== undefined;

/** Waits no longer than the one who asked. */
async function untilAborted(ready: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([ready, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
