import { describe, expect, it } from 'vitest';
import type { FrameworkInfo, WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';

function launched(info: Partial<FrameworkInfo> = {}) {
  const master = new MasterHarness();
  const framework = master.subscribe('F', info);
  const agent = master.addAgent('A');
  master.allocate();
  master.launch(framework, 'F', master.offersOf('F')[0] as WireOffer, [commandTask('t', agent)]);
  const wait = (seconds: number, streamId = 'A') => {
    for (let second = 0; second < seconds; second += 1) {
      master.pong(agent, streamId);
      master.advance(1_000);
    }
  };
  const kills = (streamId = 'A') =>
    master.messagesOf(streamId).filter(({ type }) => type === 'KILL').length;
  const update = (state: string, latest = state) =>
    master.update({ agent, streamId: 'A', framework }, { taskId: 't', state, latest, uuid: UUID });
  return { master, framework, agent, wait, kills, update };
}

describe('a task in TASK_STAGING', () => {
  it('of which no update comes within the deadline is killed', () => {
    const { wait, kills } = launched();

    wait(899);
    expect(kills()).toBe(0);
    wait(2);

    expect(kills()).toBe(1);
  });

  it('is lost, with a reason that names the phase, when the agent is silent about the KILL too', () => {
    const { master, framework, agent, wait } = launched();

    wait(962);

    expect(master.statusesOf('F')).toMatchObject([
      {
        state: 'TASK_LOST',
        source: 'SOURCE_MASTER',
        reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
      },
    ]);
    expect(master.statusesOf('F')[0]?.message).toContain('TASK_STAGING');
    expect(master.hasTask(framework, 't')).toBe(false);
    const offered = [...master.state.offers.values()]
      .filter((offer) => offer.agentId === agent)
      .reduce((sum, offer) => sum + (offer.resources.scalars['cpus'] ?? 0), 0);
    expect(offered).toBe(4_000);
  });

  it('is TASK_DROPPED for PARTITION_AWARE frameworks', () => {
    const { master, wait } = launched({ capabilities: [{ type: 'PARTITION_AWARE' }] });

    wait(962);

    expect(master.statusesOf('F')[0]?.state).toBe('TASK_DROPPED');
  });

  it('is left alone once an update has come', () => {
    const { master, wait, kills, update } = launched();
    wait(800);
    update('TASK_STARTING');

    wait(400);

    expect(kills()).toBe(0);
    expect(master.statusesOf('F').map(({ state }) => state)).toEqual(['TASK_STARTING']);
  });

  it('has its time again after its agent was away: the agent decides then', () => {
    const { master, framework, agent, wait, kills } = launched();
    wait(890);
    master.dispatch({ kind: 'agent-stream-closed', streamId: 'A' });
    master.advance(15_000);
    master.addAgent('B', {
      id: agent,
      lastApplied: { epoch: 1, stream_id: 'A', sequence: 1 },
    });

    wait(800, 'B');

    expect(kills('B')).toBe(0);
    expect(master.hasTask(framework, 't')).toBe(true);
  });

  it('that was given up does not come back: the agent is told to end it, and its updates are acknowledged', () => {
    const { master, agent, framework, wait, kills, update } = launched();
    wait(962);
    const before = kills();

    expect(update('TASK_RUNNING')).toBe(202);
    expect(kills()).toBe(before + 1);
    expect(master.messagesOf('A').at(-1)).toMatchObject({ type: 'ACKNOWLEDGE' });
    master.addAgent('B', {
      id: agent,
      tasks: [
        {
          framework_id: { value: framework },
          task: commandTask('t', agent),
          state: 'TASK_RUNNING',
          latest_status: { task_id: { value: 't' }, state: 'TASK_RUNNING' },
        },
      ],
    });

    expect(kills('B')).toBe(1);
    expect(master.statusesOf('F')).toHaveLength(1);
    expect(master.hasTask(framework, 't')).toBe(false);
  });

  it('is not given up for time in which nothing was accepted of agents', () => {
    const { master, wait, kills } = launched();
    wait(880);
    master.isWritable = false;
    wait(60);
    expect(kills()).toBe(0);
    master.isWritable = true;

    wait(58);
    expect(kills()).toBe(0);
    wait(5);

    expect(kills()).toBe(1);
  });
});
