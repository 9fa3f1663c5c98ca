import { describe, expect, it } from 'vitest';
import { TEXT_LIMITS } from './call-limits.js';
import type { Parsed } from './decode-tagged.js';
import { parseAgentCall } from './parse-agent-call.js';
import { parseOperatorCall } from './parse-operator-call.js';
import { parseSchedulerCall } from './parse-scheduler-call.js';
import { parseSchedulerEvent } from './parse-scheduler-event.js';

const id = { value: 'f1' };
const AGENT = { value: 's1' };
const long = (length: number): string => 'x'.repeat(length);

const issuesOf = (parsed: Parsed<unknown>): string | readonly string[] =>
  parsed.kind === 'invalid'
    ? parsed.issues.map(({ path, message }) => `${path} ${message}`)
    : parsed.kind;

const subscribe = (info: object) =>
  issuesOf(
    parseSchedulerCall({
      type: 'SUBSCRIBE',
      subscribe: { framework_info: { user: 'root', name: 'n', ...info } },
    }),
  );
const launch = (task: object) =>
  issuesOf(
    parseSchedulerCall({
      type: 'ACCEPT',
      framework_id: id,
      accept: {
        offer_ids: [{ value: 'o' }],
        operations: [
          {
            type: 'LAUNCH',
            launch: {
              task_infos: [{ name: 't', task_id: { value: 't' }, agent_id: AGENT, ...task }],
            },
          },
        ],
      },
    }),
  );
const kill = (policy: object) =>
  issuesOf(
    parseSchedulerCall({
      type: 'KILL',
      framework_id: id,
      kill: { task_id: { value: 't' }, kill_policy: policy },
    }),
  );
const decline = (refuse_seconds: unknown) =>
  parseSchedulerCall({
    type: 'DECLINE',
    framework_id: id,
    decline: { offer_ids: [], filters: { refuse_seconds } },
  });
const schedule = (machine: object, unavailability: object = { start: { nanoseconds: 1 } }) =>
  issuesOf(
    parseOperatorCall({
      type: 'UPDATE_MAINTENANCE_SCHEDULE',
      update_maintenance_schedule: {
        schedule: { windows: [{ machine_ids: [machine], unavailability }] },
      },
    }),
  );
const INFO = 'subscribe.framework_info';
const TASK = 'accept.operations[0].launch.task_infos[0]';
const WINDOW = 'update_maintenance_schedule.schedule.windows[0]';

describe('the texts of a call', () => {
  it.each([
    ['name', 'name', TEXT_LIMITS.name],
    ['user', 'user', TEXT_LIMITS.name],
    ['principal', 'principal', TEXT_LIMITS.name],
    ['hostname', 'hostname', TEXT_LIMITS.hostname],
    ['role', 'role', TEXT_LIMITS.role],
    ['webui_url', 'webui_url', TEXT_LIMITS.path],
  ])('have limits: %s of a framework', (field, path, limit) => {
    expect(subscribe({ [field]: long(limit) })).toBe('parsed');
    expect(subscribe({ [field]: long(limit + 1) })).toEqual([
      `${INFO}.${path} has ${limit + 1} characters; at most ${limit} are allowed`,
    ]);
  });

  it('have limits: roles, labels and capabilities of a framework', () => {
    const { role, name, label } = TEXT_LIMITS;
    const over = (limit: number) => `has ${limit + 1} characters; at most ${limit} are allowed`;

    expect(subscribe({ roles: ['a', long(role + 1)] })).toEqual([`${INFO}.roles[1] ${over(role)}`]);
    expect(subscribe({ capabilities: [{ type: long(name + 1) }] })).toEqual([
      `${INFO}.capabilities[0].type ${over(name)}`,
    ]);
    const labels = [{ key: long(name + 1) }, { key: 'k', value: long(label + 1) }];
    expect(subscribe({ labels: { labels } })).toEqual([
      `${INFO}.labels.labels[0].key ${over(name)}`,
      `${INFO}.labels.labels[1].value ${over(label)}`,
    ]);
    expect(subscribe({ labels: { labels: [{ key: 'k', value: long(label) }] } })).toBe('parsed');
  });

  it('have limits: name, id and resources of a task', () => {
    const { name, id: idLimit, resource } = TEXT_LIMITS;

    expect(launch({ name: long(name) })).toBe('parsed');
    expect(launch({ name: long(name + 1) })).toEqual([
      `${TASK}.name has ${name + 1} characters; at most ${name} are allowed`,
    ]);
    expect(launch({ task_id: { value: long(idLimit + 1) } })).toEqual([
      `${TASK}.task_id.value has ${idLimit + 1} characters; at most ${idLimit} are allowed`,
    ]);
    const resources = [{ name: long(resource + 1), type: 'SCALAR', scalar: { value: 1 } }];
    expect(launch({ resources })).toEqual([
      `${TASK}.resources[0].name has ${resource + 1} characters; at most ${resource} are allowed`,
    ]);
  });

  it('leave a long command to the agent: its limit is that of the body', () => {
    expect(launch({ command: { value: long(100_000) } })).toBe('parsed');
  });

  it.each(['nul\u0000', 'half \ud800', 'two\nlines'])('have no control characters: %j', (text) => {
    expect(subscribe({ name: text })).toEqual([
      `${INFO}.name is ${JSON.stringify(text)}, which has characters that cannot be printed`,
    ]);
    expect(subscribe({ user: text })).toHaveLength(1);
  });

  it('are echoed shortened, in the path too', () => {
    const parsed = parseSchedulerCall({
      type: 'UPDATE_FRAMEWORK',
      framework_id: id,
      update_framework: {
        framework_info: { user: 'u', name: 'n', id, offer_filters: { [long(100_000)]: 1 } },
      },
    });

    expect(JSON.stringify(parsed).length).toBeLessThan(500);
  });

  it('are not judged in what agents bring back, nor in what a master sends', () => {
    const name = long(TEXT_LIMITS.name + 1);
    const task = { name, task_id: { value: long(2_000) }, agent_id: AGENT };
    const status = { task_id: { value: 't' }, state: 'TASK_RUNNING' };
    const agent_info = { hostname: 'h', port: 5051 };
    const back = parseAgentCall({
      type: 'SUBSCRIBE',
      subscribe: {
        agent_info,
        version: '1',
        highest_epoch: 1,
        tasks: [{ framework_id: id, task, state: 'TASK_RUNNING', latest_status: status }],
        frameworks: [{ user: 'two\nlines', name, id }],
      },
    });
    const event = parseSchedulerEvent({
      type: 'UPDATE',
      update: { status: { ...status, task_id: { value: name } } },
    });

    expect([back.kind, event.kind]).toEqual(['parsed', 'parsed']);
  });

  it('are judged in what an agent says of itself', () => {
    const agent_info = { hostname: long(256), port: 5051 };

    expect(
      issuesOf(
        parseAgentCall({
          type: 'SUBSCRIBE',
          subscribe: { agent_info, version: '1', highest_epoch: 1 },
        }),
      ),
    ).toEqual(['subscribe.agent_info.hostname has 256 characters; at most 255 are allowed']);
  });
});

