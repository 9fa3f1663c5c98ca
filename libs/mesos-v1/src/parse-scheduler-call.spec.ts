import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAgentCall } from './parse-agent-call.js';
import { parseSchedulerCall } from './parse-scheduler-call.js';
import { parseSchedulerEvent } from './parse-scheduler-event.js';

const id = { value: 'f1' };

describe('parseSchedulerCall', () => {
  it('reads a SUBSCRIBE with nulls for every unset field, as the npm client sends it', () => {
    const parsed = parseSchedulerCall({
      type: 'SUBSCRIBE',
      framework_id: null,
      accept: null,
      subscribe: {
        framework_info: {
          user: 'root',
          name: 'n',
          id: null,
          failover_timeout: '604800',
          checkpoint: 'true',
          capabilities: null,
        },
      },
    });

    expect(parsed).toEqual({
      kind: 'parsed',
      value: {
        type: 'SUBSCRIBE',
        subscribe: {
          framework_info: { user: 'root', name: 'n', failover_timeout: 604_800, checkpoint: true },
        },
      },
    });
  });

  it('wants the outer and the inner framework id of a SUBSCRIBE to be equal', () => {
    const parsed = parseSchedulerCall({
      type: 'SUBSCRIBE',
      framework_id: id,
      subscribe: { framework_info: { user: 'root', name: 'n' } },
    });

    expect(parsed).toMatchObject({ kind: 'invalid', issues: [{ path: 'framework_id' }] });
  });

  it('names the missing required field', () => {
    expect(parseSchedulerCall({ type: 'DECLINE', framework_id: id })).toEqual({
      kind: 'invalid',
      issues: [{ path: 'decline', message: 'is required' }],
    });
    expect(parseSchedulerCall({ type: 'REVIVE' })).toMatchObject({
      kind: 'invalid',
      issues: [{ path: 'framework_id' }],
    });
  });

  it('tells a type it does not know from a bad message', () => {
    expect(parseSchedulerCall({ type: 'DANCE', framework_id: id })).toEqual({
      kind: 'unknown-type',
      type: 'DANCE',
    });
    expect(parseSchedulerCall({ type: 'constructor' }).kind).toBe('unknown-type');
    expect(parseSchedulerCall({}).kind).toBe('invalid');
    expect(parseSchedulerCall('x').kind).toBe('invalid');
  });

  it('wants the uuid of an ACKNOWLEDGE to be 16 bytes', () => {
    const acknowledge = (uuid: string) =>
      parseSchedulerCall({
        type: 'ACKNOWLEDGE',
        framework_id: id,
        acknowledge: { agent_id: id, task_id: id, uuid },
      }).kind;

    expect(acknowledge('AAAAAAAAAAAAAAAAAAAAAA==')).toBe('parsed');
    expect(acknowledge('AAAA')).toBe('invalid');
    expect(acknowledge('not base64 at all!!!!!==')).toBe('invalid');
  });

  it('takes an absent list of RECONCILE for an empty one', () => {
    expect(
      parseSchedulerCall({ type: 'RECONCILE', framework_id: id, reconcile: {} }),
    ).toMatchObject({ kind: 'parsed', value: { reconcile: { tasks: [] } } });
  });

  it('keeps fields of a task it does not know, without nulls, and ignores those of the call', () => {
    const task = {
      name: 't',
      task_id: { value: 't' },
      agent_id: { value: 'a' },
      resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: '0.5' } }],
      command: { value: 'true' },
      max_completion_time: { nanoseconds: 5, extra: null },
    };
    const parsed = parseSchedulerCall({
      type: 'ACCEPT',
      framework_id: id,
      nonsense: 1,
      accept: {
        offer_ids: [{ value: 'o' }],
        operations: [{ type: 'LAUNCH', launch: { task_infos: [task] } }],
      },
    });

    expect(parsed).toEqual({
      kind: 'parsed',
      value: {
        type: 'ACCEPT',
        framework_id: id,
        accept: {
          offer_ids: [{ value: 'o' }],
          operations: [
            {
              type: 'LAUNCH',
              launch: {
                task_infos: [
                  {
                    ...task,
                    resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 0.5 } }],
                    max_completion_time: { nanoseconds: 5 },
                  },
                ],
              },
            },
          ],
        },
      },
    });
  });

  it('never throws, whatever JSON it gets', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('SUBSCRIBE', 'ACCEPT', 'KILL', 'RECONCILE', 'UPDATE', 'OFFERS', 'PONG'),
        fc.jsonValue(),
        fc.string(),
        (type, value, name) => {
          const body = {
            type,
            framework_id: value,
            subscribe: value,
            accept: { offer_ids: value, operations: [value] },
            kill: value,
            reconcile: value,
            update: value,
            offers: value,
            [name]: value,
          };
          for (const parse of [parseSchedulerCall, parseAgentCall, parseSchedulerEvent]) {
            parse(body);
            parse(value);
          }
        },
      ),
    );
  });

  it('refuses nesting without end instead of overflowing', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 10_000; level += 1) deep = [deep];

    const parsed = parseSchedulerCall({
      type: 'SUBSCRIBE',
      subscribe: { framework_info: { user: 'u', name: 'n', labels: deep } },
    });

    expect(parsed.kind).toBe('invalid');
  });

  it.each([
    ['framework id', 'nul\u0000'],
    ['framework id', '../x'],
    ['framework id', 'x'.repeat(256)],
    ['hostname', 'half a pair \ud800'],
    ['role', 'line\nbreak'],
  ])('refuses the %s %j, which can be neither stored nor shown', (what, value) => {
    const info = {
      user: 'u',
      name: 'n',
      ...(what === 'framework id' ? { id: { value } } : { [what]: value }),
    };

    const parsed = parseSchedulerCall({
      type: 'SUBSCRIBE',
      ...(what === 'framework id' ? { framework_id: { value } } : {}),
      subscribe: { framework_info: info },
    });

    expect(parsed.kind).toBe('invalid');
  });

  it.each([
    [{ name: '__proto__', type: 'SCALAR', scalar: { value: 1 } }, 'name'],
    [{ name: 'a\u0000', type: 'SCALAR', scalar: { value: 1 } }, 'name'],
    [{ name: 'cpus', type: 'SCALAR', scalar: { value: 1e300 } }, 'scalar.value'],
    [{ name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 0.5, end: 2 }] } }, 'begin'],
    [{ name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 1, end: 1e300 }] } }, 'end'],
  ])('refuses the resource %j of an agent, and says where', (resource, field) => {
    const parsed = parseAgentCall({
      type: 'SUBSCRIBE',
      subscribe: {
        agent_info: { hostname: 'h', port: 1, resources: [resource] },
        version: '1',
        highest_epoch: 0,
      },
    });

    expect(parsed).toMatchObject({
      kind: 'invalid',
      issues: [
        {
          path: expect.stringMatching(new RegExp(`subscribe\\.agent_info\\.resources.*${field}$`)),
        },
      ],
    });
  });
});

