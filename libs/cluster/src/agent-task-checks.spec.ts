import { describe, expect, test } from 'vitest';
import { readRunKey } from '#core';
import type { TaskInfo } from '#mesos-v1';
import { SEED } from './agent.test-support.js';
import type { ProbeSight } from './agent-check.js';
import { newAgentTask } from './agent-state.js';
import {
  type AgentTask,
  type AgentTaskEffect,
  type AgentTaskEvent,
  type CheckSubject,
  DEFAULT_TASK_OPTIONS,
} from './agent-task.js';
import { reduceAgentTask } from './agent-task-reducer.js';

// Section 6 of the contract, 37 and 38: what an agent makes of health checks and checks.

const RUN = readRunKey('web');
const HEALTH = { type: 'HTTP', http: { port: 80 } } as const;
const CHECK = { type: 'COMMAND', command: { command: { value: 'x' } } } as const;
const passed: ProbeSight = { passed: true, detail: 'ok', exitCode: 0, status: 200 };
const failed: ProbeSight = { passed: false, detail: 'bad', exitCode: 3, status: 503 };

/** A task that was launched, and what is told of it. */
function runTask(checks: Partial<TaskInfo>, capabilities: readonly string[] = []) {
  const definition: TaskInfo = {
    name: 'web',
    task_id: { value: 'web' },
    agent_id: { value: 'a1' },
    resources: [],
    command: { value: 'sleep 1' },
    ...checks,
  };
  const framework = {
    user: 'root',
    name: 'f',
    id: { value: 'f' },
    capabilities: capabilities.map((type) => ({ type })),
  };
  let task: AgentTask = newAgentTask(framework, definition, {
    monoMs: 0,
    isConnected: true,
    launcher: 'process',
    run: RUN,
  });
  const effects: AgentTaskEffect[] = [];
  const context = {
    freeGpus: () => [],
    options: DEFAULT_TASK_OPTIONS,
    agentId: 'a1',
    hostAddress: '127.0.0.1',
    uuids: { seed: SEED, count: 0 },
    isConnected: true,
  };
  const feed = (event: AgentTaskEvent, monoMs: number) => {
    const reduced = reduceAgentTask(task, event, { monoMs, epochMs: monoMs }, context);
    task = reduced.state;
    effects.push(...reduced.effects);
    return reduced.effects;
  };
  feed({ kind: 'accepted' }, 0);
  feed({ kind: 'slot-granted' }, 0);
  feed({ kind: 'launched', launched: { pid: 7 } }, 0);
  /** The time of a check comes, and it sees this at once. */
  const see = (subject: CheckSubject, seen: ProbeSight) => {
    const dueMs = task.schedules?.[subject]?.dueMs ?? Number.NaN;
    const begun = feed({ kind: 'timer', timer: subject }, dueMs);
    if (!begun.some(({ kind }) => kind === 'probe')) return [];
    return feed({ kind: 'probed', subject, seen }, dueMs + 1);
  };
  const told = () =>
    effects.flatMap((effect) =>
      effect.kind !== 'journal'
        ? []
        : effect.records.flatMap((record) => (record.kind === 'update' ? [record.status] : [])),
    );
  return { feed, see, told, effects, task: () => task };
}

