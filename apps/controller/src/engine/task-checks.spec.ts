import { expect, it } from 'vitest';
import type { App } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { toCheckResult, toWireCheck } from './task-checks.js';

const PORTS = [
  { port: 31_000, requested: 0 },
  { port: 31_001, requested: 0 },
];
const times = { delay_seconds: 1, interval_seconds: 2, timeout_seconds: 3 };
const given = { delaySeconds: 1, intervalSeconds: 2, timeoutSeconds: 3 };
const withCheck = (check: App['check']): App =>
  ({ ...anApp('/web'), ...(check === undefined ? {} : { check }) }) as App;

it.each([
  [
    'http of a port by its index',
    { http: { portIndex: 1, path: '/x', scheme: 'HTTPS' } },
    { type: 'HTTP', http: { port: 31_001, path: '/x', scheme: 'https' } },
  ],
  ['tcp of the first port', { tcp: {} }, { type: 'TCP', tcp: { port: 31_000 } }],
  ['tcp of a port of its own', { tcp: { port: 99 } }, { type: 'TCP', tcp: { port: 99 } }],
  [
    'a text for a shell',
    { exec: { command: { shell: 'test -f x' } } },
    { type: 'COMMAND', command: { command: { shell: true, value: 'test -f x' } } },
  ],
  [
    'a program with its arguments',
    { exec: { command: { argv: ['test', '-f', 'x'] } } },
    {
      type: 'COMMAND',
      command: { command: { shell: false, value: 'test', arguments: ['test', '-f', 'x'] } },
    },
  ],
])('gives the agent %s', (_what, check, wire) => {
  expect(toWireCheck(withCheck({ ...given, ...check }), PORTS)).toEqual({ ...wire, ...times });
});

it('gives none where the app has none', () => {
  expect(toWireCheck(withCheck(undefined), PORTS)).toBeUndefined();
});

it('tells what a status says of it, in the words of Marathon', () => {
  const status = (check_status: unknown) => ({
    ...{ task_id: { value: 't' }, state: 'TASK_RUNNING' },
    check_status,
  });

  expect(toCheckResult(status({ type: 'HTTP', http: { status_code: 503 } }))).toEqual({
    http: { statusCode: 503 },
  });
  expect(toCheckResult(status({ type: 'TCP', tcp: { succeeded: false } }))).toEqual({
    tcp: { succeeded: false },
  });
  expect(toCheckResult(status({ type: 'COMMAND', command: { exit_code: 0 } }))).toEqual({
    command: { exitCode: 0 },
  });
  expect(toCheckResult(status({ type: 'COMMAND', command: {} }))).toBeUndefined();
  expect(toCheckResult(status(undefined))).toBeUndefined();
});
