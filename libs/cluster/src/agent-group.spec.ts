import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { executor, GroupAgent, member, runsOf } from './agent-group.test-support.js';
import { emptyJournalImage } from './agent-records.js';

const grace = (seconds: number) => ({
  kill_policy: { grace_period: { nanoseconds: seconds * 1e9 } },
});

/** A group whose members run. */
function running(...ids: readonly string[]): GroupAgent {
  const agent = new GroupAgent();
  agent.launch(ids.map((id) => member(id)));
  agent.run(...ids);
  return agent;
}

describe('LAUNCH_GROUP', () => {
  test('is written down in one record before any member is launched, and launches all of them', () => {
    const agent = new GroupAgent();

    const effects = agent.launch([member('a'), member('b')]);

    const [first] = effects;
    expect(first).toMatchObject({ kind: 'accept-group', records: [{ kind: 'accepted-group' }] });
    expect(runsOf(effects, 'launch')).toEqual([agent.get('a').run, agent.get('b').run]);
  });

  test('tells the executor of each member', () => {
    const agent = running('a', 'b');

    const { status } = { status: agent.get('a').stream.latest };

    expect(status).toMatchObject({ state: 'TASK_RUNNING', executor_id: { value: 'pod' } });
  });

  test.each([
    [
      'a member that cannot run',
      [member('a'), member('b', { command: {} })],
      {},
      'task b: command.value',
    ],
  ])('with %s is refused as a whole', (_what, tasks, more, message) => {
    const agent = new GroupAgent();

    const effects = agent.launch(tasks, { info: { ...executor, ...more } });

    expect(runsOf(effects, 'launch')).toEqual([]);
    for (const { task_id } of tasks) {
      expect(agent.get(task_id.value).stream.latest).toMatchObject({
        state: 'TASK_ERROR',
        reason: 'REASON_TASK_GROUP_INVALID',
        message: expect.stringContaining(message),
      });
    }
  });

  test('fails as a whole when the launcher of one member is missing', () => {
    const docker = { available: false, reason: 'no engine answers' } as const;
    const agent = new GroupAgent(emptyJournalImage(), { docker });
    const mesos = { image: { type: 'DOCKER' as const, docker: { name: 'nginx' } } };

    agent.launch([member('a'), member('b', { container: { type: 'MESOS', mesos } })]);

    expect(agent.phases()).toEqual({ a: 'TASK_FAILED', b: 'TASK_FAILED' });
  });

  test('that comes again launches nothing, also when some of it has ended', () => {
    const agent = new GroupAgent();
    agent.launch([member('a'), member('b')], { number: 1 });
    agent.run('a', 'b');
    agent.exit('a');
    agent.acknowledge('a');

    const again = agent.launch([member('a'), member('b')], { number: 1 });

    expect(runsOf(again, 'launch')).toEqual([]);
    expect(again).toContainEqual(
      expect.objectContaining({
        kind: 'tell-status',
        status: expect.objectContaining({ task_id: { value: 'a' }, state: 'TASK_FINISHED' }),
      }),
    );
    expect(agent.phases()).toEqual({ b: 'running' });
  });

  test('under an executor that runs joins its sandbox and network, not its fate', () => {
    const agent = running('a');

    agent.launch([member('b')]);
    agent.run('b');
    agent.exit('a', 1);

    expect(agent.get('b').group?.executor).toBe(agent.get('a').group?.executor);
    expect(agent.phases()).toEqual({ a: 'TASK_FAILED', b: 'running' });
  });
});

