import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type App, agentId, appId, type InstanceCondition, instanceId } from '#core';
import { type InstanceFacts, isServing } from './instance-facts.js';
import { nextActions } from './rollout.js';
import type { DaemonFacts, RolloutMode } from './rollout-input.js';

const OLD = '2030-01-01T00:00:00.000Z';
const NEW = '2030-02-01T00:00:00.000Z';

const aDaemon = (minimumHealthCapacity: number, maximumOverCapacity = 0): App =>
  ({
    id: appId('/agent'),
    workload: 'daemon',
    instances: 1,
    killSelection: 'YOUNGEST_FIRST',
    upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity },
    version: NEW,
    versionInfo: { lastScalingAt: NEW, lastConfigChangeAt: NEW },
  }) as App;

const facts = (fields: Partial<DaemonFacts> = {}): DaemonFacts => ({
  owed: 0,
  isDiscovering: false,
  hasLooked: true,
  elsewhere: [],
  ...fields,
});

const onAgent = (index: number, fields: Partial<InstanceFacts> = {}): InstanceFacts => ({
  id: instanceId(`i${index}`),
  agentId: agentId(`a${index}`),
  configVersion: NEW,
  condition: 'Running',
  isKilling: false,
  health: 'healthy',
  readiness: 'ready',
  isRouted: false,
  stagedAtEpochMs: index,
  ...fields,
});

const look = (
  app: App,
  instances: readonly InstanceFacts[],
  daemon: DaemonFacts,
  mode: RolloutMode = 'scale',
) =>
  nextActions({
    app,
    mode,
    instances,
    hasRouters: false,
    daemon,
    now: { epochMs: 0, monoMs: 1_000_000 },
  });

const STAGES: readonly InstanceCondition[] = ['Provisioned', 'Staging', 'Starting', 'Running'];

/** Agents, each with room for one; what is asked happens one thing at a time, in an order chosen by chance. */
class Model {
  private readonly agents: (InstanceFacts | undefined)[];
  private owed = new Set<number>();
  private isNewLeader = false;
  private made: number;

  constructor(count: number) {
    this.agents = Array.from({ length: count }, (_, at) => onAgent(at, { configVersion: OLD }));
    this.made = count;
  }

  get instances(): readonly InstanceFacts[] {
    return this.agents.filter((one) => one !== undefined);
  }

  daemon(): DaemonFacts {
    return facts({ owed: this.owed.size, isDiscovering: this.isNewLeader });
  }

  serving = (): number => this.instances.filter(isServing).length;

  /** Another controller leads: it does not know which agents are to get an instance until offers have come. */
  failOver(): void {
    this.owed = new Set();
    this.isNewLeader = true;
  }

  kill(id: string): void {
    const at = this.agents.findIndex((one) => one?.id === id);
    const instance = this.agents[at];
    if (instance !== undefined) {
      this.agents[at] = { ...instance, isKilling: true, condition: 'Killing' };
    }
  }

  happen(chance: number): void {
    for (let offset = 0; offset < this.agents.length; offset += 1) {
      if (this.step((chance + offset) % this.agents.length)) return;
    }
    this.isNewLeader = false;
  }

  private step(at: number): boolean {
    const instance = this.agents[at];
    if (instance === undefined) {
      this.owed.delete(at);
      this.made += 1;
      const fresh = {
        condition: 'Provisioned',
        health: 'pending',
        readiness: 'not-ready',
      } as const;
      this.agents[at] = { ...onAgent(at, fresh), id: instanceId(`i${this.made}`) };
      return true;
    }
    if (instance.isKilling) {
      this.agents[at] = undefined;
      this.owed.add(at);
      return true;
    }
    const next = STAGES[STAGES.indexOf(instance.condition) + 1];
    if (next !== undefined) this.agents[at] = { ...instance, condition: next };
    else if (instance.health !== 'healthy') this.agents[at] = { ...instance, health: 'healthy' };
    else if (instance.readiness !== 'ready') this.agents[at] = { ...instance, readiness: 'ready' };
    else return false;
    return true;
  }
}

describe('a daemon', () => {
  it('is upgraded in place on every agent, never below the minimum of the agents, whoever leads', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 9 }),
        fc.constantFrom(0, 0.25, 0.5, 0.9, 1),
        fc.array(fc.nat(60), { maxLength: 3 }),
        fc.infiniteStream(fc.nat(1_000)),
        (count, minimum, failOvers, chance) => {
          const app = aDaemon(minimum, 1);
          const model = new Model(count);
          const least = Math.max(0, Math.min(Math.ceil(count * minimum - 1e-9), count - 1));
          for (let step = 0; step < 600; step += 1) {
            if (failOvers.includes(step)) model.failOver();
            const actions = look(app, model.instances, model.daemon(), 'restart');
            const before = model.serving();
            for (const id of actions.kill) model.kill(id);
            expect(model.serving()).toBeGreaterThanOrEqual(Math.min(before, least));
            if (actions.finished) {
              expect(model.serving()).toBe(count);
              expect(model.instances.every(({ configVersion }) => configVersion === NEW)).toBe(
                true,
              );
              return;
            }
            model.happen(chance.next().value ?? 0);
          }
          throw new Error('not finished');
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  it('waits until offers have shown the agents, then for none that cannot run it', () => {
    const app = aDaemon(1);

    expect(look(app, [], facts({ hasLooked: false })).finished).toBe(false);
    expect(look(app, [onAgent(1)], facts({ isDiscovering: true })).finished).toBe(false);
    expect(look(app, [onAgent(1)], facts({ owed: 1 })).finished).toBe(false);
    expect(look(app, [onAgent(1)], facts({ elsewhere: ['1 of 2 agents'] })).finished).toBe(true);
    expect(look(app, [], facts()).finished).toBe(true);
  });

  it('neither waits for an agent that is away nor touches it, but gives up what is outdated there', () => {
    const away = onAgent(1, { condition: 'UnreachableInactive' });
    const app = aDaemon(1);

    const steady = look(app, [away, onAgent(2)], facts(), 'steady');
    const upgrade = look(app, [{ ...away, configVersion: OLD }, onAgent(2)], facts());

    expect(steady).toMatchObject({ launch: 0, kill: [], drain: [], finished: true });
    expect(upgrade.kill).toEqual(['i1']);
  });

  it('kills an unhealthy instance at once, as there is no room for another on its agent', () => {
    const condemned = { sinceMonoMs: 1_000_000, cause: 'HTTP 500' };
    const ill = onAgent(1, { health: 'unhealthy', condemned });

    const { kill } = look(aDaemon(1, 1), [ill, onAgent(2), onAgent(3)], facts(), 'steady');

    expect(kill).toEqual(['i1']);
  });

  it('replaces old instances that fail one after another, even where all must serve', () => {
    const failing = [1, 2].map((at) => onAgent(at, { configVersion: OLD, health: 'unhealthy' }));

    expect(look(aDaemon(1), failing, facts()).kill).toHaveLength(1);
    expect(look(aDaemon(1), [...failing, onAgent(3)], facts({ owed: 1 })).kill).toEqual([]);
  });
});
