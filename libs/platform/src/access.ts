import type { PrincipalKind } from './credentials.js';

/** Who may make a request, where credentials are asked for. */
export type Access =
  /** Everybody, also without credentials. */
  | { readonly kind: 'open' }
  /** Who may act as one of these; others get 403. The realm is named with a 401. */
  | { readonly kind: 'closed'; readonly to: readonly PrincipalKind[]; readonly realm: string };

/** `route` is the pattern that was matched, however the path was written; undefined when there is none. */
export type AccessRule = (request: {
  readonly method: string;
  readonly route: string | undefined;
}) => Access;
