import { useEffect, useState } from 'react';
import { request, resourcePath } from '../api/api-client.js';
import { ApiError, describeError } from '../api/api-error.js';
import type { FileChunk } from '../api/api-types.js';
import { adoptSize, appendRead, EMPTY_LOG, type LogState, nextRead } from './log-follow.js';

/** How often a followed file is looked at, and how long to wait after a failure. */
const FOLLOW_MS = 1_000;
const RETRY_MS = 3_000;
/** Reads between two redraws, so that a file that grows fast still shows. */
const READS_PER_ROUND = 8;

export interface Log {
  readonly state: LogState;
  readonly isLoading: boolean;
  readonly error: string | undefined;
}

export interface LogSource {
  readonly taskId: string;
  readonly path: string;
}

const LOADING: Log = { state: EMPTY_LOG, isLoading: true, error: undefined };

/** Reads a sandbox file and, while following, what is added to it. Pausing keeps what was read. */
export function useLog(source: LogSource, isFollowing: boolean): Log {
  const { taskId, path } = source;
  const [log, setLog] = useState<Log & { readonly key: string }>({ ...LOADING, key: '' });
  const key = `${taskId} ${path}`;
  const known = log.key === key && !log.isLoading ? log.state : undefined;

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is known is where to go on, not a reason to start again
  useEffect(() => {
    const aborter = new AbortController();
    const { signal } = aborter;
    let state = known;
    if (state && !isFollowing) {
      return;
    }
    const follow = async () => {
      while (!signal.aborted) {
        const round = await readRound({ taskId, path }, state, signal);
        if (signal.aborted) {
          return;
        }
        state = round.state;
        setLog({ key, state: state ?? EMPTY_LOG, isLoading: false, error: round.error });
        if (!isFollowing && !round.hasMore) {
          return;
        }
        if (!round.hasMore) {
          await pause(round.error === undefined ? FOLLOW_MS : RETRY_MS, signal);
        }
      }
    };
    void follow();
    return () => aborter.abort();
  }, [taskId, path, key, isFollowing]);

  return log.key === key ? log : LOADING;
}

/** The whole file as the browser saves it. */
export function downloadAddress({ taskId, path }: LogSource): string {
  return `${resourcePath('/v2/tasks', taskId)}/files/download?path=${encodeURIComponent(path)}`;
}

interface Round {
  readonly state: LogState | undefined;
  readonly hasMore: boolean;
  readonly error: string | undefined;
}

async function readRound(
  { taskId, path }: LogSource,
  before: LogState | undefined,
  signal: AbortSignal,
): Promise<Round> {
  const url = `${resourcePath('/v2/tasks', taskId)}/files/read`;
  let state = before;
  try {
    const { offset: size } = await request<FileChunk>(url, {
      query: { path, offset: -1 },
      signal,
    });
    state = adoptSize(state, size);
    for (let reads = 0; reads < READS_PER_ROUND; reads += 1) {
      const read = nextRead(state, size);
      if (!read) {
        return { state, hasMore: false, error: undefined };
      }
      const { data } = await request<FileChunk>(url, { query: { path, ...read }, signal });
      if (data === '') {
        return { state, hasMore: false, error: undefined };
      }
      state = appendRead(state, read, data);
    }
    return { state, hasMore: nextRead(state, size) !== undefined, error: undefined };
  } catch (error) {
    return { state, hasMore: false, error: explain(error, path) };
  }
}

function explain(error: unknown, path: string): string {
  return error instanceof ApiError && error.status === 404
    ? `There is no ${path} (yet): ${error.message}`
    : describeError(error);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
