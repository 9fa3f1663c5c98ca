import { describe, expect, it } from 'vitest';
import { resources } from '#core';
import { type TaskInfo, toWireResources, type WireOffer, type WireResource } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const scalar = (name: string, value: number, more: Partial<WireResource> = {}): WireResource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  ...more,
});

function launchOne(
  change: (task: TaskInfo) => TaskInfo,
  agentOptions: Parameters<MasterHarness['addAgent']>[1] = {},
) {
  const master = new MasterHarness();
  const framework = master.subscribe('F', {
    capabilities: [{ type: 'REVOCABLE_RESOURCES' }],
  });
  const agent = master.addAgent('A', agentOptions);
  master.allocate();
  master.launch(framework, 'F', master.offersOf('F')[0] as WireOffer, [
    change(commandTask('t', agent)),
  ]);
  return {
    status: master.statusesOf('F')[0],
    launches: master.messagesOf('A').filter(({ type }) => type === 'LAUNCH').length,
  };
}

type Case = readonly [string, (task: TaskInfo) => TaskInfo, string];

const refused: readonly Case[] = [
  ['an id with a slash', (task) => ({ ...task, task_id: { value: 'a/b' } }), 'character "/"'],
  ['an id of 256 characters', (task) => ({ ...task, task_id: { value: 'x'.repeat(256) } }), '255'],
  [
    'another agent than the offer',
    (task) => ({ ...task, agent_id: { value: 'x' } }),
    'names agent x',
  ],
  [
    'resources allocated to another role than the offer',
    (task) => ({
      ...task,
      resources: task.resources.map((one) => ({ ...one, allocation_info: { role: 'other' } })),
    }),
    'resource cpus is allocated to "other", the offer is for the role *',
  ],
  ['no resources', (task) => ({ ...task, resources: [] }), 'uses no resources'],
  [
    'neither a command nor an executor',
    ({ command: _, ...task }) => task,
    'neither a command nor an executor',
  ],
  [
    'a negative kill grace',
    (task) => ({ ...task, kill_policy: { grace_period: { nanoseconds: -1 } } }),
    'kill_policy.grace_period is -1 ns',
  ],
  [
    'a kill grace that is a fraction',
    (task) => ({ ...task, kill_policy: { grace_period: { nanoseconds: 0.5 } } }),
    'kill_policy.grace_period is 0.5 ns, not a whole number from 0 to 86400000000000',
  ],
  [
    'a kill grace of more than a day',
    (task) => ({ ...task, kill_policy: { grace_period: { nanoseconds: 1e30 } } }),
    'kill_policy.grace_period is 1e+30 ns, not a whole number from 0 to 86400000000000',
  ],
  [
    'an endless max_completion_time',
    (task) => ({ ...task, max_completion_time: { nanoseconds: 1e19 } }),
    'max_completion_time is 10000000000000000000 ns, not a whole number from 0 to',
  ],
  [
    'an amount that is not there',
    (task) => ({ ...task, resources: [{ name: 'cpus', type: 'SCALAR' }] }),
    'resource cpus has no scalar value',
  ],
  [
    'ranges that are not there',
    (task) => ({ ...task, resources: [{ name: 'ports', type: 'RANGES' }] }),
    'resource ports has no ranges',
  ],
  [
    'a port that converts to nothing',
    (task) => ({ ...task, check: { type: 'TCP', tcp: { port: { toString: 1, valueOf: 1 } } } }),
    'check.tcp.port is an object, not within 1 and 65535',
  ],
  [
    'a negative max_completion_time',
    (task) => ({ ...task, max_completion_time: { nanoseconds: -1 } }),
    'max_completion_time is -1 ns',
  ],
  [
    'a negative amount',
    (task) => ({ ...task, resources: [scalar('cpus', -1)] }),
    'resource cpus is -1, below 0',
  ],
  [
    'a SET',
    (task) => ({ ...task, resources: [{ name: 'x', type: 'SET', set: { item: ['a'] } }] }),
    'is a SET',
  ],
  [
    'reserved resources that were not offered',
    (task) => ({ ...task, resources: [scalar('cpus', 1, { role: 'db' })] }),
    'but the offer is for the role *',
  ],
  [
    'a limit of something else than cpus and mem',
    (task) => ({ ...task, limits: { disk: { value: 1 } } }),
    'only cpus and mem',
  ],
  [
    'a limit below the request',
    (task) => ({ ...task, limits: { cpus: { value: 0.5 } } }),
    'limits.cpus is 0.5, below the requested 1',
  ],
  [
    'limits on an agent without TASK_RESOURCE_LIMITS',
    (task) => ({ ...task, limits: { mem: { value: 'Infinity' } } }),
    'capability TASK_RESOURCE_LIMITS',
  ],
  [
    'an HTTP health check without a port',
    (task) => ({ ...task, health_check: { type: 'HTTP' } }),
    'health_check.http is required',
  ],
  [
    'a health check of no kind',
    (task) => ({ ...task, health_check: {} }),
    'neither type nor command, http or tcp',
  ],
  [
    'a health check that is early by a negative delay',
    (task) => ({ ...task, health_check: { tcp: { port: 80 }, delay_seconds: -1 } }),
    'health_check.delay_seconds is -1',
  ],
  [
    'a health check whose path is not absolute',
    (task) => ({ ...task, health_check: { http: { port: 80, path: 'x' } } }),
    'does not begin with /',
  ],
  [
    'a health check that fails after half a time',
    (task) => ({ ...task, health_check: { tcp: { port: 80 }, consecutive_failures: 1.5 } }),
    'health_check.consecutive_failures is 1.5, not a whole number up to 4294967295',
  ],
  [
    'a check whose interval is a text',
    (task) => ({
      ...task,
      check: { type: 'TCP', tcp: { port: 80 }, interval_seconds: 'soon' },
    }),
    'check.interval_seconds is a string, not a number',
  ],
  [
    'a health check that is due after years',
    (task) => ({ ...task, health_check: { tcp: { port: 80 }, delay_seconds: 1e9 } }),
    'health_check.delay_seconds is 1000000000, above 31536000',
  ],
  [
    'a command no program can be given',
    (task) => ({ ...task, health_check: { command: { value: 'ä'.repeat(70_000) } } }),
    'health_check.command.value has 140000 bytes, above the 131071 of one argument',
  ],
  [
    'a check with a secret',
    (task) => ({
      ...task,
      check: {
        type: 'COMMAND',
        command: {
          command: { value: 'x', environment: { variables: [{ name: 'A', type: 'SECRET' }] } },
        },
      },
    }),
    'check.command.command.environment.variables[0] is a SECRET',
  ],
  ['a check without a type', (task) => ({ ...task, check: {} }), 'check.type is required'],
  [
    'a COMMAND check without a command',
    (task) => ({ ...task, check: { type: 'COMMAND' } }),
    'check.command.command is required',
  ],
  [
    'a TCP check of port 0',
    (task) => ({ ...task, check: { type: 'TCP', tcp: { port: 0 } } }),
    'check.tcp.port is 0',
  ],
];

