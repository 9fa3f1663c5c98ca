import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentsWithoutReload } from './contents-without-reload.js';
import type { EdgeModel } from './edge-model.js';
import { planEdgeUpdate } from './plan-edge-update.js';

const modelOf = (hosts: Readonly<Record<string, string>>): EdgeModel => ({
  structure: { routes: [] },
  servers: new Map(),
  hosts: new Map(Object.entries(hosts)),
});
const backendArbitrary = fc.constantFrom<string>('b1', 'b2', 'b3');
const hostsArbitrary = fc.dictionary(fc.constantFrom('h1', 'h2', 'h3'), backendArbitrary);

describe('contentsWithoutReload', () => {
  it('moves a host to a backend that exists, and only then', () => {
    const hosts = new Map([['web.example', 'old']]);
    const model = modelOf({ 'web.example': 'new' });
    const running = { hosts, isSameStructure: false };

    const before = contentsWithoutReload(model, { ...running, backends: new Set(['old']) });
    const after = contentsWithoutReload(model, { ...running, backends: new Set(['old', 'new']) });

    expect(before.hosts).toEqual(hosts);
    expect(after.hosts).toEqual(new Map([['web.example', 'new']]));
  });

  it('takes a host out at once when no reload is to come', () => {
    const running = { hosts: new Map([['web.example', 'web']]), backends: new Set(['web']) };

    const now = contentsWithoutReload(modelOf({}), { ...running, isSameStructure: true });

    expect(now.hosts.size).toBe(0);
  });

  it('deletes no host whose backend still exists before the reload, and points none to a missing one', () => {
    fc.assert(
      fc.property(
        hostsArbitrary,
        hostsArbitrary,
        fc.uniqueArray(backendArbitrary),
        (wanted, applied, existing) => {
          const backends = new Set(existing);
          const hosts = new Map(Object.entries(applied));
          const running = { hosts, backends, isSameStructure: false };

          const contents = contentsWithoutReload(modelOf(wanted), running);

          const deleted = planEdgeUpdate({ servers: new Map(), hosts }, contents)
            .filter((command) => command.kind === 'delete-host')
            .map((command) => hosts.get(command.host) ?? '');
          expect(deleted.filter((backend) => backends.has(backend))).toEqual([]);
          expect([...contents.hosts.values()].filter((backend) => !backends.has(backend))).toEqual(
            [],
          );
        },
      ),
    );
  });
});
