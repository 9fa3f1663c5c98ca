import { describe, expect, it } from 'vitest';
import { parseOperatorCall } from './parse-operator-call.js';

const issuesOf = (input: unknown) => {
  const parsed = parseOperatorCall(input);
  return parsed.kind === 'invalid' ? parsed.issues.map(({ path }) => path) : parsed.kind;
};

describe('parseOperatorCall', () => {
  it('reads a drain with its caps, null meaning absent', () => {
    const drain_agent = { agent_id: { value: 'S1' }, max_grace_period: null, mark_gone: 'true' };

    expect(parseOperatorCall({ type: 'DRAIN_AGENT', drain_agent })).toEqual({
      kind: 'parsed',
      value: { type: 'DRAIN_AGENT', drain_agent: { agent_id: { value: 'S1' }, mark_gone: true } },
    });
  });

  it('reads quota with numbers as text', () => {
    const quota_configs = [{ role: 'eng', guarantees: { cpus: { value: '1.5' } } }];

    expect(parseOperatorCall({ type: 'UPDATE_QUOTA', update_quota: { quota_configs } })).toEqual({
      kind: 'parsed',
      value: {
        type: 'UPDATE_QUOTA',
        update_quota: { quota_configs: [{ role: 'eng', guarantees: { cpus: { value: 1.5 } } }] },
      },
    });
  });

  it.each([
    [{ type: 'DRAIN_AGENT' }, 'drain_agent'],
    [{ type: 'DRAIN_AGENT', drain_agent: {} }, 'drain_agent.agent_id'],
    [
      { type: 'TEARDOWN', teardown: { framework_id: { value: '' } } },
      'teardown.framework_id.value',
    ],
    [
      { type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: [{ role: 'a', weight: 'x' }] } },
      'update_weights.weight_infos[0].weight',
    ],
    [{ type: 'REMOVE_QUOTA', remove_quota: { role: 'x'.repeat(256) } }, 'remove_quota.role'],
    [
      {
        type: 'UPDATE_MAINTENANCE_SCHEDULE',
        update_maintenance_schedule: { schedule: { windows: [{ machine_ids: [] }] } },
      },
      'update_maintenance_schedule.schedule.windows[0].unavailability',
    ],
  ])('names the field that is wrong in %j', (input, path) => {
    expect(issuesOf(input)).toContain(path);
  });

  it('tells calls it does not know from bad ones', () => {
    expect(issuesOf({ type: 'PRUNE_IMAGES' })).toBe('unknown-type');
    expect(issuesOf({ type: 'constructor' })).toBe('unknown-type');
    expect(issuesOf([])).toEqual(['']);
  });
});
