import { describe, expect, it } from 'vitest';
import type { RunKey, TaskExit } from '#core';
import type { FrameworkInfo, TaskInfo } from '#mesos-v1';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { emptyJournalImage } from './agent-records.js';
import { recoverAgent } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentEvent } from './agent-state.js';
import { type AgentTaskEvent, DEFAULT_TASK_OPTIONS } from './agent-task.js';

const framework: FrameworkInfo = { user: 'root', name: 'f', id: { value: 'f' } };
const DAY_MS = 24 * 3600 * 1000;

/** An agent with one task that was launched with the limit, at 0 ms, and runs. */
function running(limitMs: number | undefined) {
  let nowMs = 0;
  const clock = () => ({ epochMs: nowMs, monoMs: nowMs });
  let { state } = recoverAgent(
    { image: emptyJournalImage(), damaged: new Map() },
    {
      bootId: 'b',
      seed: Array(10).fill(1),
      now: clock(),
      options: {
        ...DEFAULT_TASK_OPTIONS,
        defaultKillGraceMs: 3_000,
        lanes: DEFAULT_LANE_LIMITS,
        hostAddress: '127.0.0.1',
        launchers: { process: { available: true }, docker: { available: false, reason: 'none' } },
      },
    },
  );
  const feed = (event: AgentEvent): readonly AgentEffect[] => {
    const reduction = reduceAgent(state, event, clock());
    state = reduction.state;
    return reduction.effects;
  };
  const stream = { epoch: 1, stream_id: 's' };
  const send = (message: object, sequence: number): readonly AgentEffect[] =>
    // Whole messages of the protocol, put together here.
    feed({
      kind: 'message',
      connection: 1,
      message: { ...message, ...stream, sequence },
    } as AgentEvent);
  feed({ kind: 'link-opened', connection: 1 });
  const subscribed = { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 };
  send({ type: 'SUBSCRIBED', subscribed }, 1);
  const task: TaskInfo = {
    name: 'batch',
    task_id: { value: 'batch' },
    agent_id: { value: 'a1' },
    resources: [
      { name: 'disk', type: 'SCALAR', scalar: { value: 2 } },
      {
        ...{ name: 'disk', type: 'SCALAR', scalar: { value: 1 }, role: 'db', reservation: {} },
        disk: { persistence: { id: 'v1' }, volume: { mode: 'RW', container_path: 'data' } },
      },
    ],
    command: { value: 'sleep 100' },
    ...(limitMs === undefined ? {} : { max_completion_time: { nanoseconds: limitMs * 1e6 } }),
  };
  send({ type: 'LAUNCH', launch: { framework, task } }, 2);
  const [run] = state.tasks.keys();
  const tell = (event: AgentTaskEvent, atMs: number): readonly AgentEffect[] => {
    nowMs = atMs;
    // The launch made it.
    return feed({ kind: 'task', run: run as RunKey, event });
  };
  const started = tell({ kind: 'launched', launched: { pid: 7 } }, 0);
  const kill = (): readonly AgentEffect[] =>
    send({ type: 'KILL', kill: { framework_id: { value: 'f' }, task_id: { value: 'batch' } } }, 3);
  const exit = (atMs: number): readonly AgentEffect[] => {
    const ended: TaskExit = {
      run: run as RunKey,
      status: { kind: 'signalled', signal: 9 },
      oomKilled: false,
    };
    return tell({ kind: 'exited', exit: ended }, atMs);
  };
  return { started, tell, kill, exit, status: () => state.tasks.get(run as RunKey)?.stream.latest };
}

const due: AgentTaskEvent = { kind: 'timer', timer: 'completion' };
const killsIn = (effects: readonly AgentEffect[]) => effects.filter(({ kind }) => kind === 'kill');

describe('a task with a max_completion_time', () => {
  it('is ended without grace when that is over, and has failed for that reason', () => {
    const { started, tell, exit, status } = running(500);
    expect(started).toContainEqual(
      expect.objectContaining({ kind: 'set-timer', timer: 'completion', delayMs: 500 }),
    );

    expect(killsIn(tell(due, 500))).toMatchObject([{ graceMs: 0 }]);
    exit(510);

    expect(status()).toMatchObject({
      state: 'TASK_FAILED',
      reason: 'REASON_MAX_COMPLETION_TIME_REACHED',
      message: 'ran longer than its max_completion_time of 500 ms',
    });
  });

  it('is left alone before, however long a timer can be', () => {
    const { started, tell } = running(30 * DAY_MS);
    const [timer] = started.filter((one) => one.kind === 'set-timer' && one.timer === 'completion');
    expect(timer).toMatchObject({ delayMs: 2 ** 31 - 1 });

    expect(killsIn(tell(due, 2 ** 31 - 1))).toEqual([]);
    expect(killsIn(tell(due, 30 * DAY_MS))).toHaveLength(1);
  });

  it('keeps the grace of a kill it has already', () => {
    const { tell, kill, exit, status } = running(500);
    expect(killsIn(kill())).toMatchObject([{ graceMs: 3_000 }]);

    expect(killsIn(tell(due, 500))).toEqual([]);
    exit(600);

    expect(status()).toMatchObject({ state: 'TASK_KILLED' });
  });
});

describe('a task without one', () => {
  it('has no such timer', () => {
    const { started } = running(undefined);

    const timers = started.filter((one) => one.kind === 'set-timer');
    expect(timers.map(({ timer }) => timer)).not.toContain('completion');
  });
});

describe('a task whose sandbox is measured', () => {
  const MIB = 1024 * 1024;

  it('is ended without grace when it outgrew the disk of the task, and has failed for that reason', () => {
    const { tell, exit, status } = running(undefined);

    expect(killsIn(tell({ kind: 'disk-exceeded', usedBytes: 3 * MIB }, 10))).toMatchObject([
      { graceMs: 0 },
    ]);
    exit(20);

    expect(status()).toMatchObject({
      state: 'TASK_FAILED',
      reason: 'REASON_CONTAINER_LIMITATION_DISK',
      message: 'its sandbox takes 3 MiB, more than its disk of 2 MiB',
    });
  });

  it('is ended when a volume of its outgrew its own size, whatever the sandbox may take', () => {
    const { tell, exit, status } = running(undefined);
    const exceed = (usedBytes: number) =>
      tell({ kind: 'disk-exceeded', usedBytes, volume: 'v1' }, 10);

    expect(killsIn(exceed(MIB))).toEqual([]);
    expect(killsIn(exceed(1.5 * MIB))).toMatchObject([{ graceMs: 0 }]);
    exit(20);

    expect(status()).toMatchObject({
      reason: 'REASON_CONTAINER_LIMITATION_DISK',
      message: 'its persistent volume v1 takes 2 MiB, more than its size of 1 MiB',
    });
  });

  it('is left alone within its disk, and keeps the grace of a kill it has already', () => {
    const { tell, kill } = running(undefined);

    expect(killsIn(tell({ kind: 'disk-exceeded', usedBytes: 2 * MIB }, 10))).toEqual([]);
    kill();

    expect(killsIn(tell({ kind: 'disk-exceeded', usedBytes: 3 * MIB }, 20))).toEqual([]);
  });
});
