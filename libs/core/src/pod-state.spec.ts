import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentId, appId, instanceId, taskId } from './ids.js';
import type { Instance } from './instance.js';
import { isTerminalCondition } from './instance-condition.js';
import type { InstanceEffect, InstanceEvent } from './instance-event.js';
import { reduceInstance } from './instance-state.js';
import { TASK_STATES, type TaskState } from './task-state.js';

const at = (epochMs: number) => ({ epochMs, monoMs: epochMs });
const NAMES = ['web', 'log'] as const;
type Name = (typeof NAMES)[number];
const idOf = (name: Name) => taskId(`pod.instance-1.${name}.1`);

const aPod = (): Instance => ({
  id: instanceId('pod.instance-1'),
  appId: appId('/pod'),
  appVersion: 'v1',
  incarnation: 1,
  taskId: idOf('web'),
  podTasks: NAMES.map((container) => ({
    container,
    taskId: idOf(container),
    condition: 'Provisioned',
    sinceEpochMs: 0,
  })),
  goal: 'Running',
  condition: 'Provisioned',
  sinceEpochMs: 0,
  createdAtEpochMs: 0,
  placement: { agentId: agentId('a1'), hostname: 'host', attributes: {} },
  hostPorts: [],
  ipAddresses: [],
});

const said = (name: Name, state: TaskState, reason?: string): InstanceEvent => ({
  kind: 'status',
  taskId: idOf(name),
  state,
  ...(reason === undefined ? {} : { reason }),
});

/** The instance after the events, and the effects of the last one. */
function seen(...events: readonly InstanceEvent[]) {
  let instance = aPod();
  let effects: readonly InstanceEffect[] = [];
  for (const event of events)
    ({ state: instance, effects } = reduceInstance(instance, event, at(5)));
  return { instance, effects, kinds: effects.map(({ kind }) => kind) };
}

const running = [said('web', 'TASK_RUNNING'), said('log', 'TASK_RUNNING')] as const;

describe('an instance of a pod', () => {
  it('runs when all its containers do', () => {
    expect(seen(running[0]).instance.condition).toBe('Provisioned');
    expect(seen(running[0], said('log', 'TASK_STARTING')).instance.condition).toBe('Starting');
    expect(seen(...running)).toMatchObject({
      instance: { condition: 'Running', startedAtEpochMs: 5 },
      kinds: ['condition-changed', 'started'],
    });
  });

  it('hears the same thing twice without a change', () => {
    const { instance } = seen(...running);

    expect(reduceInstance(instance, running[0], at(9)).state).toBe(instance);
  });

  it('ends with a container that fails: once all others have, and the failure counts once', () => {
    const first = seen(...running, said('log', 'TASK_FAILED'));
    expect(first.instance).toMatchObject({ condition: 'Killing', goal: 'Decommissioned' });
    expect(first.effects).toEqual([
      { kind: 'kill' },
      { kind: 'condition-changed', from: 'Running' },
      { kind: 'container-failed', condition: 'Failed', counted: true, failed: true },
    ]);

    const last = seen(...running, said('log', 'TASK_FAILED'), said('web', 'TASK_KILLED'));
    expect(last.instance.condition).toBe('Failed');
    expect(last.effects.at(-1)).toEqual({ kind: 'ended', counted: false, failed: false });
  });

  it('goes on without a container that finished, and ends when all have', () => {
    const one = seen(...running, said('log', 'TASK_FINISHED'));
    expect(one).toMatchObject({ instance: { condition: 'Running', goal: 'Running' }, kinds: [] });

    const all = seen(...running, said('log', 'TASK_FINISHED'), said('web', 'TASK_FINISHED'));
    expect(all.instance.condition).toBe('Finished');
    expect(all.effects.at(-1)).toEqual({ kind: 'ended', counted: true, failed: false });
  });

  it('does not blame the pod for a launch that never got through', () => {
    const lost = said('web', 'TASK_GONE', 'REASON_RECONCILIATION');

    expect(seen(lost).effects.at(-1)).toEqual({
      kind: 'container-failed',
      condition: 'Gone',
      counted: false,
      failed: false,
    });
    expect(
      seen({ kind: 'status', state: 'TASK_DROPPED', reason: 'REASON_INVALID_OFFERS' }).effects,
    ).toContainEqual({ kind: 'ended', counted: false, failed: false });
  });

  it('is unreachable while any container is, and comes back with the last', () => {
    const away = [said('web', 'TASK_UNREACHABLE'), said('log', 'TASK_UNREACHABLE')] as const;

    expect(seen(...running, away[0]).instance.condition).toBe('Unreachable');
    expect(seen(...running, ...away, running[0]).instance.condition).toBe('Unreachable');
    expect(seen(...running, ...away, ...running).instance.condition).toBe('Running');
  });

  it('is killed again while any container of one that should go still runs', () => {
    const { instance, kinds } = seen(...running, { kind: 'decommission' }, running[1]);

    expect(instance.condition).toBe('Killing');
    expect(kinds).toEqual(['kill']);
  });

  it('ends exactly when all containers have, whatever is said in whatever order', () => {
    const anEvent = fc.oneof(
      fc
        .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...TASK_STATES))
        .map(([name, state]) => said(name, state)),
      fc.constant<InstanceEvent>({ kind: 'decommission' }),
    );
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 20 }), (events) => {
        let instance = aPod();
        let counted = 0;
        for (const event of events) {
          const { state, effects } = reduceInstance(instance, event, at(5));
          const isOver = (state.podTasks ?? []).every(({ condition }) =>
            isTerminalCondition(condition),
          );
          if (effects.some(({ kind }) => kind === 'expunge')) return;
          expect(isTerminalCondition(state.condition)).toBe(isOver);
          expect(reduceInstance(state, event, at(6)).state).toEqual(state);
          counted += effects.filter((effect) => 'counted' in effect && effect.counted).length;
          instance = state;
        }
        expect(counted).toBeLessThanOrEqual(1);
      }),
    );
  });
});
