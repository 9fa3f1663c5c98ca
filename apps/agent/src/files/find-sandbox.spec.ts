import { expect, test } from 'vitest';
import { runKey } from '#core';
import { findSandbox } from './find-sandbox.js';
import { parseSandboxPath } from './sandbox-path.js';

const POD = runKey('pod', 'x');
const EARLIER_POD = runKey('pod', 'w');
const [A, B, OLD] = [runKey('a', 'x'), runKey('b', 'x'), runKey('old', 'w')];

const member = (id: string, executor: string) => ({
  ...{ id, framework: { id: { value: 'F' } }, phase: { kind: 'running' } },
  definition: { executor: { executor_id: { value: 'pod' } } },
  group: { executor, executorId: 'pod', members: [] },
});
const STATE = {
  tasks: new Map([
    [A, { ...member('a', POD), run: A }],
    [B, { ...member('b', POD), run: B }],
  ]),
  current: new Map([['F', new Map([...[['a', A] as const], ...[['b', B] as const]])]]),
  completed: new Map([
    [
      OLD,
      {
        ...{ run: OLD, taskId: 'old', frameworkId: 'F' },
        group: { executor: EARLIER_POD, executorId: 'pod' },
      },
    ],
  ]),
  ...{ executors: new Map(), executorRuns: new Map(), completedExecutors: new Map() },
  groups: {
    members: new Map([[POD, new Set([A, B])]]),
    runs: new Map([['F\npod', POD]]),
  },
} as unknown as Parameters<typeof findSandbox>[0];

const find = (path: string) => findSandbox(STATE, parseSandboxPath(path));

test.each([
  ['/frameworks/F/executors/pod/runs/latest/tasks/a/stdout', POD, POD, ''],
  [`/frameworks/F/executors/pod/runs/${POD}/data`, POD, POD, ''],
  [`/frameworks/F/executors/pod/runs/${EARLIER_POD}/data`, EARLIER_POD, EARLIER_POD, ''],
  ['/tasks/a/stdout', A, POD, `containers/${A}`],
  ['/frameworks/F/executors/b/runs/latest/stdout', B, POD, `containers/${B}`],
  [`/frameworks/F/executors/b/runs/${B}/stdout`, B, POD, `containers/${B}`],
  ['/tasks/old/stdout', OLD, EARLIER_POD, `containers/${OLD}`],
])('%s is of run %s, in the folder of %s', (path, run, folder, inside) => {
  expect(find(path)).toEqual({ run, folder, inside });
});

test.each([
  `/frameworks/F/executors/pod/runs/${runKey('pod', 'other')}/data`,
  `/frameworks/F/executors/a/runs/${B}/stdout`,
  '/frameworks/other/executors/a/runs/nothing/stdout',
])('%s is nobody else’s', (path) => {
  const found = (() => {
    try {
      return find(path).folder;
    } catch {
      return undefined;
    }
  })();

  expect([POD, EARLIER_POD]).not.toContain(found);
});
