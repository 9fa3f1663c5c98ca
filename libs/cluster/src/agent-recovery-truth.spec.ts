import { describe, expect, test } from 'vitest';
import type { FrameworkInfo, TaskInfo } from '#mesos-v1';
import { nthRun, SEED } from './agent.test-support.js';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { applyRecord, emptyJournalImage, type JournalRecord } from './agent-records.js';
import { type RecoveredJournal, recoverAgent } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentEvent, AgentOptions } from './agent-state.js';
import { type AgentTaskEvent, DEFAULT_TASK_OPTIONS } from './agent-task.js';

const RUN = nthRun('web');
const HOUR_MS = 3_600_000;
const framework: FrameworkInfo = { user: 'root', name: 'f', id: { value: 'f1' } };
const definition: TaskInfo = {
  name: 'web',
  task_id: { value: 'web' },
  agent_id: { value: 'a1' },
  resources: [],
  command: { value: 'sleep 100' },
  max_completion_time: { nanoseconds: HOUR_MS * 1e6 },
};
const options: AgentOptions = {
  ...DEFAULT_TASK_OPTIONS,
  lanes: DEFAULT_LANE_LIMITS,
  hostAddress: '127.0.0.1',
  launchers: { process: { available: true }, docker: { available: true } },
};
const accepted: JournalRecord = { kind: 'accepted', run: RUN, framework, task: definition };
const launching: JournalRecord = { kind: 'launching', run: RUN };
const update = (state: string, uuid: string, epochMs = 0): JournalRecord => ({
  kind: 'update',
  run: RUN,
  status: { task_id: { value: 'web' }, state, uuid, timestamp: epochMs / 1000 },
});
const IDENTITY = { agentId: 'a1', highestEpoch: 1, bootId: 'b' };

/** An agent that starts over these records, and its effects so far. */
function recover(
  records: readonly JournalRecord[],
  found: Partial<RecoveredJournal> = { identity: IDENTITY },
  now = { epochMs: 0, monoMs: 0 },
) {
  const image = emptyJournalImage();
  for (const record of records) applyRecord(image, record);
  const recovered = recoverAgent(
    { image, damaged: new Map(), ...found },
    { bootId: 'b', seed: SEED, options, now },
  );
  let { state } = recovered;
  const effects: AgentEffect[] = [...recovered.effects];
  const feed = (event: AgentEvent): readonly AgentEffect[] => {
    const reduced = reduceAgent(state, event, now);
    state = reduced.state;
    effects.push(...reduced.effects);
    return reduced.effects;
  };
  const tell = (event: AgentTaskEvent) => feed({ kind: 'task', run: RUN, event });
  return { effects, feed, tell, state: () => state };
}

const kindsOf = (effects: readonly AgentEffect[]) => effects.map(({ kind }) => kind);

describe('an agent whose journal has damage that is nobody’s', () => {
  const found = { identity: IDENTITY, unattributed: 'line at byte 0' };

  test('looks for a task that may have been launched, and launches none', () => {
    const { effects, feed, tell, state } = recover([accepted], found);
    feed({ kind: 'started' });

    expect(kindsOf(effects)).toContain('reattach');
    expect(kindsOf(effects)).not.toContain('launch');
    tell({ kind: 'not-found', reason: 'it was never started' });
    expect(state().tasks.get(RUN)?.stream.latest).toMatchObject({
      state: 'TASK_LOST',
      reason: 'REASON_AGENT_RESTARTED',
    });
  });

  test('without it the task is launched', () => {
    const { effects, feed } = recover([accepted]);
    feed({ kind: 'started' });

    expect(kindsOf(effects)).toContain('launch');
  });
});

test('a task of which only the line that it is completed was cut off is completed', () => {
  const { effects, state } = recover([
    accepted,
    launching,
    update('TASK_FINISHED', 'u1'),
    { kind: 'acknowledged', run: RUN, uuid: 'u1' },
  ]);

  expect(state().tasks.size).toBe(0);
  expect(state().completed.get(RUN)?.status.state).toBe('TASK_FINISHED');
  expect(effects).toMatchObject([
    { kind: 'journal', records: [{ kind: 'completed', run: RUN }] },
    { kind: 'release', run: RUN },
    { kind: 'forget', run: RUN },
  ]);
});

test('an agent whose identity is gone ends its tasks before it registers as a new one', () => {
  const { effects, feed, tell } = recover([accepted, launching], {});
  const before = kindsOf(effects);
  tell({ kind: 'reattached', launched: { pid: 7 } });
  const killed = feed({ kind: 'started' });
  const resumed = tell({
    kind: 'exited',
    exit: { run: RUN, status: { kind: 'signalled', signal: 15 }, oomKilled: false },
  });

  expect(before).toContain('pause-link');
  expect(kindsOf(killed)).toContain('kill');
  expect(kindsOf(resumed)).toContain('resume-link');
});

describe('a task with a max_completion_time of an hour that ran for a minute', () => {
  const records = [accepted, launching, update('TASK_RUNNING', 'u1')];
  const timerIn = (effects: readonly AgentEffect[]) =>
    effects.flatMap((one) => (one.kind === 'set-timer' && one.timer === 'completion' ? [one] : []));

  test.each([
    ['forwards', 24 * HOUR_MS],
    ['backwards', -24 * HOUR_MS],
  ])('has the rest of it though the clock was set %s while the agent was down', (_, jumpMs) => {
    const now = { epochMs: 60_000 + jumpMs, monoMs: 5 };
    const { tell } = recover(records, { identity: IDENTITY }, now);

    const found = tell({ kind: 'reattached', launched: { pid: 7 }, runningForMs: 60_000 });

    expect(timerIn(found)).toMatchObject([{ delayMs: HOUR_MS - 60_000 }]);
  });
});

test('an exit that is heard again after the end was acknowledged is told to nobody', () => {
  const exit = { run: RUN, status: { kind: 'exited', code: 0 }, oomKilled: false } as const;
  const { tell, state } = recover([accepted, launching, update('TASK_RUNNING', 'u1')]);
  tell({ kind: 'reattached', launched: { pid: 7 } });
  tell({ kind: 'acknowledged', uuid: 'u1' });
  tell({ kind: 'exited', exit });
  tell({ kind: 'acknowledged', uuid: state().tasks.get(RUN)?.stream.pending[0]?.uuid ?? '' });

  const again = tell({ kind: 'exited', exit });

  expect(state().tasks.size).toBe(0);
  expect(new Set(kindsOf(again))).toEqual(new Set(['release']));
});
