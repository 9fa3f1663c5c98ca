/**
 * The maps of the edge. `hosts`: host and beginning of the path -> backend, the longest match counts. `wildcards`: end of a
 * host -> the key it has in `hosts`, the first match counts. `sni`, `sniWildcards`: name in the hello of TLS (its end) -> backend,
 * of what is passed through. `ports`: port, or `address:port` where several routes have one port -> backend, for what a former
 * worker hands over. `apps`: app id -> backend.
 */
export const EDGE_MAPS = ['hosts', 'wildcards', 'sni', 'sniWildcards', 'ports', 'apps'] as const;
export type EdgeMap = (typeof EDGE_MAPS)[number];

/** The maps in which HAProxy looks for the first match, so that their order counts. */
export const ORDERED_MAPS: ReadonlySet<EdgeMap> = new Set(['wildcards', 'sniWildcards']);

export type EdgeMaps = Readonly<Record<EdgeMap, ReadonlyMap<string, string>>>;
