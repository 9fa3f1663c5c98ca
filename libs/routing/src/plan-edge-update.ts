import { EDGE_MAPS, type EdgeMap, ORDERED_MAPS } from './edge-maps.js';
import type { AppliedContents } from './edge-model.js';
import type { EdgeServer } from './edge-server.js';

/** One change of a running HAProxy, carried out through its runtime API. Each may be repeated. */
export type EdgeCommand =
  | { readonly kind: 'add-server'; readonly backend: string; readonly server: EdgeServer }
  | { readonly kind: 'enable-server'; readonly backend: string; readonly server: string }
  | { readonly kind: 'disable-server'; readonly backend: string; readonly server: string }
  | {
      readonly kind: 'weight-server';
      readonly backend: string;
      readonly server: string;
      /** 0..256 */
      readonly weight: number;
    }
  | {
      readonly kind: 'check-port-server';
      readonly backend: string;
      readonly server: string;
      /** Where HAProxy checks it, its own port too. */
      readonly checkPort: number;
    }
  /** It has another address than its name says: somebody else changed it. */
  | { readonly kind: 'move-server'; readonly backend: string; readonly server: EdgeServer }
  /** Only succeeds once the server has no connection left; otherwise it is tried again at the next look. */
  | { readonly kind: 'delete-server'; readonly backend: string; readonly server: string }
  | {
      readonly kind: 'add-entry' | 'set-entry';
      readonly map: EdgeMap;
      readonly key: string;
      readonly value: string;
    }
  | { readonly kind: 'delete-entry'; readonly map: EdgeMap; readonly key: string }
  /** All entries at once, in this order. */
  | {
      readonly kind: 'replace-map';
      readonly map: EdgeMap;
      readonly entries: ReadonlyMap<string, string>;
    };

/**
 * The commands from what HAProxy has to what it should have, structure being equal. Additions come before removals,
 * so that no backend is empty in between. Empty when nothing differs. O(servers of backends that are not the same object,
 * and entries of such maps).
 */
export function planEdgeUpdate(
  applied: AppliedContents,
  wanted: AppliedContents,
): readonly EdgeCommand[] {
  const additions: EdgeCommand[] = [];
  const removals: EdgeCommand[] = [];
  for (const [backend, servers] of wanted.servers) {
    const have = applied.servers.get(backend) ?? NO_SERVERS;
    if (have === servers) continue;
    for (const server of servers.values()) {
      planServer({ backend, server, known: have.get(server.name) }, additions, removals);
    }
    for (const known of have.values()) {
      if (servers.has(known.name)) continue;
      if (known.state === 'ready') {
        removals.push({ kind: 'disable-server', backend, server: known.name });
      }
      removals.push({ kind: 'delete-server', backend, server: known.name });
    }
  }
  const entries = EDGE_MAPS.flatMap((map) => planMap(map, applied, wanted));
  // `wildcards` leads to keys of `hosts`: they are there before it names them, and until it names them no more.
  return [
    ...additions,
    ...entries.filter(({ kind }) => kind !== 'delete-entry'),
    ...entries.filter(({ kind }) => kind === 'delete-entry'),
    ...removals,
  ];
}

const NO_SERVERS: ReadonlyMap<string, EdgeServer> = new Map();

function planServer(
  pair: {
    readonly backend: string;
    readonly server: EdgeServer;
    readonly known: EdgeServer | undefined;
  },
  additions: EdgeCommand[],
  removals: EdgeCommand[],
): void {
  const { backend, server, known } = pair;
  if (known === undefined) {
    additions.push({ kind: 'add-server', backend, server });
    return;
  }
  if (known.address !== server.address || known.port !== server.port) {
    additions.push({ kind: 'move-server', backend, server });
  }
  if (known.weight !== server.weight) {
    additions.push({ kind: 'weight-server', backend, server: server.name, weight: server.weight });
  }
  // What HAProxy was not told of a check's port follows the server's.
  const [has, wants] = [known, server].map(({ checkPort }) => checkPort ?? server.port);
  if (wants !== undefined && has !== wants) {
    const about = { backend, server: server.name, checkPort: wants };
    additions.push({ kind: 'check-port-server', ...about });
  }
  if (known.state === server.state) return;
  if (server.state === 'ready') {
    additions.push({ kind: 'enable-server', backend, server: server.name });
  } else removals.push({ kind: 'disable-server', backend, server: server.name });
}

function planMap(
  map: EdgeMap,
  { maps: applied }: AppliedContents,
  { maps: wanted }: AppliedContents,
): readonly EdgeCommand[] {
  const [have, want] = [applied[map], wanted[map]];
  if (have === want || have === undefined || want === undefined) return [];
  if (ORDERED_MAPS.has(map)) {
    return isSameInOrder(have, want) ? [] : [{ kind: 'replace-map', map, entries: want }];
  }
  const commands: EdgeCommand[] = [];
  for (const [key, value] of want) {
    const known = have.get(key);
    if (known === undefined) commands.push({ kind: 'add-entry', map, key, value });
    else if (known !== value) commands.push({ kind: 'set-entry', map, key, value });
  }
  for (const key of have.keys())
    if (!want.has(key)) commands.push({ kind: 'delete-entry', map, key });
  return commands;
}

function isSameInOrder(
  left: ReadonlyMap<string, string>,
  right: ReadonlyMap<string, string>,
): boolean {
  if (left.size !== right.size) return false;
  const others = [...right];
  return [...left].every(
    ([key, value], index) => others[index]?.[0] === key && others[index]?.[1] === value,
  );
}
