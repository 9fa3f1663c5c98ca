import type { IncomingMessage } from 'node:http';
import type { Identity, Role } from './credentials.js';

const identities = new WeakMap<IncomingMessage, Identity>();

/** Called by the request guard once it knows. */
export function rememberIdentity(request: IncomingMessage, identity: Identity | undefined): void {
  if (identity !== undefined) identities.set(request, identity);
}

/** Who made the request, proven by credentials; undefined where none are asked for. */
export const principalOf = (request: IncomingMessage): string | undefined =>
  identities.get(request)?.principal;

/** What who made the request may do; where nobody is asked, everything. */
export const roleOf = (request: IncomingMessage): Role => identities.get(request)?.role ?? 'full';
