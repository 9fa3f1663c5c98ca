import { describe, expect, it } from 'vitest';
import { type App, appId } from '#core';
import type { SchedulerCallWithoutFrameworkId } from '#framework';
import { fromWireResources, type TaskInfo } from '#mesos-v1';
import { findTaskDefect } from '../../../../libs/cluster/src/agent-launch-spec.js';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';
import { recordCalls } from './record-calls.test-support.js';

const FIELDS: Partial<App> = {
  executor: "bin/it's mine",
  executorResources: { cpus: 0.5, mem: 32, disk: 10 },
  cmd: 'serve --all',
  user: 'nobody',
  taskKillGracePeriodSeconds: 20,
};

type Call = SchedulerCallWithoutFrameworkId;

async function launched(fields: Partial<App> = {}, isDeaf = false) {
  const harness = new EngineHarness();
  const calls = recordCalls(harness);
  if (isDeaf) leaveTasksAlone(harness);
  await harness.start();
  await harness.put(anApp('/own', { instances: 1, cpus: 1, mem: 64, ...FIELDS, ...fields }));
  await harness.clock.advance(1_000);
  const task = calls.flatMap((call) => tasksOf(call))[0];
  if (task === undefined) throw new Error('nothing is launched');
  return { harness, calls, task };
}

const tasksOf = (call: Call): readonly TaskInfo[] =>
  call.type !== 'ACCEPT'
    ? []
    : (call.accept.operations ?? []).flatMap((operation) =>
        operation.type === 'LAUNCH' ? operation.launch.task_infos : [],
      );

/** Executors that hear of a KILL and do nothing. */
function leaveTasksAlone(harness: EngineHarness): void {
  const connect = harness.cluster.connect.bind(harness.cluster);
  harness.cluster.connect = (...given) => {
    const driver = connect(...given);
    return {
      ...driver,
      call: async (call) => (call.type === 'KILL' ? undefined : await driver.call(call)),
    };
  };
}

const shutdownsIn = (calls: readonly Call[]) =>
  calls.flatMap((call) => (call.type === 'SHUTDOWN' ? [call.shutdown] : []));

const amountOf = ({ resources }: Pick<TaskInfo, 'resources'>) =>
  fromWireResources(resources.map(({ role: _, ...one }) => one)).scalars;

describe('an app with an executor of its own', () => {
  it('is launched as a task of a new one, with the cmd after its name and as data', async () => {
    const { task } = await launched();
    const id = task.task_id.value;

    expect(task.command).toBeUndefined();
    expect(task.executor).toMatchObject({
      executor_id: { value: `marathon-${id}` },
      type: 'CUSTOM',
      command: {
        shell: true,
        value: `{ [ -x 'bin/it'\\''s mine' ] || chmod ug+rx 'bin/it'\\''s mine'; } && exec 'bin/it'\\''s mine' serve --all`,
        user: 'nobody',
      },
    });
    expect(task.executor?.command?.environment?.variables).toContainEqual({
      name: 'MARATHON_APP_ID',
      value: '/own',
    });
    expect(Buffer.from(task.data ?? '', 'base64').toString()).toBe('serve --all');
    expect(amountOf(task)).toMatchObject({ cpus: 1_000, mem: 64_000 });
    expect(amountOf(task.executor ?? { resources: [] })).toEqual({
      ...{ cpus: 500, mem: 32_000, disk: 10_000 },
    });
    expect(findTaskDefect(task)).toBeUndefined();
  });

  it('gives its container and terminal to the executor, and quotes args', async () => {
    const { task } = await launched({
      ...{ executor: 'mine', tty: true, args: ['a b', "it's"] },
      cmd: undefined as unknown as string,
    });

    expect(task.container).toBeUndefined();
    expect(task.executor?.container).toEqual({ type: 'MESOS', tty_info: {} });
    expect(task.executor?.command?.value).toBe(
      `if [ -e ./'mine' ]; then { [ -x ./'mine' ] || chmod ug+rx ./'mine'; } && exec ./'mine' 'a b' 'it'\\''s'; else exec 'mine' 'a b' 'it'\\''s'; fi`,
    );
  });

  it('//cmd is none', async () => {
    const { task } = await launched({ executor: '//cmd' });

    expect(task.executor).toBeUndefined();
    expect(task.command).toMatchObject({ value: 'serve --all' });
    expect(amountOf(task)).toMatchObject({ cpus: 1_000, mem: 64_000 });
  });

  it('has the executor ended with its task, before the update is acknowledged', async () => {
    const { harness, calls, task } = await launched();
    const executor_id = { value: `marathon-${task.task_id.value}` };
    expect(shutdownsIn(calls)).toEqual([]);

    harness.cluster.report(task.task_id.value, 'TASK_FAILED', { executor_id });
    await harness.clock.advance(1);

    expect(shutdownsIn(calls)).toEqual([{ executor_id, agent_id: task.agent_id }]);
    expect(harness.engine.view.instancesOf(appId('/own'))).not.toContainEqual(
      expect.objectContaining({
        instance: expect.objectContaining({ taskId: task.task_id.value }),
      }),
    );
  });

  it('leaves executors that are not its own alone', async () => {
    const { harness, calls, task } = await launched({ executor: '' });

    harness.cluster.report(task.task_id.value, 'TASK_FAILED', { executor_id: task.task_id });
    await harness.clock.advance(1);

    expect(shutdownsIn(calls)).toEqual([]);
  });

  it('has an executor ended that does not end its task within the grace period', async () => {
    const { harness, calls, task } = await launched({}, true);
    await harness.put(anApp('/own', { instances: 0, cpus: 1, mem: 64, ...FIELDS }));

    await harness.clock.advance(29_000);
    const early = shutdownsIn(calls);
    await harness.clock.advance(120_000);

    expect(early).toEqual([]);
    expect(shutdownsIn(calls)[0]).toEqual({
      executor_id: { value: `marathon-${task.task_id.value}` },
      agent_id: task.agent_id,
    });
  });
});
