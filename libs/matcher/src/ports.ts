import { type App, countInRanges, endpointsOf, type Range, subtractRanges } from '#core';

export type PortAssignment =
  | { readonly ok: true; readonly hostPorts: readonly (number | null)[] }
  | { readonly ok: false; readonly detail: string };

/** What each port of the app asks of the host: a number, `any`, or `none`. */
export function wantedPorts(app: App): readonly (number | 'any' | 'none')[] {
  if (app.pod !== undefined) {
    return endpointsOf(app.pod).map(({ endpoint }) => wantedPort(endpoint.hostPort));
  }
  const mappings = app.container?.portMappings;
  const isHostNetwork = (app.networks[0]?.mode ?? 'host') === 'host';
  if (mappings !== undefined && !isHostNetwork) {
    return mappings.map(({ hostPort }) => wantedPort(hostPort));
  }
  return app.portDefinitions.map((definition) =>
    app.requirePorts && definition.port !== 0 ? definition.port : 'any',
  );
}

const wantedPort = (hostPort: number | undefined): number | 'any' | 'none' => {
  if (hostPort === undefined) return 'none';
  return hostPort === 0 ? 'any' : hostPort;
};

/**
 * Assigns host ports out of the free ones. Fixed ports are taken as asked; any others begin at a place given by the
 * seed and go upwards, so that tasks get different ports and a port just freed is not the next one used; `recent`
 * ports come last. O(ports wanted * ranges).
 */
export function assignPorts(about: {
  readonly wanted: readonly (number | 'any' | 'none')[];
  readonly free: readonly Range[];
  readonly recent: ReadonlySet<number>;
  readonly seed: number;
}): PortAssignment {
  const fixed = about.wanted.filter((port) => typeof port === 'number');
  let free = about.free;
  for (const port of fixed) {
    const rest = subtractRanges(free, [{ begin: port, end: port }]);
    if (countInRanges(rest) === countInRanges(free)) {
      return { ok: false, detail: `needs port ${port}, which is not offered` };
    }
    free = rest;
  }
  const anyCount = about.wanted.filter((port) => port === 'any').length;
  const total = countInRanges(free);
  if (anyCount > total) {
    return { ok: false, detail: `needs ${anyCount} ports, ${total} are left` };
  }
  const chosen = chooseAny(free, total, anyCount, about);
  let next = 0;
  return {
    ok: true,
    hostPorts: about.wanted.map((port) => {
      if (port === 'none') return null;
      if (port !== 'any') return port;
      next += 1;
      return chosen[next - 1] ?? null;
    }),
  };
}

function chooseAny(
  free: readonly Range[],
  total: number,
  count: number,
  about: { readonly recent: ReadonlySet<number>; readonly seed: number },
): readonly number[] {
  if (count === 0) return [];
  const chosen: number[] = [];
  const spare: number[] = [];
  const start = mix(about.seed) % total;
  for (let step = 0; step < total && chosen.length < count; step += 1) {
    const port = portAt(free, (start + step) % total);
    if (about.recent.has(port)) spare.push(port);
    else chosen.push(port);
  }
  return [...chosen, ...spare.slice(0, count - chosen.length)];
}

/** The port at a position of the ranges laid end to end. */
function portAt(ranges: readonly Range[], position: number): number {
  let left = position;
  for (const range of ranges) {
    const size = range.end - range.begin + 1;
    if (left < size) return range.begin + left;
    left -= size;
  }
  return ranges[0]?.begin ?? 0;
}

/** Spreads neighbouring seeds over all of 0..2^32-1 (the finaliser of MurmurHash3). */
export function mix(seed: number): number {
  let hash = seed | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
