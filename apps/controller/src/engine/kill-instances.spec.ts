import { describe, expect, it } from 'vitest';
import { type App, appId, type Instance } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';
import { RESIDENT_FIELDS } from './resident-app.test-support.js';

const REPORT_MS = 1_000;
const LONG_MS = 20_000;

/** An app with routes, and time enough for the routers there are to have been heard. */
async function aRoutedApp(fields: Partial<App> = {}): Promise<EngineHarness> {
  const harness = new EngineHarness();
  await harness.start();
  await harness.put(
    anApp('/web', {
      instances: 2,
      portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
      labels: { HAPROXY_GROUP: 'external' },
      ...fields,
    }),
  );
  await withRouter(harness, LONG_MS, []);
  expect(harness.conditions('/web').every((condition) => condition === 'Running')).toBe(true);
  return harness;
}

/** Time passes while a router reports that it has drained these tasks. */
async function withRouter(
  harness: EngineHarness,
  ms: number,
  drainedTasks: readonly string[],
): Promise<void> {
  for (let passed = 0; passed < ms; passed += REPORT_MS) {
    harness.engine.reportRouter('router-1', { appliedSequence: 0, drainedTasks });
    await harness.clock.advance(REPORT_MS);
  }
}

const instancesOf = ({ engine }: EngineHarness): readonly Instance[] =>
  engine.view.instancesOf(appId('/web')).map(({ instance }) => instance);

const firstOf = (harness: EngineHarness): Instance => {
  const [first] = instancesOf(harness);
  if (first === undefined) throw new Error('nothing runs');
  return first;
};

const isRunning = ({ cluster }: EngineHarness, { taskId }: Instance): boolean =>
  cluster.running().some(({ info }) => info.task_id.value === taskId);

const kill = async (
  harness: EngineHarness,
  { id }: Instance,
  order: { readonly wipe?: boolean; readonly force?: boolean } = {},
): Promise<void> => {
  const killed = harness.engine.killInstances([id], { wipe: false, ...order });
  await harness.clock.advance(100);
  await killed;
};

describe('an instance somebody kills', () => {
  it('is out of rotation first, and ends when every router has drained it', async () => {
    const harness = await aRoutedApp();
    const victim = firstOf(harness);

    await kill(harness, victim);
    await withRouter(harness, 3_000, []);
    expect(isRunning(harness, victim)).toBe(true);
    expect(instancesOf(harness).find(({ id }) => id === victim.id)?.draining).toBeDefined();
    expect(harness.eventTypes()).toContain('draining_changed_event');

    await withRouter(harness, 3_000, [victim.taskId]);
    expect(isRunning(harness, victim)).toBe(false);
    expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
  });

  it('ends at once when it is forced, also while it drains', async () => {
    const harness = await aRoutedApp();
    const victim = firstOf(harness);
    await kill(harness, victim);
    expect(isRunning(harness, victim)).toBe(true);

    await kill(harness, victim, { force: true });

    expect(isRunning(harness, victim)).toBe(false);
  });

  it('ends by the next controller when the one that was asked is gone', async () => {
    const harness = await aRoutedApp();
    const victim = firstOf(harness);
    await kill(harness, victim);
    harness.crash();
    await harness.start();

    await withRouter(harness, LONG_MS, [victim.taskId]);

    expect(isRunning(harness, victim)).toBe(false);
    expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
  });

  it('does not wait for a router that is not heard any more', async () => {
    const harness = await aRoutedApp({
      labels: { HAPROXY_GROUP: 'external', PACER_DRAIN_SECONDS: '3600' },
    });
    const victim = firstOf(harness);
    await kill(harness, victim);

    await harness.clock.advance(LONG_MS);

    expect(isRunning(harness, victim)).toBe(false);
  });

  it.each([
    ['has no port a router could serve', { portDefinitions: [] }],
    ['is not to be drained', { labels: { HAPROXY_GROUP: 'external', PACER_DRAIN_SECONDS: '0' } }],
  ])('ends at once when its app %s', async (_why, fields) => {
    const harness = await aRoutedApp(fields);
    const victim = firstOf(harness);

    await kill(harness, victim);

    expect(isRunning(harness, victim)).toBe(false);
  });

  it('gives its reservation up when it is wiped, and keeps it when it is not', async () => {
    const harness = await aRoutedApp({ ...RESIDENT_FIELDS, instances: 1 });
    const volumes = () => harness.cluster.reservations.volumesOn('agent-1');
    const victim = firstOf(harness);
    const before = volumes();

    await kill(harness, victim);
    await withRouter(harness, LONG_MS, [victim.taskId]);
    expect(firstOf(harness)).toMatchObject({ id: victim.id, incarnation: 2 });
    expect(volumes()).toEqual(before);

    const second = firstOf(harness);
    await kill(harness, second);
    await kill(harness, second, { wipe: true });
    expect(isRunning(harness, second)).toBe(true);
    await withRouter(harness, LONG_MS, [second.taskId]);
    expect(firstOf(harness).id).not.toBe(victim.id);
    expect(volumes()).not.toEqual(before);
    expect(volumes()).toHaveLength(1);
  });
});
