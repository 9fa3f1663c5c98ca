/** Thrown when the embedded PostgreSQL cannot be prepared or started; the message says what to do. */
export class EmbeddedDatabaseError extends Error {
  readonly code = 'EMBEDDED_DATABASE';
}
