import { expect, test } from 'vitest';
import { readJournalRecord } from '#cluster';
import { runKeyOfTask } from '#core';
import type { FrameworkInfo, TaskInfo } from '#mesos-v1';
import { FakeHost, FakeLauncher } from '../../../../test/support/fake-launcher.js';
import { FakeMasterLink } from '../../../../test/support/fake-master-link.js';
import {
  FakeFetcher,
  FakeSandboxStore,
  FakeVolumeStore,
} from '../../../../test/support/fake-sandbox-store.js';
import { FakeTaskJournal } from '../../../../test/support/fake-task-journal.js';
import { settle, VirtualClock } from '../../../../test/support/virtual-clock.js';
import { createAgentEngine } from './agent-engine.js';

const framework: FrameworkInfo = { user: 'root', name: 'f', id: { value: 'f1' } };
const task: TaskInfo = {
  name: 'web',
  task_id: { value: 'web' },
  agent_id: { value: 'agent-1' },
  resources: [],
  command: { value: 'sleep 1000' },
};
const RUN = runKeyOfTask('web');

/** An agent of today where one without keys has left the task `web` running, its TASK_RUNNING acknowledged. */
async function upgraded() {
  const journal = new FakeTaskJournal();
  const host = new FakeHost();
  const status = { task_id: task.task_id, state: 'TASK_RUNNING', uuid: 'u1' };
  journal.identity = { agentId: 'agent-1', highestEpoch: 1, bootId: 'boot-1' };
  journal.records.push(
    ...[
      { kind: 'accepted', taskId: 'web', framework, task },
      { kind: 'launching', taskId: 'web' },
      { kind: 'update', taskId: 'web', status },
      { kind: 'acknowledged', taskId: 'web', uuid: 'u1' },
    ].map(readJournalRecord),
  );
  host.start({ run: RUN, taskId: 'web' });
  const link = new FakeMasterLink();
  const launcher = new FakeLauncher(host);
  const engine = createAgentEngine(
    {
      launchers: [launcher],
      prober: { probe: async () => ({ passed: true, detail: '', durationMs: 1 }) },
      journal,
      link,
      fetcher: new FakeFetcher(),
      sandboxes: new FakeSandboxStore(),
      volumes: new FakeVolumeStore(),
      clock: new VirtualClock(),
      randomBytes: (count) => Array.from({ length: count }, () => 7),
      log: () => undefined,
      fail: (error) => {
        throw error;
      },
    },
    {
      agent: { hostname: 'host-1', port: 5051, resources: [], attributes: [] },
      version: '1.11.0',
      bootId: 'boot-1',
      hostAddress: '127.0.0.1',
      searchPath: '/bin',
    },
  );
  await engine.start();
  const { tasks } = link.admit().subscribe;
  await settle();
  const launch = (number: number) => {
    const launch_id = { epoch: 2, number };
    link.deliver({ type: 'LAUNCH', launch: { framework, task, launch_id } });
  };
  return { host, engine, link, launcher, tasks, launch };
}

test('a task that runs outlives the upgrade of its agent', async () => {
  const { host, engine, tasks } = await upgraded();

  expect(tasks).toMatchObject([{ state: 'TASK_RUNNING', framework_id: { value: 'f1' } }]);
  expect(engine.state.tasks.get(RUN)?.launched?.pid).toBe(1001);
  expect(host.startsOf('web')).toBe(1);
});

test('its launch, sent again with an id by now, starts nothing', async () => {
  const { host, launch, engine } = await upgraded();

  launch(1);
  await settle();

  expect(host.startsOf('web')).toBe(1);
  expect(engine.state.tasks.size).toBe(1);
});

test('it is killed and acknowledged by its framework and id, and the id can be launched anew', async () => {
  const { host, link, launch, engine } = await upgraded();

  const kill = { framework_id: { value: 'f1' }, task_id: task.task_id };
  link.deliver({ type: 'KILL', kill });
  await settle();
  const ended = link.updates.at(-1)?.status.state;
  link.acknowledge('web');
  await settle();
  launch(1);
  await settle();

  expect(ended).toBe('TASK_KILLED');
  expect(host.startsOf('web')).toBe(2);
  expect([...engine.state.tasks.keys()]).not.toContain(RUN);
});
