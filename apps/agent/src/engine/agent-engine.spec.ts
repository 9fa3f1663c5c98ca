import { describe, expect, test } from 'vitest';
import { runKey } from '#core';
import type { FakeMasterLink } from '../../../../test/support/fake-master-link.js';
import { settle } from '../../../../test/support/virtual-clock.js';
import {
  createWorld,
  framework,
  launch,
  startEngine,
  statesOf,
  task,
} from './agent-engine.test-support.js';

describe('reservations', () => {
  test('are on the disk before they are confirmed, and before what is launched on them', async () => {
    const { link, journal, host } = await startEngine();
    link.admit();
    await settle();
    journal.freeze();
    const cpus = { name: 'cpus', type: 'SCALAR', scalar: { value: 1 } } as const;
    const resources = [{ ...cpus, reservations: [{ type: 'DYNAMIC', role: 'db' }] }] as const;

    link.deliver({ type: 'CHECKPOINT_RESOURCES', checkpoint_resources: { resources } });
    launch(link, task('web'));
    await settle();
    expect(link.calls.some(({ type }) => type === 'CHECKPOINTED')).toBe(false);
    expect(host.startsOf('web')).toBe(0);
    journal.thaw();
    await settle();

    expect(journal.identity?.checkpointedResources).toEqual(resources);
    expect(link.calls.find(({ type }) => type === 'CHECKPOINTED')).toMatchObject({
      stream_id: 'stream-1',
      checkpointed: { sequence: 2 },
    });
    expect(host.startsOf('web')).toBe(1);
  });
});

describe('launching', () => {
  test('a launched task is running with its pid and address', async () => {
    const { link } = await startEngine();
    link.admit();

    launch(link, task('web'));
    await settle();

    expect(statesOf(link, 'web')).toEqual(['TASK_RUNNING']);
    expect(link.updates.at(-1)?.status.container_status).toEqual({
      executor_pid: 1001,
      network_infos: [{ ip_addresses: [{ ip_address: '127.0.0.1', protocol: 'IPv4' }] }],
    });
  });

  test('a task with something to fetch is starting first', async () => {
    const { link } = await startEngine();
    link.admit();

    launch(link, task('web', { command: { value: 'x', uris: [{ value: 'http://h/a.tgz' }] } }));
    await settle();
    link.acknowledge('web');
    await settle();

    expect(statesOf(link, 'web')).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
  });

  test('a repeated LAUNCH starts nothing', async () => {
    const { link, host } = await startEngine();
    link.admit();

    launch(link, task('web'));
    launch(link, task('web'));
    await settle();

    expect(host.startsOf('web')).toBe(1);
  });

  test('a LAUNCH of a completed task repeats its last state and starts nothing', async () => {
    const { link, host, launcher } = await startEngine();
    link.admit();
    launch(link, task('web'));
    await settle();
    launcher.end('web', { kind: 'exited', code: 0 });
    for (let count = 0; count < 3; count += 1) {
      await settle();
      link.acknowledge('web');
    }
    await settle();

    launch(link, task('web'));
    await settle();

    expect(host.startsOf('web')).toBe(1);
    expect(link.updates.at(-1)?.status).toMatchObject({ state: 'TASK_FINISHED' });
    expect(link.updates.at(-1)?.status.uuid).toBeUndefined();
  });

  test('nothing is launched or sent before it is written down', async () => {
    const { link, host, journal } = await startEngine();
    link.admit();
    await settle();
    journal.freeze();

    launch(link, task('web'));
    await settle();
    const before = { starts: host.starts.length, updates: link.updates.length };
    journal.thaw();
    await settle();

    expect(before).toEqual({ starts: 0, updates: 0 });
    expect(host.starts.length).toBe(1);
  });

  test('nothing of a new epoch is acted on before the epoch is written down', async () => {
    const { link, host, journal } = await startEngine();
    await settle();
    journal.freeze();

    link.admit({ epoch: 7 });
    launch(link, task('web'));
    await settle();
    const startsBefore = host.starts.length;
    journal.thaw();
    await settle();

    expect(startsBefore).toBe(0);
    expect(journal.identity).toMatchObject({ highestEpoch: 7, agentId: 'agent-1' });
    expect(host.starts.length).toBe(1);
  });

  test('at most 16 processes are launched at once', async () => {
    const { link, launcher } = await startEngine();
    link.admit();
    launcher.isHeld = true;

    for (let count = 0; count < 40; count += 1) launch(link, task(`web.${count}`));
    await settle();
    launcher.open();
    await settle();

    expect(launcher.highestLaunchesAtOnce).toBe(16);
    expect(launcher.host.running.size).toBe(40);
  });

  test('a Docker task on an agent without Docker fails and says why', async () => {
    const { link } = await startEngine();
    link.admit();

    launch(link, task('web', { container: { type: 'DOCKER', docker: { image: 'nginx' } } }));
    await settle();
    const { status, latest_state } = link.updates[0] ?? {};

    expect(latest_state).toBe('TASK_FAILED');
    expect(status?.message).toContain('no docker launcher');
  });

  test('a launch that outlives its deadline fails, and what comes of it late is killed', async () => {
    const { link, launcher, clock, host } = await startEngine();
    link.admit();
    launcher.isHeld = true;
    launch(link, task('web'));
    await settle();

    await clock.advance(61_000);
    const failed = statesOf(link, 'web');
    link.acknowledge('web');
    await settle();
    launcher.open();
    await settle();

    expect(failed).toEqual(['TASK_FAILED']);
    expect(host.running.size).toBe(0);
  });

  test('fetching that hangs fails with its own reason', async () => {
    const { link, fetcher, clock } = await startEngine();
    link.admit();
    fetcher.isHanging = true;
    launch(link, task('web', { command: { value: 'x', uris: [{ value: 'http://h/a.tgz' }] } }));
    await settle();
    link.acknowledge('web');

    await clock.advance(11 * 60_000);
    const call = link.admit();

    expect(call.subscribe.tasks[0]?.latest_status.message).toContain(
      'fetching its URIs took longer',
    );
  });
});

