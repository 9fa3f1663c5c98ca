/** Clients that keep their connections, and such that make a new one for each request. */
export const CLIENT_KINDS = ['keep', 'new'] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];
