import type { EdgeContents, EdgeServer } from './edge-model.js';

/** One change of a running HAProxy, carried out through its runtime API. Each may be repeated. */
export type EdgeCommand =
  | { readonly kind: 'add-server'; readonly backend: string; readonly server: EdgeServer }
  | { readonly kind: 'enable-server'; readonly backend: string; readonly server: string }
  | { readonly kind: 'disable-server'; readonly backend: string; readonly server: string }
  /** Only succeeds once the server has no connection left; otherwise it is tried again at the next look. */
  | { readonly kind: 'delete-server'; readonly backend: string; readonly server: string }
  | { readonly kind: 'add-host'; readonly host: string; readonly backend: string }
  | { readonly kind: 'set-host'; readonly host: string; readonly backend: string }
  | { readonly kind: 'delete-host'; readonly host: string };

/**
 * The commands from what HAProxy has to what it should have, structure being equal. Additions come before removals,
 * so that no backend is empty in between. Empty when nothing differs. O(servers + hosts).
 */
export function planEdgeUpdate(
  applied: EdgeContents,
  wanted: EdgeContents,
): readonly EdgeCommand[] {
  const additions: EdgeCommand[] = [];
  const removals: EdgeCommand[] = [];
  for (const [backend, servers] of wanted.servers) {
    const have = applied.servers.get(backend) ?? new Map<string, EdgeServer>();
    for (const server of servers.values()) {
      const known = have.get(server.name);
      if (known === undefined) additions.push({ kind: 'add-server', backend, server });
      else if (known.state !== server.state) {
        const commands = server.state === 'ready' ? additions : removals;
        const kind = server.state === 'ready' ? 'enable-server' : 'disable-server';
        commands.push({ kind, backend, server: server.name });
      }
    }
    for (const known of have.values()) {
      if (servers.has(known.name)) continue;
      if (known.state === 'ready') {
        removals.push({ kind: 'disable-server', backend, server: known.name });
      }
      removals.push({ kind: 'delete-server', backend, server: known.name });
    }
  }
  return [...additions, ...planHosts(applied.hosts, wanted.hosts), ...removals];
}

function planHosts(
  applied: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): readonly EdgeCommand[] {
  const commands: EdgeCommand[] = [];
  for (const [host, backend] of wanted) {
    const known = applied.get(host);
    if (known === undefined) commands.push({ kind: 'add-host', host, backend });
    else if (known !== backend) commands.push({ kind: 'set-host', host, backend });
  }
  for (const host of applied.keys()) {
    if (!wanted.has(host)) commands.push({ kind: 'delete-host', host });
  }
  return commands;
}
