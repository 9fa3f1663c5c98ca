import { describe, expect, it } from 'vitest';
import { type App, agentId, appId, instanceId } from '#core';
import type { InstanceFacts } from './instance-facts.js';
import { selectToKill } from './kill-selection.js';
import { nextActions } from './rollout.js';

const VERSION = '2030-01-01T00:00:00.000Z';
const now = { epochMs: 100_000, monoMs: 100_000 };

const anApp = (instances: number, over = 1): App =>
  ({
    id: appId('/web'),
    instances,
    killSelection: 'YOUNGEST_FIRST',
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: over },
    version: VERSION,
    versionInfo: { lastScalingAt: VERSION, lastConfigChangeAt: VERSION },
  }) as App;

const facts = (id: string, fields: Partial<InstanceFacts> = {}): InstanceFacts => ({
  id: instanceId(id),
  configVersion: VERSION,
  condition: 'Running',
  isKilling: false,
  health: 'healthy',
  readiness: 'ready',
  isRouted: false,
  stagedAtEpochMs: Number(id.slice(1)),
  ...fields,
});

const condemned = (id: string, sinceMonoMs = 99_000): InstanceFacts =>
  facts(id, { health: 'unhealthy', condemned: { sinceMonoMs, cause: 'HTTP 500' } });

const steady = (app: App, instances: readonly InstanceFacts[]) =>
  nextActions({ app, mode: 'steady', instances, hasRouters: false, now });

describe('scaling', () => {
  it('launches what is missing', () => {
    expect(steady(anApp(3), [facts('i1')]).launch).toBe(2);
  });

  it('4797: gives up none of 30,000 on the way to 50,000', () => {
    const running = Array.from({ length: 30_000 }, (_, index) => facts(`i${index}`));

    const { launch, drain, kill } = steady(anApp(50_000), running);

    expect({ launch, drain, kill }).toEqual({ launch: 20_000, drain: [], kill: [] });
  });

  it('gives up the youngest first', () => {
    expect(steady(anApp(1), [facts('i1'), facts('i3'), facts('i2')]).kill).toEqual(['i3', 'i2']);
  });

  it('counts an unreachable instance until it is inactive', () => {
    const app = anApp(2);

    expect(steady(app, [facts('i1'), facts('i2', { condition: 'Unreachable' })]).launch).toBe(0);
    const inactive = facts('i2', { condition: 'UnreachableInactive' });
    expect(steady(app, [facts('i1'), inactive]).launch).toBe(1);
  });

  it('never runs a single instance twice when there is no over capacity', () => {
    const killing = facts('i1', { isKilling: true, condition: 'Killing' });

    expect(steady(anApp(1, 0), [killing]).launch).toBe(0);
    expect(steady(anApp(1, 0), []).launch).toBe(1);
  });

  it('leaves a mixture of versions alone between deployments, and replaces it in one', () => {
    const app = anApp(1);
    const old = facts('i1', { configVersion: '2029-01-01T00:00:00.000Z' });
    const base = { app, instances: [old], hasRouters: false, now };

    expect(nextActions({ ...base, mode: 'steady' })).toMatchObject({ launch: 0, kill: [] });
    expect(nextActions({ ...base, mode: 'scale' })).toMatchObject({ launch: 1, finished: false });
  });
});

describe('replacing unhealthy instances', () => {
  it('starts the replacement first and kills when it serves', () => {
    const app = anApp(3);
    const three = [facts('i1'), facts('i2'), condemned('i3')];

    expect(steady(app, three)).toMatchObject({ launch: 1, kill: [] });
    const starting = facts('i4', { condition: 'Staging', health: 'pending' });
    expect(steady(app, [...three, starting])).toMatchObject({ launch: 0, kill: [] });
    expect(steady(app, [...three, facts('i4')])).toMatchObject({ launch: 0, kill: ['i3'] });
  });

  it('does not wait for the replacement for ever', () => {
    const actions = steady(anApp(3), [facts('i1'), facts('i2'), condemned('i3', 60_000)]);

    expect(actions.kill).toEqual(['i3']);
  });

  it('kills first where nothing may run beside it', () => {
    expect(steady(anApp(1, 0), [condemned('i1')]).kill).toEqual(['i1']);
  });

  it('kills none for a while when most are unhealthy at once, and says so', () => {
    const actions = steady(
      anApp(4),
      ['i1', 'i2', 'i3', 'i4'].map((id) => condemned(id)),
    );

    expect(actions).toMatchObject({ launch: 0, kill: [] });
    expect(actions.waiting[0]).toContain('4 of 4 instances are unhealthy at once');
    expect(actions.waiting[0]).toContain('none is killed for 59 s');
  });

  it('goes on one at a time afterwards', () => {
    const all = ['i1', 'i2', 'i3', 'i4'].map((id) => condemned(id, 1_000));

    const first = steady(anApp(4), all);
    expect(first.launch).toBe(1);
    const starting = facts('i5', { condition: 'Staging', health: 'pending' });
    expect(steady(anApp(4), [...all.slice(1), starting])).toMatchObject({ launch: 0, kill: [] });
  });
});

