import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type App, appId, type InstanceCondition, instanceId } from '#core';
import { restartCapacity } from './capacity.js';
import { type InstanceFacts, isAlive, isStaying } from './instance-facts.js';
import { nextActions } from './rollout.js';
import type { RolloutMode } from './rollout-input.js';

const OLD = '2030-01-01T00:00:00.000Z';
const NEW = '2030-02-01T00:00:00.000Z';

const anApp = (instances: number, minimumHealthCapacity: number, maximumOverCapacity: number) =>
  ({
    id: appId('/web'),
    instances,
    killSelection: 'YOUNGEST_FIRST',
    upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity },
    version: NEW,
    versionInfo: { lastScalingAt: NEW, lastConfigChangeAt: NEW },
  }) as App;

const STAGES: readonly InstanceCondition[] = ['Provisioned', 'Staging', 'Starting', 'Running'];

type Truth = Pick<InstanceFacts, 'health' | 'readiness'>;

/**
 * A cluster of one app: what is asked of it happens, one thing at a time, in an order chosen by chance. `instances` is
 * what the controller knows; after its restart that is less than the truth.
 */
class Model {
  instances: InstanceFacts[] = [];
  private readonly truths = new Map<string, Truth>();
  private made = 0;

  add(fields: Partial<InstanceFacts>): void {
    this.made += 1;
    const id = instanceId(`i${this.made}`);
    const facts: InstanceFacts = {
      id,
      configVersion: NEW,
      condition: 'Provisioned',
      isKilling: false,
      health: 'pending',
      readiness: 'not-ready',
      isRouted: true,
      stagedAtEpochMs: this.made,
      ...fields,
    };
    this.instances.push(facts);
    this.truths.set(id, facts);
  }

  /** The controller restarts and knows no result of a check any more. */
  forget(): void {
    for (const facts of this.instances) {
      if (facts.condition !== 'Running') continue;
      this.replace({ ...facts, health: 'unknown', readiness: 'unknown' });
    }
  }

  /** How many do their work, whatever the controller knows: an old one does without being ready for the new check. */
  serving(): number {
    return this.instances.filter((facts) => {
      const truth = this.truthOf(facts);
      const isPassed = facts.configVersion === OLD || truth.readiness === 'ready';
      const isUp = isStaying(facts) && facts.condition === 'Running';
      return isUp && truth.health === 'healthy' && isPassed;
    }).length;
  }

  /** The controller learns one result. False: there is none to learn. */
  learn(facts: InstanceFacts): boolean {
    const { health, readiness } = this.truthOf(facts);
    if (facts.health === 'unknown') this.replace({ ...facts, health });
    else if (facts.readiness === 'unknown') this.replace({ ...facts, readiness });
    else return false;
    return true;
  }

  private truthOf = ({ id }: InstanceFacts): Truth =>
    this.truths.get(id) ?? { health: 'unknown', readiness: 'unknown' };

  /** One event of the cluster on the chosen instance. False: nothing can happen to it. */
  step(index: number): boolean {
    const facts = this.instances[index];
    if (facts === undefined) return false;
    if (facts.isKilling) {
      this.instances.splice(index, 1);
      return true;
    }
    if (facts.draining !== undefined) {
      if (facts.draining.isDone) return false;
      this.replace({ ...facts, draining: { ...facts.draining, isDone: true } });
      return true;
    }
    const stage = STAGES.indexOf(facts.condition);
    const next = STAGES[stage + 1];
    if (next !== undefined) {
      this.replace({ ...facts, condition: next });
      return true;
    }
    if (this.learn(facts)) return true;
    if (facts.configVersion === OLD) return false;
    if (facts.health !== 'healthy') this.improve(facts, { health: 'healthy' });
    else if (facts.readiness !== 'ready') this.improve(facts, { readiness: 'ready' });
    else return false;
    return true;
  }

  private improve(facts: InstanceFacts, truth: Partial<Truth>): void {
    this.truths.set(facts.id, { ...this.truthOf(facts), ...truth });
    this.replace({ ...facts, ...truth });
  }

  replace(facts: InstanceFacts): void {
    this.instances = this.instances.map((other) => (other.id === facts.id ? facts : other));
  }

  find = (id: string): InstanceFacts | undefined => this.instances.find((facts) => facts.id === id);
}

