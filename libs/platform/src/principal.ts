import type { IncomingMessage } from 'node:http';

const principals = new WeakMap<IncomingMessage, string>();

/** Called by the request guard once it knows. */
export function rememberPrincipal(request: IncomingMessage, principal: string | undefined): void {
  if (principal !== undefined) principals.set(request, principal);
}

/** Who made the request, proven by credentials; undefined where none are asked for. */
export const principalOf = (request: IncomingMessage): string | undefined =>
  principals.get(request);