describe('the fate of a group', () => {
  test('a member that finishes ends no other', () => {
    const agent = running('a', 'b');

    const effects = agent.exit('a');

    expect(runsOf(effects, 'kill')).toEqual([]);
    expect(agent.phases()).toEqual({ a: 'TASK_FINISHED', b: 'running' });
  });

  test('one that fails ends the others, each with its own grace, and their ends name it', () => {
    const agent = new GroupAgent();
    agent.launch([member('a'), member('b', grace(7)), member('c')]);
    agent.run('a', 'b', 'c');

    const effects = agent.exit('a', 3);
    agent.exit('b');
    agent.exit('c', 143);

    const kills = effects.filter(({ kind }) => kind === 'kill');
    expect(kills).toMatchObject([
      { run: agent.get('b').run, graceMs: 7_000 },
      { run: agent.get('c').run, graceMs: 3_000 },
    ]);
    expect(agent.phases()).toEqual({ a: 'TASK_FAILED', b: 'TASK_KILLED', c: 'TASK_KILLED' });
    expect(agent.get('b').stream.latest?.message).toBe(
      'task a of its group ended with TASK_FAILED: exited with code 3',
    );
  });

  test('the others are killed when a killed member has ended, and not before', () => {
    const agent = running('a', 'b');

    const kill = agent.kill('a');
    const before = agent.phases();
    const end = agent.exit('a', 143);

    expect(runsOf(kill, 'kill')).toEqual([agent.get('a').run]);
    expect(before).toEqual({ a: 'killing', b: 'running' });
    expect(runsOf(end, 'kill')).toEqual([agent.get('b').run]);
  });

  test('a member killed before it is launched takes those that wait with it', () => {
    const agent = new GroupAgent();
    agent.launch([
      member('a', { command: { value: 'x', uris: [{ value: 'http://h/x' }] } }),
      member('b'),
    ]);

    agent.kill('a');
    agent.run('b');
    agent.exit('b', 143);

    expect(agent.phases()).toEqual({ a: 'TASK_KILLED', b: 'TASK_KILLED' });
  });

  test.each([
    ['fetch', 'fetch-failed'],
    ['launch', 'launch-failed'],
  ] as const)('a %s that fails ends the group', (what, kind) => {
    const agent = new GroupAgent();
    const uris = what === 'fetch' ? [{ value: 'http://h/x' }] : [];
    agent.launch([member('a', { command: { value: 'x', uris } }), member('b')]);
    agent.run('b');

    agent.task('a', { kind, message: 'no such file' });

    expect(agent.phases()).toEqual({ a: 'TASK_FAILED', b: 'killing' });
  });

  test('a member that is being killed keeps its own grace and reason', () => {
    const agent = new GroupAgent();
    agent.launch([member('a'), member('b', grace(60))]);
    agent.run('a', 'b');
    agent.send({
      type: 'DRAIN',
      drain: { max_grace_period: { nanoseconds: 1e9 }, mark_gone: true },
    });

    const effects = agent.exit('a', 143);
    agent.exit('b', 143);

    expect(runsOf(effects, 'kill')).toEqual([]);
    expect(agent.get('b').stream.latest).toMatchObject({
      state: 'TASK_GONE_BY_OPERATOR',
      reason: 'REASON_AGENT_DRAINING',
    });
  });

  test('SHUTDOWN_EXECUTOR ends all members, within the grace of the executor', () => {
    const agent = new GroupAgent();
    const info = { ...executor, shutdown_grace_period: { nanoseconds: 2e9 } };
    agent.launch([member('a', grace(1)), member('b', grace(60))], { info });
    agent.run('a', 'b');

    const effects = agent.send({
      type: 'SHUTDOWN_EXECUTOR',
      shutdown_executor: { framework_id: { value: 'F' }, executor_id: { value: 'pod' } },
    });

    const kills = effects.flatMap((one) => (one.kind === 'kill' ? [one.graceMs] : []));
    expect(kills).toEqual([1_000, 2_000]);
  });

  test('the loss of its network ends all members', () => {
    const agent = running('a', 'b');
    const { executor: run } = agent.get('a').group ?? {};

    const status = { kind: 'unknown', reason: 'its network is gone' } as const;
    if (run === undefined) throw new Error('a is in no group');
    agent.feed({
      kind: 'task',
      run,
      event: { kind: 'exited', exit: { run, status, oomKilled: false } },
    });

    expect(agent.phases()).toEqual({ a: 'killing', b: 'killing' });
    agent.exit('a', 143);
    agent.exit('b', 143);
    for (const id of ['a', 'b']) {
      expect(agent.get(id).stream.latest).toMatchObject({
        state: 'TASK_FAILED',
        reason: 'REASON_EXECUTOR_TERMINATED',
      });
    }
  });
});

describe('the executor of a group', () => {
  const info = {
    ...executor,
    container: { type: 'MESOS' as const, network_infos: [{ name: 'bridge' }] },
  };
  const mesos = { image: { type: 'DOCKER' as const, docker: { name: 'nginx' } } };
  const container = { type: 'MESOS' as const, mesos };

  test('is brought to a master once, while a member lives', () => {
    const agent = running('a', 'b');

    const before = agent.told().executors;
    agent.exit('a');
    agent.exit('b');

    expect(before).toEqual([
      { framework_id: { value: 'F' }, executor, launch_id: { epoch: 1, number: 101 } },
    ]);
    expect(agent.told().executors).toEqual([]);
    expect(agent.told().tasks).toHaveLength(2);
  });

  test('of which the last one ends while no master listens is told to the next: its SUBSCRIBE may be older than that', () => {
    const agent = running('a', 'b');
    agent.feed({ kind: 'link-closed', connection: 1 });
    agent.exit('a');
    agent.exit('b');
    agent.feed({ kind: 'link-opened', connection: 1 });

    const subscribed = { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 };
    const effects = agent.send({ type: 'SUBSCRIBED', subscribed });

    expect(effects).toContainEqual(
      expect.objectContaining({ kind: 'send-executor-exit', executorId: 'pod', status: 0 }),
    );
  });

  test('is over with its last member: its network is taken away and the master is told', () => {
    const agent = new GroupAgent();
    agent.launch([member('a', { container }), member('b', { container })], { info });
    agent.run('a', 'b');

    const first = agent.exit('a');
    const last = agent.exit('b');

    expect(runsOf(first, 'send-executor-exit')).toEqual([]);
    const run = agent.get('a').group?.executor;
    expect(last).toContainEqual({ kind: 'release', run, launcher: 'docker' });
    expect(last).toContainEqual({
      kind: 'send-executor-exit',
      ...{ run, frameworkId: 'F', executorId: 'pod', status: 0 },
      launchId: { epoch: 1, number: 101 },
      after: expect.arrayContaining([agent.get('a').run, agent.get('b').run]),
    });
  });

  test('has another run when its id is used again', () => {
    const agent = running('a');
    const first = agent.get('a').group?.executor;
    agent.exit('a');

    agent.launch([member('b')]);

    expect(agent.get('b').group?.executor).not.toBe(first);
  });
});