test('an engine that appears later is advertised', async () => {
  const { link, launcher, clock } = await startEngine();
  launcher.isAvailable = false;
  await clock.advance(30_000);
  const without = link.admit().subscribe.agent_info.capabilities;

  launcher.isAvailable = true;
  await clock.advance(30_000);
  const again = link.admit().subscribe.agent_info.capabilities;

  const always = [{ type: 'TASK_GROUPS' }, { type: 'TASK_RESOURCE_LIMITS' }, { type: 'EXECUTORS' }];
  expect(without).toEqual(always);
  expect(link.reconnects).toEqual(['the launchers have changed']);
  expect(again).toEqual([{ type: 'PROCESS' }, ...always]);
});

test('what an engine was still running when it comes back is ended', async () => {
  const { launcher, host, clock, link } = await startEngine();
  link.admit();
  launch(link, task('web'));
  await settle();
  launcher.isAvailable = false;
  await clock.advance(30_000);
  host.start({ run: runKey('left-over', 'x'), taskId: 'left-over' });

  launcher.isAvailable = true;
  await clock.advance(30_000);

  expect(host.runningTasks()).toEqual(['web']);
});

describe('ending', () => {
  test('a killed task is reported killed, whatever its exit status', async () => {
    const { link } = await startEngine();
    link.admit();
    launch(link, task('web'));
    await settle();

    link.deliver({
      type: 'KILL',
      kill: { framework_id: { value: 'framework-1' }, task_id: { value: 'web' } },
    });
    await settle();

    expect(link.updates.at(-1)?.latest_state).toBe('TASK_RUNNING');
    link.acknowledge('web');
    await settle();
    expect(statesOf(link, 'web')).toEqual(['TASK_RUNNING', 'TASK_KILLED']);
  });

  test('running out of memory is reported as such', async () => {
    const { link, launcher } = await startEngine();
    link.admit();
    launch(link, task('web'));
    await settle();
    link.acknowledge('web');
    await settle();
    link.acknowledge('web');

    launcher.end('web', { kind: 'signalled', signal: 9 }, true);
    await settle();

    expect(link.updates.at(-1)?.status).toMatchObject({
      state: 'TASK_FAILED',
      reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
    });
  });

  test('a KILL of an unknown task says that there is none', async () => {
    const { link } = await startEngine();
    link.admit();

    link.deliver({
      type: 'KILL',
      kill: { framework_id: { value: 'framework-1' }, task_id: { value: 'ghost' } },
    });
    await settle();

    expect(link.updates[0]?.status).toMatchObject({ state: 'TASK_LOST' });
  });

  test('an update is sent again until it is acknowledged', async () => {
    const { link, clock } = await startEngine();
    link.admit();
    launch(link, task('web'));
    await settle();

    await clock.advance(31_000);

    expect(statesOf(link, 'web')).toEqual(['TASK_RUNNING', 'TASK_RUNNING', 'TASK_RUNNING']);
  });

  test('draining ends every task and waits for the acknowledgements', async () => {
    const { link, engine, host } = await startEngine();
    link.admit();
    launch(link, task('web'));
    await settle();

    let isDrained = false;
    const drained = engine.drain().then(() => {
      isDrained = true;
    });
    await settle();
    const wasDrainedEarly = isDrained;
    for (let count = 0; count < 3; count += 1) {
      link.acknowledge('web');
      await settle();
    }
    await drained;

    expect(wasDrainedEarly).toBe(false);
    expect(host.running.size).toBe(0);
  });

  test('an agent told to shut down ends its tasks, then registers anew', async () => {
    const { link, host, engine } = await startEngine();
    link.admit();
    launch(link, task('web'));
    await settle();

    link.deliver({ type: 'SHUTDOWN', shutdown: { message: 'removed by the operator' } });
    await settle();

    expect(host.running.size).toBe(0);
    expect(engine.state.identity.agentId).toBeUndefined();
    expect(link.isPaused).toBe(false);
    expect(link.admit({ agentId: 'agent-2' }).subscribe.agent_info.id).toBeUndefined();
  });
});

