import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EdgeContents, EdgeServer } from './edge-model.js';
import { type EdgeCommand, planEdgeUpdate } from './plan-edge-update.js';

const contentsArbitrary: fc.Arbitrary<EdgeContents> = fc.record({
  servers: fc
    .array(
      fc.array(
        fc.record({
          name: fc.constantFrom('s1', 's2', 's3'),
          state: fc.constantFrom('ready' as const, 'maint' as const),
        }),
      ),
      { minLength: 2, maxLength: 2 },
    )
    .map(
      (backends) =>
        new Map(
          backends.map((servers, index) => [
            `b${index}`,
            new Map(
              servers.map((server): [string, EdgeServer] => [
                server.name,
                { ...server, address: '127.0.0.1', port: Number(server.name.slice(1)) },
              ]),
            ),
          ]),
        ),
    ),
  hosts: fc
    .dictionary(fc.constantFrom('h1', 'h2', 'h3'), fc.constantFrom('b0', 'b1'))
    .map((hosts) => new Map(Object.entries(hosts))),
});

/** A slow, obvious HAProxy. */
function run(start: EdgeContents, commands: readonly EdgeCommand[]): EdgeContents {
  const servers = new Map([...start.servers].map(([name, list]) => [name, new Map(list)]));
  const hosts = new Map(start.hosts);
  const list = (backend: string): Map<string, EdgeServer> => servers.get(backend) ?? new Map();
  const setState = (backend: string, name: string, state: EdgeServer['state']): void => {
    const server = list(backend).get(name);
    if (server === undefined) throw new Error(`no server ${name}`);
    list(backend).set(name, { ...server, state });
  };
  for (const command of commands) {
    if (command.kind === 'add-server') {
      if (list(command.backend).has(command.server.name)) throw new Error('server exists');
      list(command.backend).set(command.server.name, command.server);
    } else if (command.kind === 'enable-server') setState(command.backend, command.server, 'ready');
    else if (command.kind === 'disable-server') setState(command.backend, command.server, 'maint');
    else if (command.kind === 'delete-server') {
      if (list(command.backend).get(command.server)?.state !== 'maint')
        throw new Error('not maint');
      list(command.backend).delete(command.server);
    } else if (command.kind === 'delete-host') hosts.delete(command.host);
    else hosts.set(command.host, command.backend);
  }
  return { servers, hosts };
}

describe('planEdgeUpdate', () => {
  it('reaches what is wanted, deletes only servers in maintenance, and then has nothing left to do', () => {
    fc.assert(
      fc.property(contentsArbitrary, contentsArbitrary, (applied, wanted) => {
        const reached = run(applied, planEdgeUpdate(applied, wanted));

        expect(reached).toEqual(wanted);
        expect(planEdgeUpdate(reached, wanted)).toEqual([]);
      }),
    );
  });

  it('adds new servers before it takes old ones away', () => {
    const server = (name: string): EdgeServer => ({ name, address: 'a', port: 1, state: 'ready' });
    const contents = (name: string): EdgeContents => ({
      servers: new Map([['b', new Map([[name, server(name)]])]]),
      hosts: new Map(),
    });

    const kinds = planEdgeUpdate(contents('old'), contents('new')).map((command) => command.kind);

    expect(kinds).toEqual(['add-server', 'disable-server', 'delete-server']);
  });
});