describe('health checks', () => {
  test('HealthStatusChange: each unhealthy result and the first healthy one are TASK_RUNNING with the reason', () => {
    const { see, told } = runTask({ health_check: HEALTH });

    for (const seen of [passed, passed, failed, passed]) see('health', seen);

    const [first, ...rest] = told();
    expect(first).not.toHaveProperty('healthy');
    expect(rest.map(({ healthy }) => healthy)).toEqual([true, false, true]);
    for (const { state, reason } of rest) {
      expect([state, reason]).toEqual(['TASK_RUNNING', 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED']);
    }
  });

  test('ConsecutiveFailures: the task is killed with its grace, and the end says healthy: false', () => {
    const { see, feed, told, effects } = runTask(
      {
        health_check: { ...HEALTH, consecutive_failures: 2 },
        kill_policy: { grace_period: { nanoseconds: 7e9 } },
      },
      ['TASK_KILLING_STATE'],
    );

    see('health', failed);
    see('health', failed);
    feed(
      {
        kind: 'exited',
        exit: { run: RUN, status: { kind: 'signalled', signal: 15 }, oomKilled: false },
      },
      40_000,
    );

    expect(effects).toContainEqual({ kind: 'kill', run: RUN, launcher: 'process', graceMs: 7_000 });
    expect(told().map(({ state, healthy }) => [state, healthy])).toEqual([
      ['TASK_RUNNING', undefined],
      ['TASK_RUNNING', false],
      ['TASK_RUNNING', false],
      ['TASK_KILLING', false],
      ['TASK_KILLED', false],
    ]);
  });

  test('GracePeriod: counts from the start of the task, until the first success', () => {
    const { see, told } = runTask({ health_check: { ...HEALTH, grace_period_seconds: 30 } });

    see('health', failed);
    see('health', failed);
    expect(told()).toHaveLength(1);
    see('health', failed);

    expect(told().map(({ healthy }) => healthy)).toEqual([undefined, false]);
  });

  test('what was not probed counts for nothing, and the next one comes in its time', () => {
    const { see, told, task } = runTask({ health_check: HEALTH });

    see('health', passed);
    const dueMs = task().schedules?.health?.dueMs ?? 0;
    see('health', { passed: false, detail: 'too many wait', skipped: true });

    expect(told().map(({ healthy }) => healthy)).toEqual([undefined, true]);
    expect(task().schedules?.health).toMatchObject({ dueMs: dueMs + 10_000, isUnderWay: false });
  });

  test('no more than one is under way, however slow it is', () => {
    const { feed, task } = runTask({ health_check: HEALTH });

    const begun = [1, 2, 3].map(() =>
      feed({ kind: 'timer', timer: 'health' }, task().schedules?.health?.dueMs ?? 0),
    );

    expect(begun.map((all) => all.filter(({ kind }) => kind === 'probe').length)).toEqual([
      1, 0, 0,
    ]);
  });
});

describe('checks', () => {
  test('CommandCheckStatusChange: a status is told when it changes, and the first one is empty', () => {
    const { see, told } = runTask({ check: CHECK });

    for (const seen of [failed, failed, passed]) see('check', seen);

    expect(told().map(({ check_status, reason }) => [check_status, reason])).toEqual([
      [{ type: 'COMMAND', command: {} }, undefined],
      [{ type: 'COMMAND', command: { exit_code: 3 } }, 'REASON_TASK_CHECK_STATUS_UPDATED'],
      [{ type: 'COMMAND', command: { exit_code: 0 } }, 'REASON_TASK_CHECK_STATUS_UPDATED'],
    ]);
  });

  test.each([
    ['COMMAND', CHECK, { command: { exit_code: 3 } }, { command: {} }],
    ['HTTP', { type: 'HTTP', http: { port: 1 } }, { http: { status_code: 503 } }, { http: {} }],
    ['TCP', { type: 'TCP', tcp: { port: 1 } }, { tcp: { succeeded: false } }, { tcp: {} }],
  ])(
    'TimeoutEmptyResult: %s that does not answer in time has an empty body',
    (type, check, body, empty) => {
      const { see, told } = runTask({ check });

      see('check', failed);
      see('check', { passed: false, detail: 'no answer', timedOut: true });

      expect(told().map(({ check_status }) => check_status)).toEqual([
        { type, ...empty },
        { type, ...body },
        { type, ...empty },
      ]);
    },
  );

  test('CheckAndHealthCheckNoShadowing: each is told with the last of the other, and the end has the check too', () => {
    const { see, feed, told } = runTask({ check: CHECK, health_check: HEALTH });

    see('health', passed);
    see('check', failed);
    see('health', failed);
    feed(
      { kind: 'exited', exit: { run: RUN, status: { kind: 'exited', code: 0 }, oomKilled: false } },
      90_000,
    );

    const empty = { type: 'COMMAND', command: {} };
    const three = { type: 'COMMAND', command: { exit_code: 3 } };
    expect(told().map(({ healthy, check_status }) => [healthy, check_status])).toEqual([
      [undefined, empty],
      [true, empty],
      [true, three],
      [false, three],
      [undefined, three],
    ]);
  });

  test('never ends a task', () => {
    const { see, effects } = runTask({ check: CHECK });

    for (let round = 0; round < 20; round += 1) see('check', failed);

    expect(effects.map(({ kind }) => kind)).not.toContain('kill');
  });
});