describe('lists of a call', () => {
  it('have a limit also where none is named for them', () => {
    const args = Array.from({ length: 10_001 }, () => 'a');
    const limits = Object.fromEntries(args.map((_, index) => [`r${index}`, { value: 1 }]));

    expect(launch({ command: { arguments: args } })).toEqual([
      `${TASK}.command.arguments has 10001 entries; at most 10000 are allowed`,
    ]);
    expect(launch({ limits })).toEqual([
      `${TASK}.limits has 10001 entries; at most 10000 are allowed`,
    ]);
  });
});

describe('the numbers of a call', () => {
  it.each([-1, 0.5, 1e30, '-1', 86_400_000_000_001])('a grace of %s ns is refused', (grace) => {
    expect(kill({ grace_period: { nanoseconds: grace } })).toEqual([
      `kill.kill_policy.grace_period.nanoseconds is ${grace}, not a whole number from 0 to 86400000000000`,
    ]);
  });

  it.each(['NaN', 'Infinity', 'soon', {}, '1e400'])('a grace of %j is refused', (grace) => {
    expect(kill({ grace_period: { nanoseconds: grace } })[0]).toMatch(
      /^kill\.kill_policy\.grace_period\.nanoseconds is .*, not a number/,
    );
  });

  it('a grace of a day is the longest', () => {
    expect(kill({ grace_period: { nanoseconds: 86_400_000_000_000 } })).toBe('parsed');
  });

  it('leaves the grace of a launch to the rules of tasks: TASK_ERROR, not 400 for all of the call', () => {
    expect(launch({ kill_policy: { grace_period: { nanoseconds: -1 } } })).toBe('parsed');
  });

  it('reads an endless refusal, which is capped, and refuses one that is no number', () => {
    expect(decline('Infinity')).toMatchObject({
      value: { decline: { filters: { refuse_seconds: Number.POSITIVE_INFINITY } } },
    });
    expect(decline(4_294_967_295).kind).toBe('parsed');
    expect(decline(-1).kind).toBe('parsed');
    expect(issuesOf(decline('NaN'))).toEqual([
      'decline.filters.refuse_seconds is "NaN", not a number',
    ]);
  });

  it.each([-1, 0.5, 65_536, 1e20])('port %s of an agent is refused', (port) => {
    const agent_info = { hostname: 'h', port };

    expect(
      issuesOf(
        parseAgentCall({
          type: 'SUBSCRIBE',
          subscribe: { agent_info, version: '1', highest_epoch: 1 },
        }),
      ),
    ).toEqual([`subscribe.agent_info.port is ${port}, not a whole number from 0 to 65535`]);
  });
});

describe('a maintenance schedule', () => {
  it.each(['999.1.1.1', '1.2.3', '01.2.3.4', '1.2.3.4.5', ':::', '1::2::3', 'host', '12345::'])(
    'ip %s is refused',
    (ip) => {
      expect(schedule({ ip })).toEqual([
        `${WINDOW}.machine_ids[0].ip is "${ip}", which is no IP address`,
      ]);
    },
  );

  it.each(['10.0.0.1', '::1', 'fe80::1', '2001:db8:0:0:0:0:0:1', '::ffff:10.0.0.1', 'FE80::A'])(
    'ip %s is taken',
    (ip) => {
      expect(schedule({ ip })).toBe('parsed');
    },
  );

  it('a machine with neither hostname nor ip is refused', () => {
    expect(schedule({})).toEqual([`${WINDOW}.machine_ids[0] has neither a hostname nor an ip`]);
    expect(schedule({ hostname: null, ip: null })).toHaveLength(1);
  });

  it.each([-1, 0.5, 1e19])('%s nanoseconds are refused, of the start and of the duration', (ns) => {
    const problem = `is ${ns}, not a whole number from 0 to 9000000000000000000`;

    expect(schedule({ hostname: 'h' }, { start: { nanoseconds: ns } })).toEqual([
      `${WINDOW}.unavailability.start.nanoseconds ${problem}`,
    ]);
    expect(
      schedule({ hostname: 'h' }, { start: { nanoseconds: 1 }, duration: { nanoseconds: ns } }),
    ).toEqual([`${WINDOW}.unavailability.duration.nanoseconds ${problem}`]);
  });
});
