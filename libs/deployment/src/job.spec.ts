import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type App, appId, type JobProgress } from '#core';
import type { InstanceFacts } from './instance-facts.js';
import { beginRun, type JobEnd, jobEndOf, jobFailure, noteJobEnd, takeForLaunch } from './job.js';
import { nextActions } from './rollout.js';
import type { RolloutMode } from './rollout-input.js';

const OLD = '2030-01-01T00:00:00.000Z';
const NEW = '2030-02-01T00:00:00.000Z';

const aJob = (instances: number, maxRetries: number): App =>
  ({
    id: appId('/job'),
    workload: 'job',
    instances,
    maxRetries,
    killSelection: 'YOUNGEST_FIRST',
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
    version: NEW,
    versionInfo: { lastScalingAt: NEW, lastConfigChangeAt: NEW },
  }) as App;

interface Running {
  readonly facts: InstanceFacts;
  readonly failedBefore: number;
}

const running = (id: number, failedBefore = 0, configVersion = NEW): Running => ({
  failedBefore,
  facts: {
    id: `i${id}` as InstanceFacts['id'],
    configVersion,
    condition: 'Running',
    isKilling: false,
    health: 'healthy',
    readiness: 'ready',
    isRouted: false,
    stagedAtEpochMs: id,
  },
});

const look = (app: App, job: JobProgress, list: readonly Running[], mode: RolloutMode = 'scale') =>
  nextActions({
    app,
    mode,
    instances: list.map(({ facts }) => facts),
    hasRouters: false,
    job,
    now: { epochMs: 0, monoMs: 0 },
  });

/** What is stored together: a crash loses what was decided and not stored, never a part of it. */
interface Stored {
  readonly job: JobProgress;
  readonly list: readonly Running[];
}

describe('a job', () => {
  it('completes every instance once, however often it is asked, interrupted, lost or failed within its retries', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 0, max: 3 }),
        fc.infiniteStream(fc.record({ at: fc.nat(100), end: fc.nat(9), isStored: fc.boolean() })),
        (count, maxRetries, chance) => {
          const app = aJob(count, maxRetries);
          let stored: Stored = { job: beginRun(app), list: [] };
          const failures: number[] = [];
          let finished = 0;
          let made = 0;
          for (let step = 0; step < 2_000; step += 1) {
            const { at, end, isStored } = chance.next().value ?? { at: 0, end: 0, isStored: true };
            const actions = look(app, stored.job, stored.list);
            expect(stored.list.length + stored.job.completed).toBeLessThanOrEqual(count);
            if (actions.finished) {
              expect(finished).toBe(count);
              return;
            }
            if (jobFailure(app, stored.job) !== undefined && stored.list.length === 0) {
              expect(actions.launch).toBe(0);
              expect(Math.max(...failures)).toBe(maxRetries);
              return;
            }
            const isLaunch = actions.launch > 0 && (at % 2 === 0 || stored.list.length === 0);
            made += 1;
            const next = isLaunch ? launch(stored, made) : endOne(stored, at, end, maxRetries);
            // The controller dies before the transaction: the master tells the end again, the launch never was.
            if (!isStored) continue;
            if (next.end === 'completed') finished += 1;
            if (next.end === 'failed') failures.push(next.failedBefore);
            stored = next.stored;
          }
          throw new Error('not finished');
        },
      ),
      { numRuns: 200 },
    );
  }, 60_000);

  it('retries an instance as often as it may, then fails and launches nothing more', () => {
    const app = aJob(2, 1);
    const fail = (job: JobProgress, failedBefore: number) =>
      noteJobEnd(job, { end: 'failed', failedBefore, maxRetries: 1 });

    const once = fail(beginRun(app), 0);
    expect(takeForLaunch(once)).toMatchObject({ failedBefore: 1, progress: { retries: [0] } });
    expect(look(app, once, []).launch).toBe(2);
    const twice = fail(takeForLaunch(once).progress, 1);

    expect(twice).toMatchObject({ completed: 0, failed: 1 });
    const actions = look(app, twice, [running(2)]);
    expect(actions).toMatchObject({ launch: 0, kill: [], finished: false });
    expect(actions.waiting[0]).toMatch(/the job has failed: 1 instance .* maxRetries/);
  });

  it('ends what an earlier run left before it runs again, and leaves it alone between deployments', () => {
    const app = aJob(1, 0);
    const old = running(1, 0, OLD);

    expect(look(app, beginRun(app), [old], 'restart')).toMatchObject({ launch: 0, kill: ['i1'] });
    expect(look(app, beginRun(app), [old], 'steady')).toMatchObject({ launch: 0, kill: [] });
    expect(look(app, beginRun(app), [], 'restart')).toMatchObject({ launch: 1 });
  });

  it('ends what is too many when fewer are wanted', () => {
    const job = { ...beginRun(aJob(2, 0)), completed: 1 };

    const actions = look(aJob(2, 0), job, [running(1), running(2)]);

    expect(actions.kill).toEqual(['i2']);
  });

  it('takes what was killed or never seen to end for lost, not for failed', () => {
    expect(jobEndOf({ condition: 'Failed', goal: 'Running' })).toBe('failed');
    expect(jobEndOf({ condition: 'Failed', goal: 'Decommissioned' })).toBe('lost');
    expect(jobEndOf({ condition: 'Killed', goal: 'Running' })).toBe('lost');
    expect(jobEndOf({ condition: 'Finished', goal: 'Decommissioned' })).toBe('completed');
  });
});

function launch({ job, list }: Stored, made: number) {
  const { failedBefore, progress } = takeForLaunch(job);
  return {
    stored: { job: progress, list: [...list, running(made, failedBefore)] },
    end: undefined,
    failedBefore,
  };
}

function endOne({ job, list }: Stored, at: number, chance: number, maxRetries: number) {
  const chosen = list[at % Math.max(1, list.length)];
  const end: JobEnd = chance < 5 ? 'completed' : chance < 7 ? 'failed' : 'lost';
  if (chosen === undefined) return { stored: { job, list }, end: undefined, failedBefore: 0 };
  const { failedBefore } = chosen;
  return {
    stored: {
      job: noteJobEnd(job, { end, failedBefore, maxRetries }),
      list: list.filter((one) => one !== chosen),
    },
    end,
    failedBefore,
  };
}
