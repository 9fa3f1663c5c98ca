import { describe, expect, it } from 'vitest';
import { formatDuration, readMasterSettings, toFlags, toMasterConfig } from './master-settings.js';

const read = (environment: Readonly<Record<string, string>> = {}) =>
  readMasterSettings({
    environment: { DATABASE_URL: 'postgres://u:secret@h/d', ...environment },
    argv: [],
  });

describe('the settings of the master', () => {
  it('detect a lost agent within 10 s by default, and may be those of Mesos', () => {
    expect(toMasterConfig(read())).toMatchObject({
      agentTimeoutMs: 10_000,
      offerTimeoutMs: 120_000,
      recoveryAgentRemovalLimitPercent: 100,
      forgottenAgentMaxAgeMs: 1_209_600_000,
      maxForgottenAgents: 102_400,
    });
    expect(
      toMasterConfig(
        read({
          PACER_AGENT_PING_INTERVAL: '15secs',
          PACER_AGENT_TIMEOUT: '75secs',
          PACER_AGENT_REREGISTER_TIMEOUT: '10mins',
          PACER_OFFER_TIMEOUT: 'none',
          PACER_AGENT_REMOVAL_RATE_LIMIT: '1/10mins',
          PACER_RECOVERY_AGENT_REMOVAL_LIMIT: '12.5%',
        }),
      ),
    ).toMatchObject({
      pingIntervalMs: 15_000,
      agentTimeoutMs: 75_000,
      agentReregisterTimeoutMs: 600_000,
      offerTimeoutMs: Number.POSITIVE_INFINITY,
      agentRemovalRateLimit: { count: 1, perMs: 600_000 },
      recoveryAgentRemovalLimitPercent: 12.5,
    });
  });

  it.each([
    ['PACER_AGENT_TIMEOUT', '10', /PACER_AGENT_TIMEOUT: "10" is not a duration such as 10secs/],
    ['PACER_AGENT_TIMEOUT', '1ms', /from 1secs to 1days/],
    ['PACER_AGENT_TIMEOUT', '5secs', /less than twice PACER_AGENT_PING_INTERVAL, 3secs/],
    ['PACER_AGENT_REREGISTER_TIMEOUT', '9secs', /less than PACER_AGENT_TIMEOUT, 10secs/],
    ['PACER_AGENT_REMOVAL_RATE_LIMIT', '0/1secs', /neither none nor a rate such as 1\/10secs/],
    ['PACER_AGENT_REMOVAL_RATE_LIMIT', '1/x', /not a duration/],
    ['PACER_RECOVERY_AGENT_REMOVAL_LIMIT', '101%', /percentage from 0% to 100%/],
  ])('refuse %s=%s, and say why', (variable, value, message) => {
    expect(() => read({ [variable]: value })).toThrow(message);
  });

  it('are told as flags, without secrets', () => {
    const flags = toFlags(read({ PACER_AGENT_REMOVAL_RATE_LIMIT: '2/10secs' }));

    expect(flags).toMatchObject({
      agent_timeout: '10secs',
      agent_removal_rate_limit: '2/10secs',
      registry_max_agent_age: '2weeks',
    });
    expect(JSON.stringify(flags)).not.toContain('secret');
  });
});

describe('formatDuration', () => {
  it('uses the largest unit that leaves a whole number', () => {
    expect([500, 90_000, 3_600_000].map(formatDuration)).toEqual(['500ms', '90secs', '1hrs']);
  });
});
