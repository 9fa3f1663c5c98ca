/** One thing to probe. Times are milliseconds. */
export type ProbeTarget =
  | {
      readonly kind: 'http';
      readonly scheme: 'http' | 'https';
      readonly host: string;
      readonly port: number;
      readonly path: string;
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
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
  readonly durationMs: number;
}

/** Carries out one probe; never rejects. HTTP passes for 200-399, certificates are not verified (Marathon's rule). */
export interface Prober {
  probe(target: ProbeTarget, options: { readonly timeoutMs: number }): Promise<ProbeResult>;
}
