import { expect, test } from 'vitest';
import { type AgentHealth, NEVER_KILL, readHealthSettings, reduceHealth } from './agent-health.js';

const start = (maxConsecutiveFailures: number): AgentHealth => ({
  settings: {
    ...readHealthSettings({ grace_period_seconds: 10 }),
    maxConsecutiveFailures,
  },
  startedAtMs: 0,
  isPastGrace: false,
  isHealthy: false,
  consecutiveFailures: 0,
});

/** `+` passes, `-` fails; one result every five seconds from the fifth on. */
function run(results: string, max = 3) {
  let health = start(max);
  return [...results].map((result, index) => {
    const passed = result === '+';
    const reduced = reduceHealth(health, { passed, detail: result }, (index + 1) * 5_000);
    health = reduced.state;
    return reduced.effects.map((one) => (one.kind === 'kill' ? 'kill' : one.healthy)).join();
  });
}

test('failures inside the grace period before the first success are ignored', () => {
  expect(run('--++')).toEqual(['', '', 'true', '']);
});

test('every unhealthy result and the first healthy one after it are reported', () => {
  expect(run('+--++-', NEVER_KILL)).toEqual(['true', 'false', 'false', 'true', '', 'false']);
});

test('the task is killed at the number of consecutive failures', () => {
  expect(run('+---')).toEqual(['true', 'false', 'false', 'false,kill']);
});

test('at the maximum count nothing is ever killed', () => {
  expect(run('-'.repeat(50), NEVER_KILL).join()).not.toContain('kill');
});

test('missing fields have the defaults of Mesos', () => {
  expect(readHealthSettings({})).toEqual({
    graceMs: 10_000,
    maxConsecutiveFailures: 3,
  });
});
