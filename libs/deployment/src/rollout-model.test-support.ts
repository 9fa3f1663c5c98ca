import { type App, appId, type InstanceCondition, instanceId } from '#core';
import { type InstanceFacts, isStaying } from './instance-facts.js';
import type { RolloutActions } from './rollout-input.js';

export const OLD = '2030-01-01T00:00:00.000Z';
export const NEW = '2030-02-01T00:00:00.000Z';

export const anApp = (
  instances: number,
  minimumHealthCapacity: number,
  maximumOverCapacity: number,
) =>
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
export class Model {
  instances: InstanceFacts[] = [];
  private readonly truths = new Map<string, Truth>();
  private readonly relaunched = new Set<string>();
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

  /** One with the old configuration is launched: it will serve. */
  addOld(): void {
    this.add({ configVersion: OLD });
    this.relaunched.add(`i${this.made}`);
  }

  /** It ends by itself. */
  die(index: number): void {
    this.instances.splice(index, 1);
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
    if (facts.configVersion === OLD && !this.relaunched.has(facts.id)) return false;
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

export function carryOut(model: Model, actions: RolloutActions): void {
  for (const id of actions.drain) retire(model, id, false);
  for (const id of actions.kill) retire(model, id, true);
  for (let made = 0; made < actions.launch; made += 1) {
    if (actions.launchesOld) model.addOld();
    else model.add({});
  }
}

export function retire(model: Model, id: string, isKilled: boolean): void {
  const facts = model.find(id);
  if (facts === undefined) throw new Error(`${id} does not exist`);
  model.replace(
    isKilled
      ? { ...facts, isKilling: true, condition: 'Killing' }
      : { ...facts, draining: { isDone: false, deadlineEpochMs: 0 } },
  );
}

/** Something happens somewhere, if anything can. */
export function happen(model: Model, chance: Iterator<number>): void {
  const start = (chance.next().value ?? 0) % Math.max(1, model.instances.length);
  for (let offset = 0; offset < model.instances.length; offset += 1) {
    const index = (start + offset) % model.instances.length;
    if (model.step(index)) return;
  }
}
