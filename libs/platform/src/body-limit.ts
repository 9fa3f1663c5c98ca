/** Largest request body, bytes. */
export const BODY_LIMIT_BYTES = 8 * 1024 * 1024;
