import { describe, expect, it } from 'vitest';
import { type App, appId, instanceId } from '#core';
import type { InstanceFacts } from './instance-facts.js';
import { nextActions } from './rollout.js';
import type { RolloutStage } from './rollout-stage.js';

const OLD = '2030-01-01T00:00:00.000Z';
const NEW = '2030-02-01T00:00:00.000Z';

const ROOMY = { minimumHealthCapacity: 0.5, maximumOverCapacity: 1 };

const anApp = (instances: number, minimumHealthCapacity: number): App =>
  ({
    id: appId('/web'),
    instances,
    killSelection: 'YOUNGEST_FIRST',
    upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity: 0 },
    version: NEW,
    versionInfo: { lastScalingAt: NEW, lastConfigChangeAt: NEW },
  }) as App;

const facts = (id: string, fields: Partial<InstanceFacts> = {}): InstanceFacts => ({
  id: instanceId(id),
  configVersion: NEW,
  condition: 'Running',
  isKilling: false,
  health: 'healthy',
  readiness: 'ready',
  isRouted: false,
  stagedAtEpochMs: Number(id.slice(1)),
  ...fields,
});
const old = (id: string, fields: Partial<InstanceFacts> = {}): InstanceFacts =>
  facts(id, { configVersion: OLD, ...fields });

const restart = (app: App, instances: readonly InstanceFacts[], stage?: RolloutStage) =>
  nextActions({
    app,
    mode: 'restart',
    instances,
    ...(stage === undefined ? {} : { stage }),
    hasRouters: false,
    now: { epochMs: 100_000, monoMs: 100_000 },
  });

describe('a rolling restart', () => {
  it('lets readiness gate new instances only', () => {
    const app = anApp(2, 0.5);
    const [first, second] = [
      old('i1', { readiness: 'not-ready' }),
      old('i2', { readiness: 'not-ready' }),
    ];

    expect(restart(app, [first, second])).toMatchObject({ launch: 0, kill: ['i2'] });
    expect(restart(app, [first])).toMatchObject({ launch: 1, kill: [] });
    const starting = facts('i3', { condition: 'Provisioned', readiness: 'not-ready' });
    expect(restart(app, [first, starting])).toMatchObject({ launch: 0, kill: [] });
    const unready = facts('i3', { readiness: 'not-ready' });
    expect(restart(app, [first, unready])).toMatchObject({ launch: 0, kill: [] });
    expect(restart(app, [first, facts('i3')])).toMatchObject({ launch: 0, kill: ['i1'] });
  });

  it('puts a new one in the place of an old one that died where the definition before was new too', () => {
    const app = { ...anApp(4, 0.5), upgradeStrategy: ROOMY };
    const batch = { kind: 'batch', batch: 1, batches: 1, released: 2, old: 2 } as const;
    const left = [old('i1'), facts('i3'), facts('i4')];
    const filled = [...left, facts('i5')];

    expect(restart(app, left, batch)).toMatchObject({ launch: 1, launchesOld: true });
    const stage = { ...batch, hasNoOlder: true };
    expect(restart(app, left, stage)).toMatchObject({ launch: 1, launchesOld: false, kill: [] });
    expect(restart(app, filled, stage)).toMatchObject({ launch: 0, kill: [], isStageDone: true });
    const paused = { kind: 'hold', why: 'paused', old: 2, fresh: 2, hasNoOlder: true } as const;
    expect(restart(app, left, paused)).toMatchObject({ launch: 1, launchesOld: false, kill: [] });
    expect(restart(app, filled, paused)).toMatchObject({ launch: 0, kill: [] });
  });

  it('makes room for canaries among what others left: the newest goes, and nothing before it is known who serves', () => {
    const app = anApp(2, 1);
    const stage = { kind: 'hold', why: 'canary', old: 2, fresh: 1 } as const;
    const left = facts('i3', { configVersion: '2030-01-15T00:00:00.000Z' });
    const [first, second, third] = [left, old('i4'), old('i5')];

    expect(restart(app, [first, second, third], stage)).toMatchObject({ launch: 0, kill: ['i3'] });
    const failing = old('i5', { health: 'unhealthy' });
    expect(restart(app, [first, second, failing], stage)).toMatchObject({ kill: ['i5'] });
    const unknown = old('i5', { health: 'unknown' });
    const unsure = restart(app, [first, second, unknown], stage);
    expect(unsure).toMatchObject({ launch: 0, kill: [] });
    expect(unsure.waiting).toContain('at most 3 instances may exist at once and 3 do');
    const ending = { ...first, isKilling: true };
    expect(restart(app, [ending, second, third], stage)).toMatchObject({ launch: 0, kill: [] });
    expect(restart(app, [second, third], stage)).toMatchObject({ launch: 1, kill: [] });
  });

  it('makes room at the cost of a failing old one only when every new one serves', () => {
    const app = anApp(3, 1);
    const failing = ['i1', 'i2', 'i3'].map((id) => old(id, { health: 'unhealthy' }));
    const rest = failing.slice(0, 2);

    expect(restart(app, [...failing, old('i4', { health: 'unhealthy' })]).kill).toHaveLength(1);
    const starting = facts('i5', { condition: 'Staging', health: 'pending' });
    expect(restart(app, [...failing, starting]).kill).toEqual([]);
    expect(restart(app, [...rest, facts('i5'), starting]).kill).toEqual([]);
    expect(restart(app, [...failing, facts('i5')]).kill).toHaveLength(1);
  });

  it('takes no result yet for uncertain, not for failing', () => {
    const app = anApp(1, 1);
    const asked = facts('i2', { readiness: 'unknown' });

    expect(restart(app, [old('i1'), asked])).toMatchObject({ kill: [], finished: false });
    expect(restart(app, [asked, facts('i3', { readiness: 'unknown' })]).kill).toEqual([]);
    expect(restart(app, [asked, facts('i3', { readiness: 'not-ready' })]).kill).toEqual(['i3']);
    expect(restart(app, [asked, facts('i3')]).kill).toEqual(['i2']);
  });

  it('gives up no uncertain old one while too few serve for certain', () => {
    const app = anApp(2, 1);
    const [first, second] = [old('i1', { health: 'unknown' }), old('i2', { health: 'unknown' })];

    expect(restart(app, [first, second, facts('i3')]).kill).toEqual([]);
    const known = old('i1');
    expect(restart(app, [known, second, facts('i3')]).kill).toEqual(['i2']);
  });
});