describe('validation of a task', () => {
  it.each(refused)('refuses %s: TASK_ERROR with REASON_TASK_INVALID', (_, change, message) => {
    const { status, launches } = launchOne(change);

    expect(status).toMatchObject({
      state: 'TASK_ERROR',
      reason: 'REASON_TASK_INVALID',
      source: 'SOURCE_MASTER',
    });
    expect(status?.message).toContain(message);
    expect(status?.uuid).toBeUndefined();
    expect(launches).toBe(0);
  });

  const taken: readonly Case[] = [
    [
      'a health check without a type',
      (task) => ({ ...task, health_check: { tcp: { port: 80 } } }),
      '',
    ],
    [
      'a check and a health check together',
      (task) => ({
        ...task,
        check: { type: 'COMMAND', command: { command: { value: 'true' } } },
        health_check: { type: 'COMMAND', command: { value: 'true' } },
      }),
      '',
    ],
    [
      'a max_completion_time of 0',
      (task) => ({ ...task, max_completion_time: { nanoseconds: 0 } }),
      '',
    ],
    [
      'limits at or above the request where the agent can keep them',
      (task) => ({ ...task, limits: { cpus: { value: 1 }, mem: { value: 'Infinity' } } }),
      '',
    ],
  ];
  it.each(taken)('takes %s', (_, change) => {
    const { status, launches } = launchOne(change, { capabilities: ['TASK_RESOURCE_LIMITS'] });

    expect(status).toBeUndefined();
    expect(launches).toBe(1);
  });

  it('refuses a task that mixes revocable and non-revocable resources of one name', () => {
    const agent = {
      resources: [scalar('cpus', 2), scalar('mem', 256), scalar('cpus', 2, { revocable: {} })],
    };
    const mixed = launchOne(
      (task) => ({
        ...task,
        resources: [scalar('cpus', 1), scalar('cpus', 1, { revocable: {} })],
      }),
      agent,
    );
    const pure = launchOne(
      (task) => ({
        ...task,
        resources: [scalar('mem', 64), scalar('cpus', 1, { revocable: {} })],
      }),
      agent,
    );

    expect(mixed.status?.message).toContain('both revocable and non-revocable cpus');
    expect(pure.status).toBeUndefined();
  });

  it('refuses the id of an unreachable task', () => {
    const master = new MasterHarness();
    const framework = master.subscribe('F', { capabilities: [{ type: 'PARTITION_AWARE' }] });
    const agent = master.addAgent('A');
    master.allocate();
    const launch = (id: string) => {
      const offer = master.offersOf('F').at(-1) as WireOffer;
      master.launch(framework, 'F', offer, [commandTask('t', id)]);
    };
    launch(agent);
    master.update({ agent, streamId: 'A', framework }, { taskId: 't', state: 'TASK_RUNNING' });
    master.advance(15_000);
    expect(master.statusesOf('F').at(-1)?.state).toBe('TASK_UNREACHABLE');
    const other = master.addAgent('B', { total: resources({ cpus: 1, mem: 128 }) });
    master.allocate();

    launch(other);

    expect(master.statusesOf('F').at(-1)?.message).toContain('exists already');
  });

  it('charges the role of the offer and tells the agent so', () => {
    const master = new MasterHarness();
    const framework = master.subscribe('F', { role: 'web' });
    const agent = master.addAgent('A');
    master.allocate();
    const offer = master.offersOf('F')[0] as WireOffer;
    expect(offer.resources.some((one) => one.allocation_info !== undefined)).toBe(false);

    master.launch(framework, 'F', offer, [
      { ...commandTask('t', agent), resources: toWireResources(resources({ cpus: 1 })) },
    ]);

    const message = master.messagesOf('A').at(-1);
    expect(message?.type === 'LAUNCH' && message.launch.task.resources[0]).toMatchObject({
      name: 'cpus',
      allocation_info: { role: 'web' },
    });
  });
});
