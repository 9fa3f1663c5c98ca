import { expect, test } from 'vitest';
import type { FrameworkInfo, TaskInfo } from '#mesos-v1';
import { nthRun, SEED } from './agent.test-support.js';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { applyRecord, emptyJournalImage, type JournalRecord } from './agent-records.js';
import { type RecoveredJournal, recoverAgent } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import { DEFAULT_TASK_OPTIONS } from './agent-task.js';

const RUN = nthRun('web');
const EXECUTOR_RUN = nthRun('E');
const framework: FrameworkInfo = { user: 'root', name: 'f', id: { value: 'f1' } };
const executor = { executor_id: { value: 'E' }, command: { value: './executor' }, resources: [] };
const task: TaskInfo = {
  name: 'web',
  task_id: { value: 'web' },
  agent_id: { value: 'a1' },
  resources: [],
  executor,
};
const TASK: JournalRecord = {
  kind: 'accepted',
  ...{ run: RUN, framework, task, executorRun: EXECUTOR_RUN },
};
const EXECUTOR: JournalRecord = {
  kind: 'executor-accepted',
  ...{ run: EXECUTOR_RUN, framework, executor },
};
const IDENTITY = { agentId: 'a1', highestEpoch: 1, bootId: 'b' };
const NOW = { epochMs: 0, monoMs: 0 };

/** What an agent that starts over these records does. */
function recover(records: readonly JournalRecord[], found: Partial<RecoveredJournal>) {
  const image = emptyJournalImage();
  for (const record of records) applyRecord(image, record);
  const options = {
    ...DEFAULT_TASK_OPTIONS,
    lanes: DEFAULT_LANE_LIMITS,
    hostAddress: '127.0.0.1',
    launchers: { process: { available: true }, docker: { available: true } },
  } as const;
  const { state, effects } = recoverAgent(
    { image, damaged: new Map(), ...found },
    { bootId: 'b', seed: SEED, options, now: NOW },
  );
  const started = reduceAgent(state, { kind: 'started' }, NOW);
  const kinds = [...effects, ...started.effects].map(({ kind }) => kind);
  return { kinds, state: started.state };
}

test('an executor that was not handed to a launcher is launched', () => {
  for (const records of [[TASK, EXECUTOR], [TASK]]) {
    expect(recover(records, { identity: IDENTITY }).kinds).toContain('launch-executor');
  }
});

test('with damage that is nobody’s no executor is launched: it is looked for, or its tasks have failed', () => {
  const found = { identity: IDENTITY, unattributed: 'line at byte 0' };

  const known = recover([TASK, EXECUTOR], found);
  const unknown = recover([TASK], found);

  expect(known.kinds).toContain('reattach');
  expect(known.kinds).not.toContain('launch-executor');
  expect(unknown.kinds).not.toContain('launch-executor');
  expect(unknown.state.tasks.get(RUN)?.stream.latest?.state).toBe('TASK_FAILED');
});

test('an agent whose identity is gone ends its executors before it registers anew', () => {
  const launching: JournalRecord = { kind: 'executor-launching', run: EXECUTOR_RUN };

  const { kinds, state } = recover([EXECUTOR, launching], {});

  expect(state.leaving).toBe('reregister');
  expect(kinds).toContain('pause-link');
  expect(state.executors.get(EXECUTOR_RUN)?.ending?.reason).toBe('REASON_AGENT_REMOVED');
});
