import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type App, appId, createRoot, type Group, groupId, type RootGroup } from '#core';
import { stampApp } from './app-change.js';
import { DependencyCycleError, dependencyLayers } from './dependency-layers.js';
import { affectedApps, planDeployment } from './plan-deployment.js';
import { planRollback } from './roll-back.js';

const VERSION = '2030-01-01T00:00:00.000Z';

const anApp = (id: string, fields: Partial<App> = {}): App =>
  ({
    id: appId(id),
    cmd: 'true',
    instances: 1,
    labels: {},
    dependencies: [],
    networks: [],
    portDefinitions: [],
    version: VERSION,
    versionInfo: { lastScalingAt: VERSION, lastConfigChangeAt: VERSION },
    ...fields,
  }) as App;

const aRoot = (apps: readonly App[], groups: readonly Partial<Group>[] = []): RootGroup => {
  const ids = new Set<string>(['/']);
  for (const { id } of apps) {
    for (let at = id.lastIndexOf('/'); at > 0; at = id.lastIndexOf('/', at - 1)) {
      ids.add(id.slice(0, at));
    }
  }
  const all = [...ids].map(
    (id): Group => ({ id: groupId(id), dependencies: [], enforceRole: false, version: VERSION }),
  );
  for (const group of groups) {
    all.push({
      id: groupId('/'),
      dependencies: [],
      enforceRole: false,
      version: VERSION,
      ...group,
    });
  }
  return createRoot({ revision: 1, version: VERSION, apps, groups: all });
};

const summary = (original: RootGroup, target: RootGroup, restart: readonly string[] = []) =>
  planDeployment(original, target, { restart: new Set(restart.map(appId)) }).map(({ actions }) =>
    actions.map(({ kind, app }) => `${kind} ${app}`),
  );

