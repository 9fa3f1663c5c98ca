import { describe, expect, it } from 'vitest';
import { type App, appId, deploymentId } from '#core';
import { type DependencyState, describeDependency, isDeparture } from './dependency-state.js';
import { actionsUnderWay, beginActions, isUnderWay } from './plan-progress.js';

const anApp = (fields: Partial<App> = {}): App =>
  ({ id: appId('/db'), instances: 2, ...fields }) as App;
const settled = (
  app: Partial<App>,
  fields: Partial<Extract<DependencyState, { kind: 'settled' }>> = {},
): DependencyState => ({ kind: 'settled', app: anApp(app), present: 2, serves: false, ...fields });

describe('an app that others depend on', () => {
  const run = { appId: appId('/db'), run: 'v', failed: 0, retries: [] };

  it.each([
    ['serves', settled({}, { serves: true }), undefined],
    ['serves not', settled({}), 'none of its 2 instances serves'],
    ['is scaled to 0', settled({ instances: 0 }, { present: 0 }), undefined],
    ['is a daemon that runs nowhere', settled({ workload: 'daemon' }, { present: 0 }), undefined],
    ['is a daemon that fails', settled({ workload: 'daemon' }), 'none of its 2 instances serves'],
    [
      'is a job that runs',
      settled({ workload: 'job' }, { job: { ...run, completed: 1 }, serves: true }),
      '1 of its 2 instances have finished',
    ],
    [
      'is a job that has failed',
      settled({ workload: 'job' }, { job: { ...run, completed: 1, failed: 1 } }),
      '1 of its 2 instances have finished, the job has failed: 1 instance has failed more often than ' +
        'maxRetries allowed; a restart, or another definition than that, runs it again',
    ],
    [
      'is a job that is done',
      settled({ workload: 'job' }, { job: { ...run, completed: 2 } }),
      undefined,
    ],
    [
      'is being deployed',
      { kind: 'in-deployment', deployment: deploymentId('d'), isSame: false } as const,
      'deployment d is not done with it yet',
    ],
  ])('%s', (_what, state, words) => {
    expect(describeDependency(state)).toBe(words);
  });
});

describe('an action of a plan', () => {
  const app = appId('/a');
  const steps = [
    { actions: [{ kind: 'StartApplication', app }] },
    { actions: [{ kind: 'ScaleApplication', app, scaleTo: 2 }] },
    { actions: [{ kind: 'RestartApplication', app: appId('/b') }] },
  ] as const;

  it('only takes away when it ends the app or leaves fewer instances', () => {
    expect(isDeparture(steps[1].actions[0], undefined)).toBe(false);
    expect(isDeparture(steps[1].actions[0], anApp({ instances: 1 }))).toBe(false);
    expect(isDeparture(steps[1].actions[0], anApp({ instances: 3 }))).toBe(true);
    expect(isDeparture({ kind: 'StopApplication', app }, anApp())).toBe(true);
  });

  it('is under way once it has begun, until its step is over', () => {
    const begun = beginActions({ steps, currentStep: 0, underWay: [] }, [appId('/b')]);

    expect(actionsUnderWay(begun).map(({ app: id }) => id)).toEqual(['/b']);
    expect(isUnderWay(begun, app)).toBe(false);
    expect(actionsUnderWay({ ...begun, currentStep: 3 })).toEqual([]);
  });

  it('began with its step in what does not say which have begun', () => {
    expect(isUnderWay({ steps, currentStep: 1 }, app)).toBe(true);
    expect(isUnderWay({ steps, currentStep: 1 }, appId('/b'))).toBe(false);
  });
});
