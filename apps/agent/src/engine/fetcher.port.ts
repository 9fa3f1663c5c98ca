import type { CommandUri } from '#mesos-v1';

/** Brings a task's URIs into its sandbox. */
export interface Fetcher {
  /** Rejects with a {@link FetchError} naming the URI. Stops when `signal` is aborted. */
  fetch(request: {
    readonly uris: readonly CommandUri[];
    readonly sandbox: string;
    readonly user?: string;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

export class FetchError extends Error {
  readonly code = 'FETCH_FAILED';
}
