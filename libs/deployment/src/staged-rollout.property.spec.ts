import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type App, type Deployment, deploymentId } from '#core';
import { isOutdated } from './app-change.js';
import { restartCapacity } from './capacity.js';
import {
  appsAwaitingPromotion,
  awaitPromotion,
  countBatch,
  pauseDeployment,
  promoteCanaries,
  resumeDeployment,
} from './deployment-holds.js';
import { stageOf } from './find-stage.js';
import { countHeld } from './hold-rollout.js';
import { isAlive } from './instance-facts.js';
import { nextActions } from './rollout.js';
import type { RolloutActions } from './rollout-input.js';
import { anApp, carryOut, happen, Model, OLD } from './rollout-model.test-support.js';

const LEFT = '2030-01-15T00:00:00.000Z';
const MAX_STEPS = 1_500;

const aStagedRollout = fc.record({
  wanted: fc.integer({ min: 1, max: 8 }),
  old: fc.integer({ min: 0, max: 8 }),
  minimum: fc.constantFrom(0, 0.5, 0.75, 1),
  over: fc.constantFrom(0, 0.25, 1),
  /** Others beside the old ones, of a deployment that was stopped. */
  left: fc.integer({ min: 0, max: 3 }),
  canaries: fc.integer({ min: 0, max: 3 }),
  batches: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 }),
  pauseAfterBatch: fc.boolean(),
  /** Steps at which somebody pauses; it is resumed a while later. */
  pausesAt: fc.array(fc.nat(60), { maxLength: 3 }),
  /** Steps at which an instance dies, and which. */
  deaths: fc.array(fc.tuple(fc.nat(60), fc.nat(20)), { maxLength: 4 }),
  patience: fc.integer({ min: 0, max: 20 }),
  verdict: fc.constantFrom('promote', 'abort'),
  hasRouters: fc.boolean(),
  chance: fc.infiniteStream(fc.nat(1_000)),
});
type StartOf = typeof aStagedRollout extends fc.Arbitrary<infer Value> ? Value : never;

/** A deployment of one app as the engine keeps it, and somebody who pauses, resumes and decides. */
class Rollout {
  deployment = { id: deploymentId('d'), state: 'Running' } as Deployment;
  readonly model = new Model();
  private heldFor = 0;

  constructor(
    private readonly start: StartOf,
    readonly app: App,
    readonly original: App,
  ) {
    for (let made = 0; made < start.old + start.left; made += 1) {
      this.model.add({
        configVersion: made < start.old ? OLD : LEFT,
        condition: 'Running',
        health: 'healthy',
        readiness: 'ready',
      });
    }
  }

  get stage() {
    const { deployment, app, original } = this;
    return stageOf({ deployment, app, mode: 'restart', original });
  }

  look(step: number): RolloutActions {
    const stage = this.stage;
    return nextActions({
      app: this.app,
      mode: 'restart',
      instances: this.model.instances,
      hasRouters: this.start.hasRouters,
      ...(stage === undefined ? {} : { stage }),
      now: { epochMs: step, monoMs: step },
    });
  }

  /** As the engine does after a look. */
  follow(actions: RolloutActions, step: number): void {
    const stage = this.stage;
    if (stage === undefined || !actions.isStageDone || this.deployment.pause !== undefined) return;
    if (stage.kind === 'hold') {
      this.deployment = awaitPromotion(this.deployment, this.app.id, at(step));
      return;
    }
    this.deployment = countBatch(this.deployment, this.app.id);
    if (this.start.pauseAfterBatch) this.pause(step);
  }

  pause(step: number): void {
    const { app, model } = this;
    const held = { [app.id]: countHeld({ app, instances: model.instances }) };
    this.deployment = pauseDeployment(this.deployment, { held }, at(step));
  }

  /** Whoever is asked answers after a while. True: it is given up. */
  decide(step: number): boolean {
    const waits = appsAwaitingPromotion(this.deployment).length > 0;
    if (this.deployment.pause === undefined && !waits) return false;
    this.heldFor += 1;
    if (this.heldFor <= this.start.patience) return false;
    this.heldFor = 0;
    if (waits && this.start.verdict === 'abort') return true;
    this.deployment = resumeDeployment(this.deployment, at(step));
    this.deployment = promoteCanaries(
      this.deployment,
      appsAwaitingPromotion(this.deployment),
      at(step),
    );
    return false;
  }
}

const at = (step: number) => ({ now: { epochMs: step, monoMs: step }, leftMs: undefined });

function begin(start: StartOf): Rollout {
  const app: App = {
    ...anApp(start.wanted, start.minimum, start.over),
    rollout: {
      ...(start.canaries > 0 ? { canary: { instances: start.canaries } } : {}),
      ...(start.batches.length > 0 ? { batches: start.batches } : {}),
    },
  };
  const versionInfo = { lastScalingAt: OLD, lastConfigChangeAt: OLD };
  const original = { ...anApp(start.old, start.minimum, start.over), version: OLD, versionInfo };
  return new Rollout(start, app, original);
}

