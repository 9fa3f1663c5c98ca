import type { PrincipalKind, Role } from './credentials.js';

/** Who may make a request, where credentials are asked for. */
export type Access =
  /** Everybody, also without credentials. */
  | { readonly kind: 'open' }
  /** Who may act as one of these; others get 403. The realm is named with a 401. */
  | {
      readonly kind: 'closed';
      readonly to: readonly PrincipalKind[];
      readonly realm: string;
      /** The role it takes; others get 403. Absent: full. */
      readonly needs?: Role;
      /** Names bearer tokens beside HTTP Basic with a 401. */
      readonly showsBearer?: boolean;
    };

/** `route` is the pattern that was matched, however the path was written; undefined when there is none. */
export type AccessRule = (request: {
  readonly method: string;
  readonly route: string | undefined;
}) => Access;