describe('health checks', () => {
  test('news of health are reported and a task is killed after its failures', async () => {
    const { link, clock, probes } = await startEngine();
    link.admit();
    probes.push(true, true, false, false);
    const health_check = {
      type: 'HTTP' as const,
      http: { port: 80 },
      delay_seconds: 1,
      interval_seconds: 5,
      consecutive_failures: 2,
    };
    launch(link, task('web', { health_check }));
    await settle();

    for (let second = 0; second < 30; second += 1) {
      link.acknowledge('web');
      await clock.advance(1_000);
    }

    const seen = link.updates.map(({ status }) => [status.state, status.healthy]);
    expect(seen).toEqual([
      ['TASK_RUNNING', undefined],
      ['TASK_RUNNING', true],
      ['TASK_RUNNING', false],
      ['TASK_RUNNING', false],
      ['TASK_KILLED', false],
    ]);
  });
});

describe('restarting', () => {
  test('running tasks keep their pids and are reported in the reregistration', async () => {
    const world = createWorld();
    const first = await startEngine(world);
    first.link.admit();
    launch(first.link, task('web'));
    await settle();
    first.engine.halt();

    const second = await startEngine(world);
    const call = second.link.admit();

    expect(world.host.startsOf('web')).toBe(1);
    expect(call.subscribe.agent_info.id).toEqual({ value: 'agent-1' });
    expect(call.subscribe.tasks.map(({ state }) => state)).toEqual(['TASK_RUNNING']);
    expect(second.engine.state.tasks.get(world.host.runOf('web'))?.launched?.pid).toBe(1001);
  });

  test('an agent that died while starting over ends its old tasks before it registers', async () => {
    const first = await startEngine();
    first.link.admit();
    launch(first.link, task('web'));
    await settle();
    first.engine.halt();
    first.journal.identity = { highestEpoch: 1, bootId: 'boot-1' };

    const { link, host } = await startEngine(first);
    await settle();

    expect(host.running.size).toBe(0);
    expect(link.isPaused).toBe(false);
    expect(link.admit({ agentId: 'agent-2' }).subscribe.tasks).toEqual([]);
  });

  test('an exit while the agent was down is reported', async () => {
    const world = createWorld();
    const first = await startEngine(world);
    first.link.admit();
    launch(first.link, task('web'));
    await settle();
    first.engine.halt();
    world.host.end(world.host.runOf('web'), { kind: 'exited', code: 3 });

    const second = await startEngine(world);
    const call = second.link.admit();

    expect(call.subscribe.tasks[0]?.latest_status).toMatchObject({
      state: 'TASK_FAILED',
      message: 'exited with code 3',
    });
  });

  test('after a reboot every task is gone', async () => {
    const world = createWorld();
    const first = await startEngine(world);
    first.link.admit();
    launch(first.link, task('web'));
    await settle();
    first.engine.halt();

    const second = await startEngine(world, { bootId: 'boot-2' });
    const call = second.link.admit();

    expect(call.subscribe.tasks[0]?.latest_status).toMatchObject({
      state: 'TASK_GONE',
      message: 'the host was restarted',
    });
  });

  test('a damaged record loses its task, ends its process and spares the others', async () => {
    const world = createWorld();
    const first = await startEngine(world);
    first.link.admit();
    launch(first.link, task('web'));
    launch(first.link, task('other'));
    await settle();
    first.engine.halt();
    world.journal.damaged.set(world.host.runOf('web'), 'its checksum does not match');

    const second = await startEngine(world);
    second.link.admit();
    await settle();

    expect(
      second.engine.state.tasks.get(world.host.runOf('web'))?.stream.latest?.message,
    ).toContain('checksum');
    expect(world.host.runningTasks()).toEqual(['other']);
  });

  test('at whatever record the agent dies, a task is never started twice', async () => {
    const complete = createWorld();
    const whole = await startEngine(complete);
    whole.link.admit();
    launch(whole.link, task('web'));
    await settle();
    killWeb(whole.link);
    for (let count = 0; count < 4; count += 1) {
      whole.link.acknowledge('web');
      await settle();
    }
    const all = complete.journal.records.length;

    for (let cut = 0; cut <= all; cut += 1) {
      const world = createWorld();
      world.journal.records.push(...complete.journal.records.slice(0, cut));
      world.journal.identity = complete.journal.identity;
      const launching = world.journal.records.find(({ kind }) => kind === 'launching');
      if (launching !== undefined) world.host.start({ run: launching.run, taskId: 'web' });

      const { link } = await startEngine(world);
      link.admit();
      launch(link, task('web'));
      await settle();

      expect(world.host.startsOf('web'), `cut after ${cut} records`).toBe(1);
    }
  });
});