describe('kill selection', () => {
  const options = { killSelection: 'OLDEST_FIRST' } as const;

  it('prefers the sentenced, then what is not running, then age', () => {
    const all = [
      facts('i1'),
      facts('i2', { condition: 'Staging' }),
      facts('i3', { condition: 'Unreachable' }),
      facts('i4'),
    ];

    const chosen = selectToKill(all, 4, { ...options, sentenced: new Set([instanceId('i4')]) });

    expect(chosen.map(({ id }) => id)).toEqual(['i4', 'i3', 'i2', 'i1']);
  });

  it('takes from the agent that has most, after what does not run, before age decides', () => {
    const on = (id: string, agent: string, fields: Partial<InstanceFacts> = {}) =>
      facts(id, { agentId: agentId(agent), ...fields });
    const all = [
      on('i1', 'a'),
      on('i2', 'a'),
      on('i3', 'a'),
      on('i4', 'b'),
      on('i5', 'b'),
      on('i6', 'c', { condition: 'Staging' }),
      on('i9', 'd'),
    ];

    const chosen = selectToKill(all, 5, { killSelection: 'YOUNGEST_FIRST' });

    expect(chosen.map(({ id }) => id)).toEqual(['i6', 'i3', 'i5', 'i2', 'i9']);
  });

  it('keeps GROUP_BY groups even', () => {
    const all = [
      facts('i1', { groups: ['a'] }),
      facts('i2', { groups: ['a'] }),
      facts('i3', { groups: ['a'] }),
      facts('i4', { groups: ['b'] }),
    ];

    const chosen = selectToKill(all, 2, { killSelection: 'YOUNGEST_FIRST' });

    expect(chosen.map(({ groups }) => groups?.[0])).toEqual(['a', 'a']);
  });
});

describe('on agents that are about to go', () => {
  const leaving = (id: string, evicted: InstanceFacts['evicted'] = 'when-replaced') =>
    facts(id, evicted === undefined ? {} : { evicted });
  const launching = (id: string) => facts(id, { condition: 'Staging', health: 'unknown' });

  it('an instance goes when its replacement serves', () => {
    const first = steady(anApp(2), [facts('i1'), leaving('i2')]);
    const starting = steady(anApp(2), [facts('i1'), leaving('i2'), launching('i3')]);
    const proven = steady(anApp(2), [facts('i1'), leaving('i2'), facts('i3')]);

    expect([first.launch, first.kill]).toEqual([1, []]);
    expect([starting.launch, starting.kill]).toEqual([0, []]);
    expect([proven.launch, proven.kill]).toEqual([0, ['i2']]);
    expect([first.finished, starting.finished, proven.finished]).toEqual([true, true, false]);
    expect(first.waiting[0]).toBe(
      '1 instance leaves an agent that is about to be taken out of service',
    );
  });

  it('100 % and no over capacity have one more for it; else as many go as may', () => {
    const half = { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 };
    const app = { ...anApp(2), upgradeStrategy: half };

    expect(steady(anApp(2, 0), [facts('i1'), leaving('i2')]).launch).toBe(1);
    expect(steady(app, [leaving('i1'), leaving('i2')]).kill).toHaveLength(1);
  });

  it('keep no scale waiting that has what it wants, but for what is on its way out', () => {
    const scale = (count: number, instances: readonly InstanceFacts[]) =>
      nextActions({ app: anApp(count), mode: 'scale', instances, hasRouters: false, now }).finished;
    const draining = facts('i3', { draining: { isDone: false, deadlineEpochMs: 1 } });

    expect(scale(3, [facts('i1'), leaving('i2')])).toBe(false);
    expect(scale(3, [facts('i1'), leaving('i2'), facts('i3')])).toBe(true);
    expect(scale(3, [facts('i1'), leaving('i2'), launching('i3')])).toBe(false);
    expect(scale(2, [facts('i1'), leaving('i2'), draining])).toBe(false);
    expect(scale(1, [facts('i1'), leaving('i2'), launching('i3')])).toBe(false);
  });

  it('exactly the sentenced go when some are killed with scale', () => {
    const kill = (sentenced: readonly string[], instances: readonly InstanceFacts[], count = 2) =>
      nextActions({
        ...{ app: anApp(count), mode: 'scale', instances, hasRouters: false, now },
        sentenced: new Set(sentenced.map(instanceId)),
      }).kill;
    const grouped = [facts('i1'), leaving('i2'), facts('i3')].map((one) => ({
      ...one,
      groups: [one.id === 'i3' ? 'a' : 'b'],
    }));

    expect(kill(['i1'], [facts('i1'), leaving('i2'), facts('i3')])).toEqual(['i1']);
    expect(kill(['i3'], grouped)).toEqual(['i3']);
    expect(kill(['i1'], [facts('i1'), leaving('i2'), condemned('i3')], 1)).toEqual(['i1', 'i2']);
  });

  it('what has no time left goes in any case, and first when there are too many', () => {
    expect(steady(anApp(1), [leaving('i1', 'now')]).kill).toEqual(['i1']);
    expect(steady(anApp(1), [facts('i1'), facts('i2'), leaving('i3')]).kill).toContain('i3');
  });
});
