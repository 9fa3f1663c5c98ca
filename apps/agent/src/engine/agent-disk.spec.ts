import { describe, expect, test } from 'vitest';
import { settle } from '../../../../test/support/virtual-clock.js';
import { createWorld, launch, startEngine, statesOf, task } from './agent-engine.test-support.js';

type Agent = Awaited<ReturnType<typeof startEngine>>;

const kill = ({ link }: Agent, id: string) =>
  link.deliver({
    type: 'KILL',
    kill: { framework_id: { value: 'framework-1' }, task_id: { value: id } },
  });

/** An agent that runs `web`, its updates acknowledged, on a disk that is full from then on. */
async function onFullDisk(world = createWorld()): Promise<Agent> {
  const agent = await startEngine(world);
  agent.link.admit();
  launch(agent.link, task('web'));
  await settle();
  agent.link.acknowledge('web');
  await settle();
  agent.journal.fill();
  return agent;
}

describe('while the disk is full', () => {
  test('a launch fails and names the disk, again and again until that is acknowledged', async () => {
    const agent = await onFullDisk();
    const { link, host, journal, failures } = agent;
    const before = journal.records.length;

    launch(link, task('first'));
    await settle();
    launch(link, task('second'));
    await settle();
    await agent.clock.advance(11_000);

    for (const id of ['first', 'second']) {
      expect(statesOf(link, id)).toEqual(['TASK_FAILED', 'TASK_FAILED']);
      expect(link.updates.find(({ status }) => status.task_id.value === id)?.status).toMatchObject({
        reason: 'REASON_CONTAINER_LAUNCH_FAILED',
        message: expect.stringContaining('no space left on device'),
      });
      link.acknowledge(id);
    }
    await settle();
    expect([...agent.engine.state.tasks.values()].map(({ id }) => id)).toEqual(['web']);
    expect(host.runningTasks()).toEqual(['web']);
    expect(journal.records.length).toBe(before);
    expect(failures).toEqual([]);
    expect(agent.engine.disk).toContain('no space left');
  });

  test('the end of a task is told when it is written down, and not before', async () => {
    const { link, launcher, journal } = await onFullDisk();

    launcher.end('web', { kind: 'exited', code: 0 });
    await settle();
    const before = statesOf(link, 'web');
    journal.clear();
    await settle();

    expect(before).toEqual(['TASK_RUNNING']);
    expect(statesOf(link, 'web')).toEqual(['TASK_RUNNING', 'TASK_FINISHED']);
  });

  test('a task can be killed, which may make room', async () => {
    const agent = await onFullDisk();

    kill(agent, 'web');
    await settle();
    const running = agent.host.runningTasks();
    agent.journal.clear();
    await settle();

    expect(running).toEqual([]);
    expect(statesOf(agent.link, 'web').at(-1)).toBe('TASK_KILLED');
  });

  test('an agent that becomes a new master’s answers its pings', async () => {
    const { link, journal } = await onFullDisk();
    link.breakStream();

    link.admit({ epoch: 9 });
    await settle();
    link.deliver({ type: 'PING' });
    await settle();

    expect(link.calls.at(-1)?.type).toBe('PONG');
    expect(journal.identity?.highestEpoch).toBe(1);
  });

  test('an agent that was given up is silent at once, and new when its old tasks have ended', async () => {
    const { link, journal } = await onFullDisk();

    link.deliver({ type: 'SHUTDOWN', shutdown: { message: 'removed by the operator' } });
    await settle();
    const wasPaused = link.isPaused;
    journal.clear();
    await settle();

    expect(wasPaused).toBe(true);
    expect(link.isPaused).toBe(false);
    const { subscribe } = link.admit();
    expect([subscribe.agent_info.id, subscribe.tasks]).toEqual([undefined, []]);
  });

  test('an agent can be stopped', async () => {
    const { engine, clock, launcher } = await onFullDisk();
    launcher.end('web', { kind: 'exited', code: 0 });
    await settle();

    const stopped = engine.stop();
    await clock.advance(6_000);

    await expect(stopped).resolves.toBeUndefined();
  });
});

test('when there is room again tasks are launched again', async () => {
  const { link, journal, engine, host } = await onFullDisk();
  launch(link, task('refused'));
  await settle();

  journal.clear();
  launch(link, task('next'));
  await settle();

  expect(host.runningTasks()).toEqual(['web', 'next']);
  expect(engine.disk).toBeUndefined();
});

test('a refused launch is not known to an agent that starts again, what ran is', async () => {
  const world = createWorld();
  const first = await onFullDisk(world);
  launch(first.link, task('refused'));
  await settle();
  first.engine.halt();
  world.journal.forgetWatchers();
  world.journal.clear();

  const second = await startEngine(world);
  const call = second.link.admit();

  expect(
    call.subscribe.tasks.map(({ task: { task_id }, state }) => [task_id.value, state]),
  ).toEqual([['web', 'TASK_RUNNING']]);
});