/** One look and what came of it, with what may never happen. */
function lookOnce(rollout: Rollout, step: number, ceiling: number): RolloutActions {
  const { model, app } = rollout;
  const { minHealthy } = restartCapacity(app);
  const actions = rollout.look(step);
  const before = model.serving();
  const aliveBefore = model.instances.filter(isAlive).length;
  const heldBefore = countHeld({ app, instances: model.instances });
  carryOut(model, actions);

  expect(model.serving()).toBeGreaterThanOrEqual(Math.min(before, minHealthy));
  const alive = model.instances.filter(isAlive).length;
  const { stage } = rollout;
  const stopped = stage?.kind === 'hold' && stage.why === 'paused' ? stage.old + stage.fresh : 0;
  expect(alive).toBeLessThanOrEqual(Math.max(ceiling, aliveBefore, stopped));
  const held = countHeld({ app, instances: model.instances });
  if (stage?.kind === 'batch') {
    const kept = app.instances - stage.released;
    expect(held.old).toBeGreaterThanOrEqual(Math.min(heldBefore.old, kept));
    expect(held.fresh).toBeLessThanOrEqual(Math.max(heldBefore.fresh, stage.released));
  }
  if (stage?.kind === 'hold') {
    const kept = stage.why === 'paused' ? heldBefore.old : stage.old;
    expect(held.old).toBeGreaterThanOrEqual(Math.min(heldBefore.old, kept));
    expect(held.fresh).toBeGreaterThanOrEqual(heldBefore.fresh);
    expect(held.old).toBeLessThanOrEqual(Math.max(heldBefore.old, stage.old));
    expect(held.fresh).toBeLessThanOrEqual(Math.max(heldBefore.fresh, stage.fresh));
  }
  return actions;
}

describe('a rollout in stages', () => {
  it('keeps its bounds through pauses, deaths and verdicts, and ends as it was decided', () => {
    fc.assert(
      fc.property(aStagedRollout, (start) => {
        const rollout = begin(start);
        const { model, app } = rollout;
        const canaries = Math.min(start.canaries, start.wanted);
        const ceiling = Math.max(restartCapacity(app).maxCapacity, start.old + canaries);
        for (let step = 0; step < MAX_STEPS; step += 1) {
          for (const [when, which] of start.deaths) {
            if (when === step && model.instances.length > 0) {
              model.die(which % model.instances.length);
            }
          }
          if (start.pausesAt.includes(step)) rollout.pause(step);
          const actions = lookOnce(rollout, step, ceiling);
          if (actions.finished) {
            expect(model.instances.filter(isAlive)).toHaveLength(start.wanted);
            expect(model.instances.some((facts) => isOutdated(facts.configVersion, app))).toBe(
              false,
            );
            return;
          }
          rollout.follow(actions, step);
          if (rollout.decide(step)) {
            undo(rollout, step, start);
            return;
          }
          happen(model, start.chance);
        }
        throw new Error(`not finished: ${JSON.stringify([rollout.stage, model.instances])}`);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('stands still for ever while nobody resumes it', () => {
    const rollout = begin({ ...QUIET, wanted: 4, old: 4, batches: [1] });
    for (let step = 0; step < 100; step += 1) {
      const actions = lookOnce(rollout, step, 8);
      rollout.follow(actions, step);
      happen(rollout.model, [][Symbol.iterator]());
    }

    expect(countHeld({ app: rollout.app, instances: rollout.model.instances })).toEqual({
      old: 3,
      fresh: 1,
    });
    expect(rollout.deployment.progress?.[rollout.app.id]).toEqual({ batches: 1 });
  });
});

const QUIET: StartOf = {
  wanted: 1,
  old: 1,
  minimum: 1,
  over: 1,
  left: 0,
  canaries: 0,
  batches: [],
  pauseAfterBatch: true,
  pausesAt: [],
  deaths: [],
  patience: 0,
  verdict: 'promote',
  hasRouters: false,
  chance: fc.sample(fc.infiniteStream(fc.constant(0)), 1)[0] as StartOf['chance'],
};

/** The rollback: the original comes back, whatever ran it stays. */
function undo(rollout: Rollout, from: number, start: StartOf): void {
  const { model, original } = rollout;
  const stayed = model.instances.filter((facts) => facts.configVersion === OLD).length;
  // While it was held, old ones took the place of others that died.
  let surplus = Math.max(0, stayed - start.old);
  for (let step = from; step < from + MAX_STEPS; step += 1) {
    const now = { epochMs: step, monoMs: step };
    const { hasRouters } = start;
    const instances = model.instances;
    const actions = nextActions({ app: original, mode: 'restart', instances, hasRouters, now });
    if (actions.finished) {
      expect(model.instances.filter(isAlive)).toHaveLength(start.old);
      expect(model.instances.every(({ configVersion }) => configVersion === OLD)).toBe(true);
      expect(stayed).toBeLessThanOrEqual(start.old + start.left);
      return;
    }
    for (const id of [...actions.drain, ...actions.kill]) {
      const isOld = model.find(id)?.configVersion === OLD;
      if (isOld && model.find(id)?.draining === undefined) surplus -= 1;
    }
    expect(surplus).toBeGreaterThanOrEqual(0);
    carryOut(model, { ...actions, launchesOld: true });
    happen(model, start.chance);
  }
  throw new Error(`not undone: ${JSON.stringify(model.instances)}`);
}
