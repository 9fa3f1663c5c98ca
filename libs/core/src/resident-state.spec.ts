import { describe, expect, it } from 'vitest';
import { agentId, appId, instanceId, taskId } from './ids.js';
import type { Instance } from './instance.js';
import type { InstanceEvent } from './instance-event.js';
import { reduceInstance } from './instance-state.js';
import { isDormant, isLeftover, isParked } from './parked-instance.js';

const now = { epochMs: 1_000, monoMs: 1_000 };

const resident = (fields: Partial<Instance> = {}, isConfirmed = true): Instance => ({
  ...{ id: instanceId('db.i'), appId: appId('/db'), appVersion: 'v1', incarnation: 1 },
  ...{ taskId: taskId('db.i._app.1'), goal: 'Running', condition: 'Running' },
  ...{ sinceEpochMs: 1, createdAtEpochMs: 1, startedAtEpochMs: 1, hostPorts: [31_000] },
  ipAddresses: [],
  placement: { agentId: agentId('a1'), hostname: 'h', attributes: {} },
  reservation: { role: 'db', frameworkId: 'f', volumes: [], isConfirmed },
  ...fields,
});
const status = (state: Extract<InstanceEvent, { kind: 'status' }>['state'], reason?: string) =>
  ({ kind: 'status', state, ...(reason === undefined ? {} : { reason }) }) as const;
const apply = (instance: Instance, ...events: readonly InstanceEvent[]): Instance =>
  events.reduce((state, event) => reduceInstance(state, event, now).state, instance);
const stop = (isComingBack: boolean) => ({ kind: 'stop', isComingBack }) as const;

describe('an instance with a reservation', () => {
  it('is scheduled again when its task ends, under the id of its next task', () => {
    const { state, effects } = reduceInstance(resident(), status('TASK_FAILED'), now);

    expect(state).toMatchObject({
      ...{ condition: 'Scheduled', goal: 'Running', incarnation: 2, taskId: 'db.i._app.2' },
      placement: { agentId: 'a1' },
    });
    expect(effects.map(({ kind }) => kind)).toEqual(['parked', 'ended']);
    expect(effects).toContainEqual({ kind: 'ended', counted: true, failed: true });
    expect(isParked(state)).toBe(true);
  });

  it('is stopped for good, or comes back', () => {
    expect(apply(resident(), stop(false), status('TASK_KILLED'))).toMatchObject({
      ...{ goal: 'Stopped', condition: 'Scheduled' },
    });
    expect(apply(resident(), stop(true), status('TASK_KILLED')).goal).toBe('Running');
  });

  it('is left over when it was given up, wherever it was', () => {
    const decommission = { kind: 'decommission' } as const;

    expect(isLeftover(apply(resident(), decommission, status('TASK_KILLED')))).toBe(true);
    expect(isLeftover(apply(resident(), status('TASK_FAILED'), decommission))).toBe(true);
    expect(isLeftover(apply(resident(), status('TASK_UNREACHABLE'), decommission))).toBe(true);
    const gone = apply(resident(), decommission, status('TASK_UNREACHABLE'), {
      ...{ kind: 'time-passed', unreachableStrategy: 'disabled', awayMs: 1, isReplaced: true },
    });
    expect(isLeftover(gone)).toBe(true);
  });

  it('waits for its agent for ever, and ends when it is back if it was stopped meanwhile', () => {
    const away = apply(resident(), status('TASK_UNREACHABLE'), {
      kind: 'time-passed',
      unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
      awayMs: 1e9,
      isReplaced: true,
    });
    expect(away.condition).toBe('Unreachable');
    expect(isDormant(away)).toBe(false);

    const stopped = apply(away, stop(false));
    expect([stopped.condition, isDormant(stopped)]).toEqual(['Unreachable', true]);
    const back = reduceInstance(stopped, status('TASK_RUNNING'), now);
    expect(back.state.condition).toBe('Killing');
    expect(back.effects).toContainEqual({ kind: 'kill' });
  });

  it('goes on when it is back if it is wanted again by then', () => {
    const revive = { kind: 'revive' } as const;
    const wanted = apply(resident(), status('TASK_UNREACHABLE'), stop(false), revive);

    const back = reduceInstance(wanted, status('TASK_RUNNING'), now);

    expect(isDormant(wanted)).toBe(false);
    expect(back.state).toMatchObject({ condition: 'Running', goal: 'Running' });
    expect(back.effects).not.toContainEqual({ kind: 'kill' });
    const dying = apply(resident(), stop(false));
    expect(apply(dying, revive)).toBe(dying);
  });
});

describe('a reservation nobody has seen yet', () => {
  it('is confirmed by what only an agent that has it can tell', () => {
    const launched = resident({ condition: 'Provisioned' }, false);

    expect(apply(launched, status('TASK_STARTING')).reservation?.isConfirmed).toBe(true);
    expect(apply(launched, status('TASK_UNREACHABLE')).reservation?.isConfirmed).toBe(false);
  });

  it('is given up with the launch that was to make it', () => {
    const launched = resident({ condition: 'Provisioned' }, false);

    const gone = apply(launched, status('TASK_GONE', 'REASON_RECONCILIATION'));
    expect(isLeftover(gone)).toBe(true);
    const dropped = reduceInstance(launched, status('TASK_DROPPED', 'REASON_INVALID_OFFERS'), now);
    expect(dropped.state.condition).toBe('Dropped');
    expect(dropped.effects.map(({ kind }) => kind)).not.toContain('parked');
  });
});