const aStart = fc.record({
  wanted: fc.integer({ min: 0, max: 8 }),
  old: fc.integer({ min: 0, max: 8 }),
  minimum: fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
  over: fc.constantFrom(0, 0.1, 0.25, 0.5, 1),
  oldHealth: fc.array(
    fc.constantFrom('healthy' as const, 'unhealthy' as const, 'pending' as const),
    {
      minLength: 8,
      maxLength: 8,
    },
  ),
  /** The check is new with this version: what old instances answer to it says nothing. */
  oldReadiness: fc.constantFrom('ready' as const, 'not-ready' as const),
  restartsAt: fc.array(fc.nat(40), { maxLength: 3 }),
  hasRouters: fc.boolean(),
  mode: fc.constantFrom<RolloutMode>('restart', 'scale'),
  chance: fc.infiniteStream(fc.nat(1_000)),
});

describe('a rollout', () => {
  it('never exceeds the maximum, never gives up serving instances below the minimum, and finishes', () => {
    fc.assert(
      fc.property(aStart, (start) => {
        const app = anApp(start.wanted, start.minimum, start.over);
        const model = new Model();
        for (let index = 0; index < start.old; index += 1) {
          const health = start.oldHealth[index] ?? 'healthy';
          const readiness = start.oldReadiness;
          model.add({ configVersion: OLD, condition: 'Running', health, readiness });
        }
        const { maxCapacity, minHealthy } = restartCapacity(app);
        const ceiling = Math.max(maxCapacity, start.old);
        for (let step = 0; step < 400; step += 1) {
          if (start.restartsAt.includes(step)) model.forget();
          const now = { epochMs: step, monoMs: step };
          const { mode, hasRouters } = start;
          const actions = nextActions({ app, mode, instances: model.instances, hasRouters, now });
          if (actions.finished) {
            expect(model.instances.filter(isAlive)).toHaveLength(start.wanted);
            expect(model.instances.every((facts) => facts.configVersion === NEW)).toBe(true);
            return;
          }
          const before = model.serving();
          carryOut(model, actions);
          const after = model.serving();
          expect(after).toBeGreaterThanOrEqual(Math.min(before, minHealthy));
          expect(model.instances.filter(isAlive).length).toBeLessThanOrEqual(ceiling);
          happen(model, start.chance);
        }
        throw new Error(`not finished: ${JSON.stringify(model.instances)}`);
      }),
      { numRuns: 400 },
    );
  }, 60_000);

  it('gives the same answer when it is asked again before anything happened', () => {
    fc.assert(
      fc.property(aStart, (start) => {
        const app = anApp(start.wanted, start.minimum, start.over);
        const model = new Model();
        for (let index = 0; index < start.old; index += 1) {
          model.add({ configVersion: OLD, condition: 'Running', health: 'healthy' });
        }
        const { mode, hasRouters } = start;
        const ask = () =>
          nextActions({
            app,
            mode,
            instances: model.instances,
            hasRouters,
            now: { epochMs: 0, monoMs: 0 },
          });

        const first = ask();

        expect(ask()).toEqual(first);
        for (const id of [...first.drain, ...first.kill])
          retire(model, id, first.kill.includes(id));
        const second = ask();
        expect([...second.drain, ...second.kill]).toEqual([]);
      }),
    );
  });
});

function carryOut(model: Model, actions: ReturnType<typeof nextActions>): void {
  for (const id of actions.drain) retire(model, id, false);
  for (const id of actions.kill) retire(model, id, true);
  if (actions.launch > 0) for (let made = 0; made < actions.launch; made += 1) model.add({});
}

function retire(model: Model, id: string, isKilled: boolean): void {
  const facts = model.find(id);
  if (facts === undefined) throw new Error(`${id} does not exist`);
  model.replace(
    isKilled
      ? { ...facts, isKilling: true, condition: 'Killing' }
      : { ...facts, draining: { isDone: false, deadlineEpochMs: 0 } },
  );
}

/** Something happens somewhere, if anything can. */
function happen(model: Model, chance: Iterator<number>): void {
  const start = (chance.next().value ?? 0) % Math.max(1, model.instances.length);
  for (let offset = 0; offset < model.instances.length; offset += 1) {
    const index = (start + offset) % model.instances.length;
    if (model.step(index)) return;
  }
}
