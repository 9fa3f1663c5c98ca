/** The engine's HTTP status of a failed call; 404 no such thing, 409 wrong state, 304 already so. */
export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  const status = (error as { readonly statusCode?: unknown }).statusCode;
  return typeof status === 'number' && statuses.includes(status);
}

/** What the engine itself said: dockerode puts `(HTTP code 500) server error - ` in front. */
export function explainEngineError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^\(HTTP code \d+\) .*? - /, '').trim();
}
