/** A connection: Node's `stream.Duplex`, which stays unnamed here as this library knows no platform. */
export interface ByteStream {
  destroy(): unknown;
}

/** Says that nobody waits any more: an `AbortSignal`, which stays unnamed here too. */
export interface CancelSignal {
  readonly aborted: boolean;
}

/** Connects from inside a task's network. Rejects as a socket does, with the `code` of the failure (ECONNREFUSED). */
export type Dial = (
  to: { readonly host: string; readonly port: number },
  signal: CancelSignal,
) => Promise<ByteStream>;

/**
 * Where a probe connects to besides its target, or instead of it: loopback of the task's own network. `always`: nothing of
 * that network is reached from outside; else only a target that refuses the connection is asked for there.
 */
export interface InsideNetwork {
  readonly host: string;
  readonly always: boolean;
  readonly dial: Dial;
}

/** One thing to probe. Times are milliseconds. */
export type ProbeTarget =
  | {
      readonly kind: 'http';
      readonly scheme: 'http' | 'https';
      readonly host: string;
      readonly port: number;
      readonly path: string;
      /** Redirects followed, to the same host only; default 0: a redirect is the answer. */
      readonly maxRedirects?: number;
      readonly inside?: InsideNetwork;
    }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly inside?: InsideNetwork;
    }
  | {
      readonly kind: 'command';
      readonly run: (
        timeoutMs: number,
      ) => Promise<{ readonly exitCode: number; readonly output: string }>;
    };

/** `detail` says what was seen: `HTTP 503`, `connection refused`, `exit code 1`. `status` and a bounded `body` for HTTP. */
export interface ProbeResult {
  readonly passed: boolean;
  readonly detail: string;
  readonly status?: number;
  readonly body?: string;
  readonly exitCode?: number;
  /** There was no answer in time. */
  readonly timedOut?: true;
  /** Nothing is known of the target: too many probes waited, or this process itself was held up. `passed` is false. */
  readonly skipped?: true;
  readonly durationMs: number;
}

/** Carries out one probe; never rejects. HTTP passes for 200-399, certificates are not verified (Marathon's rule). */
export interface Prober {
  probe(target: ProbeTarget, options: { readonly timeoutMs: number }): Promise<ProbeResult>;
}
