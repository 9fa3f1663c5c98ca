import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentId, appId, instanceId, taskId } from './ids.js';
import type { Instance } from './instance.js';
import { isTerminalCondition, toCondition } from './instance-condition.js';
import type { InstanceEvent } from './instance-event.js';
import { reduceInstance } from './instance-state.js';
import { TASK_STATES } from './task-state.js';

const at = (epochMs: number) => ({ epochMs, monoMs: epochMs });

const anInstance = (fields: Partial<Instance> = {}): Instance => ({
  id: instanceId('web.instance-1'),
  appId: appId('/web'),
  appVersion: 'v1',
  incarnation: 1,
  taskId: taskId('web.instance-1._app.1'),
  goal: 'Running',
  condition: 'Provisioned',
  sinceEpochMs: 0,
  createdAtEpochMs: 0,
  placement: { agentId: agentId('a1'), hostname: 'host', attributes: {} },
  hostPorts: [],
  ipAddresses: [],
  ...fields,
});

const kinds = (instance: Instance, event: InstanceEvent, now = at(10)) =>
  reduceInstance(instance, event, now).effects.map(({ kind }) => kind);

describe('reduceInstance', () => {
  it('goes from provisioned to running and says that it started once', () => {
    const running = reduceInstance(anInstance(), { kind: 'status', state: 'TASK_RUNNING' }, at(10));

    expect(running.state).toMatchObject({ condition: 'Running', startedAtEpochMs: 10 });
    expect(running.effects.map(({ kind }) => kind)).toEqual(['condition-changed', 'started']);
    expect(kinds(running.state, { kind: 'status', state: 'TASK_RUNNING' })).toEqual([]);
  });

  it('does not go back to an earlier stage', () => {
    const late = { kind: 'status', state: 'TASK_STAGING' } as const;

    expect(reduceInstance(anInstance({ condition: 'Running' }), late, at(1)).state.condition).toBe(
      'Running',
    );
  });

  it('counts a finished task against launches, and a killed one not', () => {
    const running = anInstance({ condition: 'Running' });

    expect(
      reduceInstance(running, { kind: 'status', state: 'TASK_FINISHED' }, at(1)).effects.at(-1),
    ).toEqual({ kind: 'ended', counted: true, failed: false });
    expect(
      reduceInstance(running, { kind: 'status', state: 'TASK_KILLED' }, at(1)).effects.at(-1),
    ).toEqual({ kind: 'ended', counted: false, failed: false });
    expect(
      reduceInstance(running, { kind: 'status', state: 'TASK_FAILED' }, at(1)).effects.at(-1),
    ).toEqual({ kind: 'ended', counted: true, failed: true });
  });

  it('does not blame the app for a launch that never got through', () => {
    const event = { kind: 'status', state: 'TASK_GONE', reason: 'REASON_RECONCILIATION' } as const;

    expect(reduceInstance(anInstance(), event, at(1)).effects.at(-1)).toEqual({
      kind: 'ended',
      counted: false,
      failed: false,
    });
  });

  it('kills again what should have gone and still runs', () => {
    const killing = anInstance({ goal: 'Decommissioned', condition: 'Killing' });

    const { state, effects } = reduceInstance(
      killing,
      { kind: 'status', state: 'TASK_RUNNING' },
      at(1),
    );

    expect(state.condition).toBe('Killing');
    expect(effects).toContainEqual({ kind: 'kill' });
  });

  it('replaces an unreachable instance after inactiveAfter and forgets it after expungeAfter', () => {
    const unreachableStrategy = { inactiveAfterSeconds: 1, expungeAfterSeconds: 2 };
    const away = anInstance({ condition: 'Unreachable', sinceEpochMs: 0 });
    const passed = (awayMs: number) =>
      ({ kind: 'time-passed', unreachableStrategy, awayMs, isReplaced: true }) as const;

    expect(kinds(away, passed(999))).toEqual([]);
    const inactive = reduceInstance(away, passed(1_000), at(10));
    expect(inactive.state.condition).toBe('UnreachableInactive');
    expect(kinds(inactive.state, passed(1_999))).toEqual([]);
    expect(kinds(inactive.state, passed(2_000))).toEqual(['expunge']);
  });

  it('forgets nothing while the app cannot do without it', () => {
    const unreachableStrategy = { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 };
    const away = anInstance({ condition: 'Unreachable' });
    const passed = { kind: 'time-passed', unreachableStrategy, awayMs: 1e9 } as const;

    const { state } = reduceInstance(away, { ...passed, isReplaced: false }, at(10));

    expect(state.condition).toBe('UnreachableInactive');
    expect(kinds(state, { ...passed, isReplaced: false })).toEqual([]);
    expect(kinds(state, { ...passed, isReplaced: true })).toEqual(['expunge']);
  });

  it('keeps an unreachable instance for ever when the strategy is disabled', () => {
    const away = anInstance({ condition: 'Unreachable' });

    const event = {
      kind: 'time-passed',
      unreachableStrategy: 'disabled',
      awayMs: 1e12,
      isReplaced: true,
    } as const;

    expect(kinds(away, event)).toEqual([]);
  });

  it('lets an unreachable instance come back', () => {
    const away = anInstance({ condition: 'UnreachableInactive' });

    const { state } = reduceInstance(away, { kind: 'status', state: 'TASK_RUNNING' }, at(1));

    expect(state.condition).toBe('Running');
  });

  it('reads TASK_LOST by its reason', () => {
    expect(toCondition('TASK_LOST', 'REASON_RECONCILIATION')).toBe('Unreachable');
    expect(toCondition('TASK_LOST', 'REASON_INVALID_OFFERS')).toBe('Gone');
  });

  it('never leaves a terminal condition, and repeating an event changes nothing more', () => {
    const anEvent = fc.oneof(
      fc.constantFrom(...TASK_STATES).map((state): InstanceEvent => ({ kind: 'status', state })),
      fc.constant<InstanceEvent>({ kind: 'decommission' }),
      fc.constant<InstanceEvent>({ kind: 'drain', deadlineEpochMs: 99 }),
      fc.constant<InstanceEvent>({
        kind: 'time-passed',
        unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 9 },
        awayMs: 5,
        isReplaced: true,
      }),
    );
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 20 }), (events) => {
        let instance = anInstance();
        for (const event of events) {
          const wasTerminal = isTerminalCondition(instance.condition);
          const { state } = reduceInstance(instance, event, at(5));
          if (wasTerminal) expect(state).toBe(instance);
          expect(reduceInstance(state, event, at(5)).state).toEqual(state);
          instance = state;
        }
      }),
    );
  });
});
