import { describe, expect, it } from 'vitest';
import type { App, Deployment, Rollout } from '#core';
import { appId, deploymentId } from '#core';
import {
  awaitPromotion,
  isOnTheClock,
  pauseDeployment,
  promoteCanaries,
  resumeDeployment,
} from './deployment-holds.js';
import { findBreach, settleLimits } from './deployment-limits.js';

const anApp = (rollout?: Rollout): App => (rollout === undefined ? {} : { rollout }) as App;

describe('the limits of a deployment', () => {
  it('are the strictest of its apps, unless the change says otherwise', () => {
    const apps = [
      anApp({ deadlineSeconds: 60, maxFailures: 3 }),
      anApp(),
      anApp({ deadlineSeconds: 600, maxFailures: 0 }),
    ];

    expect(settleLimits(apps, { createsApp: false })).toEqual({
      deadlineSeconds: 60,
      maxFailures: 0,
      autoRollback: true,
    });
    const override = { deadlineSeconds: 900, autoRollback: false };
    expect(settleLimits(apps, { createsApp: false, override })).toEqual({
      deadlineSeconds: 900,
      maxFailures: 0,
      autoRollback: false,
    });
    expect(settleLimits([anApp(), anApp({ batches: [1] })], { createsApp: false })).toBeUndefined();
  });

  it('roll back a deployment that creates an app only when that is asked for', () => {
    const options = { createsApp: true };

    expect(settleLimits([anApp({ maxFailures: 1 })], options)?.autoRollback).toBe(false);
    const asked = anApp({ maxFailures: 1, autoRollback: true });
    expect(settleLimits([asked], options)?.autoRollback).toBe(true);
    const refused = anApp({ maxFailures: 1, autoRollback: false });
    expect(settleLimits([asked, refused], { createsApp: false })?.autoRollback).toBe(false);
  });

  it('are broken by one failure more than allowed, and by the deadline', () => {
    const limits = { maxFailures: 2, deadlineSeconds: 30, autoRollback: true };
    const running = { limits, state: 'Running' } as const;

    expect(findBreach({ ...running, failures: 2 }, 1)).toBeUndefined();
    expect(findBreach({ ...running, failures: 3 }, 1)).toBe(
      '3 new instances failed and at most 2 may',
    );
    expect(findBreach(running, 0)).toBe('it has not ended within its deadline of 30 s');
    expect(findBreach(running, undefined)).toBeUndefined();
    const pause = { sinceEpochMs: 1, held: {} };
    expect(findBreach({ ...running, failures: 3, pause }, undefined)).toBeUndefined();
    expect(findBreach({ ...running, state: 'Failed', failures: 3 }, 0)).toBeUndefined();
  });
});

describe('the time of a deployment', () => {
  const app = appId('/web');
  const running = {
    id: deploymentId('d'),
    state: 'Running',
    deadlineEpochMs: 100_000,
  } as Deployment;
  const at = (epochMs: number, leftMs?: number) => ({ now: { epochMs, monoMs: 0 }, leftMs });

  it('stands still while it is paused or canaries wait', () => {
    const paused = pauseDeployment(running, { held: {}, by: 'ann' }, at(70_000, 30_000));
    const waiting = awaitPromotion(paused, app, at(71_000));
    const resumed = resumeDeployment(waiting, at(500_000));
    const promoted = promoteCanaries(resumed, [app], at(900_000));

    expect(paused).toMatchObject({
      deadlineLeftMs: 30_000,
      pause: { by: 'ann', sinceEpochMs: 70_000 },
    });
    expect([paused, resumed].map((one) => one.deadlineEpochMs)).toEqual([undefined, undefined]);
    expect([running, paused, waiting, resumed, promoted].map(isOnTheClock)).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
    expect(promoted).toMatchObject({ deadlineEpochMs: 930_000 });
    expect(promoted.deadlineLeftMs).toBeUndefined();
  });

  it('is not touched by what is said twice', () => {
    const paused = pauseDeployment(running, { held: {} }, at(70_000, 30_000));

    expect(pauseDeployment(paused, { held: {} }, at(80_000))).toBe(paused);
    expect(resumeDeployment(running, at(80_000))).toBe(running);
    const waiting = awaitPromotion(running, app, at(1));
    expect(awaitPromotion(waiting, app, at(2))).toBe(waiting);
    const promoted = promoteCanaries(waiting, [app], at(3));
    expect(promoteCanaries(promoted, [app], at(4))).toBe(promoted);
  });
});
