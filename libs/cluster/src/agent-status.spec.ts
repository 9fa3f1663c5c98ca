import { describe, expect, it } from 'vitest';
import { runKeyOfTask, type TaskExit } from '#core';
import { describeExit } from './agent-status.js';
import { type AgentTask, type AgentTaskContext, DEFAULT_TASK_OPTIONS } from './agent-task.js';
import { reduceAgentTask } from './agent-task-reducer.js';
import { emptyUpdateStream } from './update-stream.js';

const run = runKeyOfTask('web');

describe('an end nobody asked for', () => {
  const exit = (more: Partial<TaskExit>): TaskExit => ({
    ...{ run, status: { kind: 'exited', code: 0 }, oomKilled: false },
    ...more,
  });
  const failed = { state: 'TASK_FAILED', reason: 'REASON_COMMAND_EXECUTOR_FAILED' };
  const code = 137;

  it.each([
    [exit({}), { state: 'TASK_FINISHED' }],
    [exit({ status: { kind: 'exited', code: 3 } }), { ...failed, message: 'exited with code 3' }],
    [
      exit({ status: { kind: 'exited-or-signalled', code, signal: 9 } }),
      { ...failed, message: 'exited with code 137 (perhaps killed by signal 9)' },
    ],
    [
      exit({ status: { kind: 'signalled', signal: 9 }, oomKilled: true }),
      { state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LIMITATION_MEMORY' },
    ],
    [
      exit({ cause: 'ended with the engine' }),
      {
        ...{ state: 'TASK_FAILED', reason: 'REASON_EXECUTOR_TERMINATED' },
        message: 'ended with the engine (exited with code 0)',
      },
    ],
  ])('%o', (seen, content) => {
    expect(describeExit(seen)).toMatchObject(content);
  });
});

describe('what a launch waits for', () => {
  const context: AgentTaskContext = {
    ...{
      freeGpus: () => [],
      options: DEFAULT_TASK_OPTIONS,
      agentId: 'a1',
      hostAddress: '127.0.0.1',
    },
    ...{ uuids: { seed: Array(10).fill(1), count: 0 }, isConnected: true },
  };
  const now = { epochMs: 0, monoMs: 0 };
  const launching: AgentTask = {
    ...{ run, id: 'web', launcher: 'docker', stream: emptyUpdateStream, acceptedAtMs: 0 },
    framework: { user: 'root', name: 'f', id: { value: 'f' } },
    definition: {
      name: 'web',
      task_id: { value: 'web' },
      agent_id: { value: 'a1' },
      resources: [],
    },
    phase: { kind: 'launching' },
  };
  const progress = { kind: 'launch-progress', message: 'pulling nginx: 1 of 2 layers' } as const;

  it('is kept until it has started, and costs nothing else', () => {
    const waiting = reduceAgentTask(launching, progress, now, context);
    const started = { kind: 'launched', launched: { pid: 1 } } as const;
    const running = reduceAgentTask(waiting.state, started, now, context).state;

    expect(waiting.effects).toEqual([]);
    expect(waiting.state.phase).toEqual({ kind: 'launching', progress: progress.message });
    expect(running.phase).toEqual({ kind: 'running' });
    expect(reduceAgentTask(running, progress, now, context).state).toBe(running);
  });
});
