/** In what a running HAProxy can differ from what it was given. */
export const DRIFT_KINDS = [
  'server-state',
  'server-address',
  'server-weight',
  'missing-server',
  'extra-server',
  'map-entry',
  'certificate',
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** How many differences of each kind there are. */
export type DriftCounts = Readonly<Record<DriftKind, number>>;

export interface DriftServer {
  readonly address: string;
  readonly port: number;
  readonly state: string;
  readonly weight?: number | undefined;
}

/** What is compared. */
export interface DriftView {
  /** Backend -> server -> what it is. */
  readonly servers: ReadonlyMap<string, ReadonlyMap<string, DriftServer>>;
  /** Map -> key -> value. */
  readonly maps: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** File -> fingerprint. */
  readonly certificates?: ReadonlyMap<string, string>;
}

const NOTHING: DriftCounts = {
  'server-state': 0,
  'server-address': 0,
  'server-weight': 0,
  'missing-server': 0,
  'extra-server': 0,
  'map-entry': 0,
  certificate: 0,
};

/** All of them together. */
export const sumDrift = (counts: DriftCounts): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

export const addDrift = (left: DriftCounts, right: DriftCounts): DriftCounts => {
  const sum = { ...NOTHING };
  for (const kind of DRIFT_KINDS) sum[kind] = left[kind] + right[kind];
  return sum;
};

export const NO_DRIFT: DriftCounts = NOTHING;

/**
 * The differences between what HAProxy has and what it should have. A difference in address counts once, whatever else
 * differs of the server; what is not known of a server (an undefined weight) is no difference. O(servers + entries).
 */
export function countDrift(found: DriftView, wanted: DriftView): DriftCounts {
  const counts = { ...NOTHING };
  for (const backend of new Set([...wanted.servers.keys(), ...found.servers.keys()])) {
    const have = found.servers.get(backend) ?? new Map<string, DriftServer>();
    const want = wanted.servers.get(backend) ?? new Map<string, DriftServer>();
    if (have === want) continue;
    for (const [name, server] of want) {
      const kind = serverDrift(have.get(name), server);
      if (kind !== undefined) counts[kind] += 1;
    }
    for (const name of have.keys()) if (!want.has(name)) counts['extra-server'] += 1;
  }
  for (const name of new Set([...wanted.maps.keys(), ...found.maps.keys()])) {
    counts['map-entry'] += differingKeys(found.maps.get(name), wanted.maps.get(name));
  }
  counts.certificate += differingKeys(found.certificates, wanted.certificates);
  return counts;
}

/** How a server is not as it should be; undefined: it is. */
export function serverDrift(
  have: DriftServer | undefined,
  want: DriftServer,
): DriftKind | undefined {
  if (have === undefined) return 'missing-server';
  if (have.address !== want.address || have.port !== want.port) return 'server-address';
  if (have.state !== want.state) return 'server-state';
  const areWeightsKnown = have.weight !== undefined && want.weight !== undefined;
  return areWeightsKnown && have.weight !== want.weight ? 'server-weight' : undefined;
}

function differingKeys(
  found: ReadonlyMap<string, string> = new Map(),
  wanted: ReadonlyMap<string, string> = new Map(),
): number {
  let count = 0;
  for (const [key, value] of wanted) if (found.get(key) !== value) count += 1;
  for (const key of found.keys()) if (!wanted.has(key)) count += 1;
  return count;
}
