import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EdgeMap, EdgeMaps } from './edge-maps.js';
import type { EdgeContents } from './edge-model.js';
import type { EdgeServer } from './edge-server.js';
import { type EdgeCommand, planEdgeUpdate } from './plan-edge-update.js';

const serverArbitrary: fc.Arbitrary<EdgeServer> = fc
  .record({
    name: fc.constantFrom('s1', 's2', 's3'),
    state: fc.constantFrom('ready' as const, 'maint' as const),
    address: fc.constantFrom('127.0.0.1', '::1'),
    port: fc.constantFrom(1, 2),
    weight: fc.constantFrom(0, 1, 100),
    checkPort: fc.constantFrom(undefined, 1, 2, 3),
  })
  .map(({ checkPort, ...server }) => ({ ...server, ...(checkPort && { checkPort }) }));
/** Checked at its own port: whether that was said makes no difference. */
const withoutOwnPorts = ({ servers, maps }: EdgeContents): EdgeContents => ({
  maps,
  servers: new Map(
    [...servers].map(([backend, list]) => [
      backend,
      new Map(
        [...list].map(([name, { checkPort, ...server }]) => [
          name,
          { ...server, ...(checkPort !== server.port && checkPort && { checkPort }) },
        ]),
      ),
    ]),
  ),
});
const mapArbitrary = fc
  .uniqueArray(fc.tuple(fc.constantFrom('h1', 'h2', 'h3'), fc.constantFrom('b0', 'b1')), {
    selector: ([key]) => key,
  })
  .map((entries): ReadonlyMap<string, string> => new Map(entries));
const mapsArbitrary: fc.Arbitrary<EdgeMaps> = fc.record({
  hosts: mapArbitrary,
  wildcards: mapArbitrary,
  sni: mapArbitrary,
  sniWildcards: mapArbitrary,
  ports: mapArbitrary,
  apps: mapArbitrary,
});
const contentsArbitrary: fc.Arbitrary<EdgeContents> = fc.record({
  servers: fc
    .array(fc.array(serverArbitrary), { minLength: 2, maxLength: 2 })
    .map(
      (backends) =>
        new Map(
          backends.map((servers, index) => [
            `b${index}`,
            new Map(servers.map((server): [string, EdgeServer] => [server.name, server])),
          ]),
        ),
    ),
  maps: mapsArbitrary,
});

/** A slow, obvious HAProxy. */
function run(start: EdgeContents, commands: readonly EdgeCommand[]): EdgeContents {
  const servers = new Map([...start.servers].map(([name, list]) => [name, new Map(list)]));
  const maps = Object.fromEntries(
    Object.entries(start.maps).map(([name, map]) => [name, new Map(map)]),
  ) as Record<EdgeMap, Map<string, string>>;
  const change = (backend: string, name: string, extra: Partial<EdgeServer>): void => {
    const server = servers.get(backend)?.get(name);
    if (server === undefined) throw new Error(`no server ${name}`);
    servers.get(backend)?.set(name, { ...server, ...extra });
  };
  for (const command of commands) {
    switch (command.kind) {
      case 'add-server':
        if (servers.get(command.backend)?.has(command.server.name)) throw new Error('exists');
        servers.get(command.backend)?.set(command.server.name, command.server);
        break;
      case 'enable-server':
        change(command.backend, command.server, { state: 'ready' });
        break;
      case 'disable-server':
        change(command.backend, command.server, { state: 'maint' });
        break;
      case 'weight-server':
        change(command.backend, command.server, { weight: command.weight });
        break;
      case 'check-port-server':
        change(command.backend, command.server, { checkPort: command.checkPort });
        break;
      case 'move-server': {
        const { name, address, port } = command.server;
        change(command.backend, name, { address, port });
        break;
      }
      case 'delete-server':
        if (servers.get(command.backend)?.get(command.server)?.state !== 'maint') {
          throw new Error('not in maintenance');
        }
        servers.get(command.backend)?.delete(command.server);
        break;
      case 'delete-entry':
        maps[command.map].delete(command.key);
        break;
      case 'replace-map':
        maps[command.map] = new Map(command.entries);
        break;
      default:
        maps[command.map].set(command.key, command.value);
    }
  }
  return { servers, maps };
}

describe('planEdgeUpdate', () => {
  it('reaches what is wanted, deletes only servers in maintenance, and then has nothing left to do', () => {
    fc.assert(
      fc.property(contentsArbitrary, contentsArbitrary, (applied, wanted) => {
        const reached = run(applied, planEdgeUpdate(applied, wanted));

        expect(withoutOwnPorts(reached)).toEqual(withoutOwnPorts(wanted));
        expect([...reached.maps.wildcards]).toEqual([...wanted.maps.wildcards]);
        expect(planEdgeUpdate(reached, wanted)).toEqual([]);
      }),
    );
  });

  it('lets no wildcard lead to a key that is not there yet, or no more', () => {
    const nothing: ReadonlyMap<string, string> = new Map();
    const rest = { sni: nothing, sniWildcards: nothing, ports: nothing, apps: nothing };
    const contents = (...hosts: readonly string[]): EdgeContents => ({
      servers: new Map(),
      maps: {
        ...rest,
        hosts: new Map(hosts.map((host) => [`${host}/`, 'b'])),
        wildcards: new Map(hosts.map((host) => [host.slice(1), host])),
      },
    });
    const [short, both] = [contents('*.example'), contents('*.a.example', '*.example')];
    const kinds = (from: EdgeContents, to: EdgeContents) =>
      planEdgeUpdate(from, to).map(({ kind }) => kind);

    expect(kinds(short, both)).toEqual(['add-entry', 'replace-map']);
    expect(kinds(both, short)).toEqual(['replace-map', 'delete-entry']);
  });

  it('adds new servers before it takes old ones away', () => {
    const nothing: ReadonlyMap<string, string> = new Map();
    const maps = {
      ...{ hosts: nothing, wildcards: nothing, sni: nothing },
      ...{ sniWildcards: nothing, ports: nothing, apps: nothing },
    };
    const contents = (name: string): EdgeContents => {
      const server: EdgeServer = { name, address: 'a', port: 1, state: 'ready', weight: 1 };
      return { servers: new Map([['b', new Map([[name, server]])]]), maps };
    };

    const kinds = planEdgeUpdate(contents('old'), contents('new')).map((command) => command.kind);

    expect(kinds).toEqual(['add-server', 'disable-server', 'delete-server']);
  });
});
