/** How to hold connections. */
export interface DatabaseOptions {
  /** Connections at most; 8 unless set. */
  readonly poolSize?: number;
  /** How long to keep trying while the server is away; 0 (the default) tries once. */
  readonly waitMs?: number;
  /** Longest a statement may run; 15 s unless set. */
  readonly statementTimeoutMs?: number;
  /** Told of errors of idle connections; they are replaced on their own. */
  readonly onConnectionError?: (error: Error) => void;
}
