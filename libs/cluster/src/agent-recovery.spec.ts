import { describe, expect, test } from 'vitest';
import type { FrameworkInfo, TaskInfo } from '#mesos-v1';
import { nthRun, SEED } from './agent.test-support.js';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { applyRecord, emptyJournalImage } from './agent-records.js';
import { recoverAgent } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentOptions } from './agent-state.js';
import { type AgentTaskEvent, DEFAULT_TASK_OPTIONS } from './agent-task.js';

const RUN = nthRun('web');

const framework: FrameworkInfo = { user: 'root', name: 'f', id: { value: 'f1' } };
const definition: TaskInfo = {
  name: 'web',
  task_id: { value: 'web' },
  agent_id: { value: 'a1' },
  resources: [],
  container: { type: 'DOCKER', docker: { image: 'nginx' } },
};
const options: AgentOptions = {
  ...DEFAULT_TASK_OPTIONS,
  lanes: DEFAULT_LANE_LIMITS,
  hostAddress: '127.0.0.1',
  launchers: { process: { available: true }, docker: { available: true } },
};
const { reattachDeadlineMs, dockerLaunchDeadlineMs } = options;
const launched = { pid: 7, containerId: 'c1' };
const exited: AgentTaskEvent = {
  kind: 'exited',
  exit: { run: RUN, status: { kind: 'signalled', signal: 9 }, oomKilled: false },
};
const phaseTimer: AgentTaskEvent = { kind: 'timer', timer: 'phase' };

/** An agent that finds in its journal a task which was handed to the launcher, or was only accepted. */
function recover(was: 'launching' | 'accepted') {
  const image = emptyJournalImage();
  applyRecord(image, { kind: 'accepted', run: RUN, framework, task: definition });
  if (was === 'launching') applyRecord(image, { kind: 'launching', run: RUN });
  const start = { bootId: 'b', seed: SEED, options, now: { epochMs: 0, monoMs: 0 } };
  const identity = { agentId: 'a1', highestEpoch: 1, bootId: 'b' };
  let { state, effects } = recoverAgent({ identity, image, damaged: new Map() }, start);
  /** Gives the effects of one event of the task. */
  const feed = (event: AgentTaskEvent, monoMs = 0): readonly AgentEffect[] => {
    const now = { epochMs: monoMs, monoMs };
    const reduced = reduceAgent(state, { kind: 'task', run: RUN, event }, now);
    state = reduced.state;
    effects = reduced.effects;
    return effects;
  };
  const acknowledgeAll = (): void => {
    for (;;) {
      const uuid = state.tasks.get(RUN)?.stream.pending[0]?.uuid;
      if (uuid === undefined) return;
      feed({ kind: 'acknowledged', uuid });
    }
  };
  return { effects, feed, acknowledgeAll, tasks: () => state.tasks };
}

const kindsOf = (effects: readonly AgentEffect[]) =>
  effects.map(({ kind }) => kind).filter((kind) => kind === 'kill' || kind === 'release');

describe('a task that is looked for', () => {
  test('is lost and released at the deadline when the launcher never answers', () => {
    const { effects, feed, tasks } = recover('launching');

    const given = feed(phaseTimer, reattachDeadlineMs);

    expect(effects).toContainEqual({
      ...{ kind: 'set-timer', run: RUN, timer: 'phase' },
      delayMs: reattachDeadlineMs,
    });
    expect(tasks().get(RUN)?.stream.latest).toMatchObject({
      state: 'TASK_LOST',
      message: 'could not be found again: the docker launcher does not answer',
    });
    expect(kindsOf(given)).toEqual(['release']);
  });

  test('has a deadline after each failed look, too', () => {
    const { feed, tasks } = recover('launching');
    feed({ kind: 'reattach-failed', message: 'no route' }, 1_000);

    const again = feed(phaseTimer, 3_000);
    feed(phaseTimer, reattachDeadlineMs);

    expect(again).toEqual([
      { kind: 'reattach', run: RUN, launcher: 'docker' },
      {
        ...{ kind: 'set-timer', run: RUN, timer: 'phase' },
        delayMs: reattachDeadlineMs - 3_000,
      },
    ]);
    expect(tasks().get(RUN)?.phase).toEqual({ kind: 'ended' });
  });

  test('is killed at the deadline when that was asked for meanwhile', () => {
    const { feed, tasks } = recover('launching');
    feed({ kind: 'kill', kill: { graceMs: 0 } });

    feed(phaseTimer, reattachDeadlineMs);

    expect(tasks().get(RUN)?.stream.latest?.state).toBe('TASK_KILLED');
  });
});

describe('a task that was given up', () => {
  const giveUpLooking = () => {
    const agent = recover('launching');
    agent.feed(phaseTimer, reattachDeadlineMs);
    return { ...agent, late: { kind: 'reattached', launched } as const };
  };
  const giveUpLaunching = () => {
    const agent = recover('accepted');
    // Any event lets it have its slot.
    agent.feed({ kind: 'probed', subject: 'health', seen: { passed: true, detail: '' } });
    agent.feed(phaseTimer, dockerLaunchDeadlineMs);
    return { ...agent, late: { kind: 'launched', launched } as const };
  };

  test.each([
    ['found late', giveUpLooking],
    ['launched late', giveUpLaunching],
  ])('and is %s is killed, and released once it has ended', (_how, giveUp) => {
    const { feed, late } = giveUp();

    expect(kindsOf(feed(late))).toEqual(['kill']);
    expect(kindsOf(feed(exited))).toEqual(['release']);
  });

  test.each([
    ['found late', giveUpLooking],
    ['launched late', giveUpLaunching],
  ])('and forgotten, and is %s, is killed and released too', (_how, giveUp) => {
    const { feed, late, acknowledgeAll, tasks } = giveUp();
    acknowledgeAll();
    expect(tasks().size).toBe(0);

    expect(kindsOf(feed(late))).toEqual(['kill']);
    expect(feed(exited)).toContainEqual({ kind: 'release', run: RUN, launcher: 'docker' });
  });

  test('is released when its launch fails late', () => {
    const { feed } = giveUpLaunching();

    expect(kindsOf(feed({ kind: 'launch-failed', message: 'cancelled' }))).toEqual(['release']);
  });
});