describe('an agent that starts again', () => {
  test('finds a group as a group', () => {
    const before = running('a', 'b');

    const agent = new GroupAgent(before.image());
    agent.task('a', { kind: 'reattached', launched: { pid: 7 } });
    agent.task('b', { kind: 'reattached', launched: { pid: 8 } });
    agent.exit('a', 1);

    expect(agent.get('b').group).toEqual(before.get('b').group);
    expect(agent.phases()).toEqual({ a: 'TASK_FAILED', b: 'killing' });
  });

  test('launches all members of a group it had only written down', () => {
    const before = new GroupAgent();
    before.launch([member('a'), member('b')]);
    const launching = before.records.length - 1;

    const agent = new GroupAgent(before.image(launching));

    expect(agent.phases()).toEqual({ a: 'launching', b: 'launching' });
  });

  test.each([
    ['waits to be acknowledged', false],
    ['is acknowledged and its record gone', true],
  ])('ends the others of a member that failed, whose end %s', (_how, isAcknowledged) => {
    const before = running('a', 'b');
    before.acknowledge('a');
    before.exit('a', 1);
    if (isAcknowledged) before.acknowledge('a');
    const image = before.image();
    // The disk did not get as far as the kill of the other one.
    for (const [run, record] of image.tasks) {
      const { kill: _, ...rest } = record;
      image.tasks.set(run, rest);
    }

    const agent = new GroupAgent(image);
    agent.task('b', { kind: 'reattached', launched: { pid: 8 } });

    expect(agent.find('b')?.phase.kind).toBe('killing');
    expect(agent.find('b')?.kill?.message).toContain('task a of its group ended with TASK_FAILED');
  });

  test('ends a group of which a member died meanwhile', () => {
    const before = running('a', 'b');

    const agent = new GroupAgent(before.image());
    agent.task('a', { kind: 'not-found', reason: 'nothing of it was found' });
    agent.task('b', { kind: 'reattached', launched: { pid: 8 } });

    expect(agent.phases()).toEqual({ a: 'TASK_GONE', b: 'killing' });
  });

  test('leaves the others of a member that finished alone', () => {
    const before = running('a', 'b');
    before.exit('a');

    const agent = new GroupAgent(before.image());
    agent.task('b', { kind: 'reattached', launched: { pid: 8 } });

    expect(agent.find('b')?.phase.kind).toBe('running');
  });
});

describe('whatever happens', () => {
  const ids = ['a', 'b', 'c'];
  const step = fc.record({
    id: fc.constantFrom(...ids),
    what: fc.constantFrom(
      ...(['launched', 'launch-failed', 'exit-0', 'exit-1', 'kill', 'ack', 'restart'] as const),
    ),
  });

  test('no member goes on unkilled once one ended other than by finishing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        let agent = new GroupAgent();
        agent.launch(ids.map((id) => member(id)));
        let hasFailed = false;
        for (const { id, what } of steps) {
          if (what === 'restart') agent = restarted(agent);
          else if (what === 'kill') agent.kill(id);
          else if (agent.find(id) === undefined) continue;
          else if (what === 'ack') agent.acknowledge(id);
          else if (what === 'launched') {
            agent.run(id);
            agent.task(id, { kind: 'reattached', launched: { pid: 7 } });
          } else if (what === 'launch-failed') agent.task(id, { kind: what, message: 'no' });
          else agent.exit(id, what === 'exit-0' ? 0 : 1);
          const tasks = [...agent.state.tasks.values()];
          const ends = tasks.filter(({ phase }) => phase.kind === 'ended');
          hasFailed ||= ends.some(({ stream }) => stream.latest?.state !== 'TASK_FINISHED');
          const alone = tasks.filter(({ phase, kill }) => phase.kind !== 'ended' && !kill);
          expect(hasFailed ? alone : []).toEqual([]);
        }
      }),
    );
  });

  const restarted = (before: GroupAgent): GroupAgent => {
    const image = before.image();
    const agent = new GroupAgent(image);
    for (const [run, record] of image.tasks) {
      agent.records.push({ kind: 'snapshot', run, record });
    }
    for (const one of image.completed.values())
      agent.records.unshift({ kind: 'completed', ...one });
    return agent;
  };
});