describe('planDeployment', () => {
  it('has no steps when nothing changed', () => {
    expect(summary(aRoot([anApp('/a')]), aRoot([anApp('/a')]))).toEqual([]);
  });

  it('stops, then starts, then goes up the layers of dependencies', () => {
    const original = aRoot([anApp('/gone'), anApp('/b')]);
    const target = aRoot([
      anApp('/a', { dependencies: ['/b'] }),
      anApp('/b', { cmd: 'false', dependencies: ['/c'] }),
      anApp('/c'),
    ]);

    expect(summary(original, target)).toEqual([
      ['StopApplication /gone'],
      ['StartApplication /a', 'StartApplication /c'],
      ['ScaleApplication /c'],
      ['RestartApplication /b'],
      ['ScaleApplication /a'],
    ]);
  });

  it('scales when only the count differs, and restarts only what is asked to', () => {
    const original = aRoot([anApp('/a'), anApp('/b')]);

    expect(summary(original, aRoot([anApp('/a', { instances: 3 }), anApp('/b')]))).toEqual([
      ['ScaleApplication /a'],
    ]);
    expect(summary(original, original, ['/b'])).toEqual([['RestartApplication /b']]);
  });

  it('scales a changed app whose count is 0', () => {
    const target = aRoot([anApp('/a', { cmd: 'false', instances: 0 })]);

    expect(summary(aRoot([anApp('/a')]), target)).toEqual([['ScaleApplication /a']]);
  });

  it('follows dependencies of groups and on groups, and ignores unknown targets', () => {
    const target = aRoot(
      [anApp('/db/one'), anApp('/db/two'), anApp('/web/front', { dependencies: ['/nowhere'] })],
      [{ id: groupId('/web'), dependencies: ['/db'] }],
    );

    expect(summary(aRoot([]), target).at(-1)).toEqual(['ScaleApplication /web/front']);
  });

  it('refuses a cycle by naming it', () => {
    const root = aRoot([
      anApp('/a', { dependencies: ['/b'] }),
      anApp('/b', { dependencies: ['/a'] }),
    ]);

    expect(() => summary(aRoot([]), root)).toThrow(DependencyCycleError);
  });

  it('puts every app above everything it depends on, and touches each changed app once', () => {
    const graph = fc.array(fc.array(fc.nat(30), { maxLength: 5 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(graph, (edges) => {
        const apps = edges.map((targets, index) =>
          anApp(`/a${index}`, {
            dependencies: targets.filter((target) => target < index).map((target) => `/a${target}`),
          }),
        );
        const root = aRoot(apps);
        const layers = dependencyLayers(root);

        const steps = planDeployment(aRoot([]), root);

        for (const app of apps) {
          for (const target of app.dependencies) {
            expect(layers.layerOf(app.id)).toBeGreaterThan(layers.layerOf(appId(target)));
          }
        }
        expect(affectedApps(steps)).toHaveLength(apps.length);
      }),
    );
  });

  it('plans a dense graph of a thousand apps at once', () => {
    const apps = Array.from({ length: 1_000 }, (_, index) =>
      anApp(`/a${index}`, {
        dependencies: Array.from(
          { length: Math.min(index, 20) },
          (__, back) => `/a${index - back - 1}`,
        ),
      }),
    );

    expect(planDeployment(aRoot([]), aRoot(apps))).toHaveLength(1_001);
  });

  it.each(['upwards', 'downwards'])(
    'plans a chain of 50,000 apps, visited %s',
    (direction) => {
      const length = 50_000;
      const name = (index: number): string => `/a${String(index).padStart(5, '0')}`;
      const apps = Array.from({ length }, (_, index) => {
        const next = direction === 'upwards' ? index - 1 : index + 1;
        return anApp(name(index), {
          dependencies: next < 0 || next >= length ? [] : [name(next)],
        });
      });

      const steps = planDeployment(aRoot([]), aRoot(apps));

      expect(steps).toHaveLength(length + 1);
      expect(steps[1]?.actions[0]?.app).toBe(name(direction === 'upwards' ? 0 : length - 1));
    },
    60_000,
  );

  it('names a long cycle without listing all of it', () => {
    const apps = Array.from({ length: 1_000 }, (_, index) =>
      anApp(`/a${index}`, { dependencies: [`/a${(index + 1) % 1_000}`] }),
    );

    expect(() => planDeployment(aRoot([]), aRoot(apps))).toThrow(/^.{1,300}$/);
  });
});

describe('comparing definitions', () => {
  it('stamps what changed and returns the old definition when nothing did', () => {
    const app = anApp('/a');
    const later = '2031-01-01T00:00:00.000Z';

    expect(stampApp(app, anApp('/a'), later, { restart: false })).toBe(app);
    expect(stampApp(app, anApp('/a', { instances: 2 }), later, { restart: false })).toMatchObject({
      version: later,
      versionInfo: { lastScalingAt: later, lastConfigChangeAt: VERSION },
    });
    expect(stampApp(app, anApp('/a'), later, { restart: true })).toMatchObject({
      version: later,
      versionInfo: { lastScalingAt: VERSION, lastConfigChangeAt: later },
    });
    expect(stampApp(undefined, app, later, { restart: false }).versionInfo).toEqual({
      lastScalingAt: later,
      lastConfigChangeAt: later,
    });
  });
});

describe('planRollback', () => {
  it('undoes the change and leaves what others did meanwhile', () => {
    const changed = anApp('/s/changed', { cmd: 'new', version: 'v2' });
    const original = aRoot([anApp('/s/changed'), anApp('/s/removed')]);
    const target = aRoot([changed, anApp('/new/added', { version: 'v2' })]);
    const current = aRoot([...target.apps.values(), anApp('/other', { version: 'v3' })]);

    const delta = planRollback(original, target, current);

    expect(delta.putApps.map(({ id }) => id).sort()).toEqual(['/s/changed', '/s/removed']);
    expect(delta.removeApps).toEqual(['/new/added']);
    expect(delta.removeGroups).toEqual(['/new']);
  });

  it('keeps an added group that others moved into', () => {
    const target = aRoot([anApp('/new/added', { version: 'v2' })]);
    const current = aRoot([...target.apps.values(), anApp('/new/other', { version: 'v3' })]);

    expect(planRollback(aRoot([]), target, current).removeGroups).toEqual([]);
  });
});