function killWeb(link: FakeMasterLink): void {
  link.deliver({
    type: 'KILL',
    kill: { framework_id: { value: 'framework-1' }, task_id: { value: 'web' } },
  });
}

describe('the master stream', () => {
  test('a master of a lower epoch is refused', async () => {
    const { link, host } = await startEngine();
    link.admit({ epoch: 5 });
    await settle();
    link.breakStream();

    link.admit({ epoch: 4 });
    launch(link, task('web'));
    await settle();

    expect(link.reconnects[0]).toContain('epoch 4 is below the highest seen, 5');
    expect(host.starts.length).toBe(0);
  });

  test('a message applied already is not applied again, and a gap breaks the stream', async () => {
    const { link, host } = await startEngine();
    link.admit();
    const at = (sequence: number, id: string) =>
      link.deliverRaw({
        type: 'LAUNCH',
        launch: { framework, task: task(id) },
        epoch: 1,
        stream_id: 'stream-1',
        sequence,
      });

    at(2, 'one');
    at(2, 'repeated');
    at(4, 'after-a-gap');
    await settle();

    expect(host.starts).toEqual(['one']);
    expect(link.reconnects[0]).toContain('messages are missing');
  });

  test('a silent master is left after its ping timeout', async () => {
    const { link, clock } = await startEngine();
    link.admit();
    await clock.advance(70_000);
    link.deliver({ type: 'PING' });

    await clock.advance(74_000);
    const before = link.reconnects.length;
    await clock.advance(2_000);

    expect(before).toBe(0);
    expect(link.reconnects[0]).toContain('nothing was heard');
  });
});
