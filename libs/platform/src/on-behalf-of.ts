import { type Identity, ROLES, type Role, toPrincipal } from './credentials.js';

/**
 * Whom a daemon passes a request on for, where that one is known by a certificate: a password or token travels along and
 * proves itself, a certificate ends at the connection. `role principal`, the latter percent-encoded.
 */
export const ON_BEHALF_OF_HEADER = 'x-pacer-on-behalf-of';

export interface OnBehalfOf {
  readonly principal: string;
  readonly role: Role;
}

export const formatOnBehalfOf = ({ principal, role = 'full' }: Omit<Identity, 'kinds'>): string =>
  `${role} ${encodeURIComponent(principal)}`;

/** Undefined for anything else than what {@link formatOnBehalfOf} makes. */
export function parseOnBehalfOf(header: string | undefined): OnBehalfOf | undefined {
  const [role, encoded, ...rest] = (header ?? '').split(' ');
  const known = ROLES.find((one) => one === role);
  if (known === undefined || encoded === undefined || rest.length > 0) return undefined;
  try {
    return { role: known, principal: toPrincipal(decodeURIComponent(encoded)) };
  } catch {
    return undefined;
  }
}