describe('the limits of a call', () => {
  const many = (count: number, entry: unknown) => Array.from({ length: count }, () => entry);
  const task = { name: 't', task_id: id, agent_id: id };
  const resource = { name: 'cpus', type: 'SCALAR', scalar: { value: 1 } };
  const launch = (tasks: unknown) => ({
    type: 'ACCEPT',
    framework_id: id,
    accept: { offer_ids: [id], operations: [{ type: 'LAUNCH', launch: { task_infos: tasks } }] },
  });
  it('refuse a MESSAGE whose data is no base64', () => {
    const message = { agent_id: id, executor_id: id, data: 'no base64!' };

    expect(parseSchedulerCall({ type: 'MESSAGE', framework_id: id, message })).toMatchObject({
      kind: 'invalid',
      issues: [{ path: 'message.data', message: 'is not base64' }],
    });
  });

  it.each<[string, unknown, string]>([
    [
      'offer ids of an ACCEPT',
      { type: 'ACCEPT', framework_id: id, accept: { offer_ids: many(1_001, id) } },
      'accept.offer_ids',
    ],
    [
      'offer ids of a DECLINE',
      { type: 'DECLINE', framework_id: id, decline: { offer_ids: many(50_001, id) } },
      'decline.offer_ids',
    ],
    [
      'operations',
      {
        type: 'ACCEPT',
        framework_id: id,
        accept: { offer_ids: [id], operations: many(1_001, {}) },
      },
      'accept.operations',
    ],
    ['tasks', launch(many(10_001, task)), 'accept.operations[0].launch.task_infos'],
    [
      'resources of a task',
      launch([{ ...task, resources: many(1_001, resource) }]),
      'accept.operations[0].launch.task_infos[0].resources',
    ],
    [
      'reconciled tasks',
      { type: 'RECONCILE', framework_id: id, reconcile: { tasks: many(100_001, {}) } },
      'reconcile.tasks',
    ],
    [
      'requests',
      { type: 'REQUEST', framework_id: id, request: { requests: many(101, {}) } },
      'request.requests',
    ],
    [
      'roles',
      { type: 'REVIVE', framework_id: id, revive: { roles: many(1_001, 'a') } },
      'revive.roles',
    ],
  ])('bound the number of %s: the field and the limit are named', (_, call, path) => {
    const parsed = parseSchedulerCall(call);

    expect(parsed).toMatchObject({ kind: 'invalid', issues: [{ path }] });
    expect(JSON.stringify(parsed)).toContain('entries; at most');
  });

  it('an unknown operation is named in part only', () => {
    const parsed = parseSchedulerCall({
      type: 'ACCEPT',
      framework_id: id,
      accept: { offer_ids: [id], operations: [{ type: 'X'.repeat(100_000) }] },
    });

    expect(parsed.kind).toBe('invalid');
    expect(JSON.stringify(parsed).length).toBeLessThan(500);
  });
});

describe('the calls of an agent about resources and executors', () => {
  const place = { agent_id: { value: 'a' }, stream_id: 's' };
  it.each([
    { type: 'CHECKPOINTED', ...place, checkpointed: { sequence: 3 } },
    {
      type: 'EXITED_EXECUTOR',
      ...place,
      exited_executor: { framework_id: id, executor_id: { value: 'e' }, status: 1 },
    },
    {
      type: 'MESSAGE',
      ...place,
      message: { framework_id: id, executor_id: { value: 'e' }, data: 'aGk=' },
    },
  ])('reads $type', (call) => {
    expect(parseAgentCall(call)).toEqual({ kind: 'parsed', value: call });
  });
});
