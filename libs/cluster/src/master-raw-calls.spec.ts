import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RegistryChange, resources } from '#core';
import { parseAgentCall, parseSchedulerCall } from '#mesos-v1';
import { MasterHarness } from './master.test-support.js';
import type { MasterEvent } from './master-events.js';

/** For a loaded machine, and for shrinking when it fails. */
const LIMIT_MS = 120_000;
const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
const MAX_BIGINT = 2 ** 63;

/** What a careless or hostile client puts where something else was meant. */
const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    ...['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'ports', 'cpus', '*'],
    ...['', '.', '..', 'a/b', 'nul\u0000', 'half \ud800', 'line\nbreak', 'x'.repeat(3_000), '1e20'],
    ...[0, -1, 0.5, -0.5, 1e-9, 1e20, 1e308, -1e308, 2 ** 53, 2 ** 63, null, true, [], {}],
    ...[{ toString: 1, valueOf: 1 }, 'Infinity', 'NaN'],
    ...['SCALAR', 'RANGES', 'SET', 'TASK_RUNNING', 'TASK_FINISHED', 'TASK_UNREACHABLE', 'nowhere'],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

const resourcesOf = (name: string) => [
  { name: 'cpus', type: 'SCALAR', scalar: { value: 1 }, allocation_info: { role: '*' } },
  { name, type: 'SCALAR', scalar: { value: 64 } },
  { name: 'disk', type: 'SCALAR', scalar: { value: 64 } },
  { name, type: 'RANGES', ranges: { range: [{ begin: 31_000, end: 31_009 }] } },
];

/** Names of resources seen in the wild, and those every object answers to. */
const resourceName = fc.constantFrom('mem', 'ports', 'constructor', '__proto__', 'toString');

interface Place {
  readonly framework: string;
  readonly agent: string;
  readonly stream: string;
  readonly offers: readonly string[];
  readonly resource: string;
}

const taskOf = ({ agent, resource }: Place) => ({
  name: 't',
  task_id: { value: 't' },
  agent_id: { value: agent },
  resources: resourcesOf(resource),
  command: { value: 'sleep 1' },
  check: { type: 'HTTP', http: { port: 80, path: '/' }, delay_seconds: 1 },
  kill_policy: { grace_period: { nanoseconds: 3e9 } },
});
const reservation = { type: 'DYNAMIC', role: 'web' };
const disk = {
  persistence: { id: 'v' },
  volume: { mode: 'RW', container_path: 'data' },
};
const reservedDisk = (more: object = {}) => ({
  name: 'disk',
  type: 'SCALAR',
  scalar: { value: 8 },
  reservations: [reservation],
  ...more,
});
const executorOf = () => ({
  executor_id: { value: 'e' },
  type: 'DEFAULT',
  resources: [
    { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } },
    { name: 'mem', type: 'SCALAR', scalar: { value: 32 } },
  ],
});
const operationsOf = (place: Place) => [
  { type: 'RESERVE', id: { value: 'o1' }, reserve: { resources: [reservedDisk()] } },
  { type: 'CREATE', create: { volumes: [reservedDisk({ disk })] } },
  {
    type: 'GROW_VOLUME',
    grow_volume: { volume: reservedDisk({ disk }), addition: reservedDisk() },
  },
  {
    type: 'SHRINK_VOLUME',
    shrink_volume: { volume: reservedDisk({ disk }), subtract: { value: 4 } },
  },
  { type: 'DESTROY', destroy: { volumes: [reservedDisk({ disk })] } },
  { type: 'UNRESERVE', unreserve: { resources: [reservedDisk()] } },
  {
    type: 'LAUNCH_GROUP',
    launch_group: {
      executor: executorOf(),
      task_group: { tasks: [{ ...taskOf(place), task_id: { value: 'g' } }] },
    },
  },
];
const infoOf = ({ framework }: Place) => ({
  user: 'root',
  name: 'n',
  id: { value: framework },
  failover_timeout: 1,
  role: 'web',
  hostname: 'h',
});
const statusOf = () => ({ task_id: { value: 't' }, state: 'TASK_RUNNING', uuid: UUID });

/** One well-formed call of each kind. */
const CALLS: readonly ((place: Place) => unknown)[] = [
  (place) => ({
    type: 'SUBSCRIBE',
    framework_id: { value: place.framework },
    subscribe: { framework_info: infoOf(place), suppressed_roles: ['x'] },
  }),
  () => ({
    type: 'SUBSCRIBE',
    subscribe: { framework_info: { user: 'root', name: 'n', failover_timeout: 5, role: 'x' } },
  }),
  ({ framework }) => ({ type: 'TEARDOWN', framework_id: { value: framework } }),
  (place) => ({
    type: 'ACCEPT',
    framework_id: { value: place.framework },
    accept: {
      offer_ids: place.offers.slice(0, 1).map((value) => ({ value })),
      operations: [{ type: 'LAUNCH', launch: { task_infos: [taskOf(place)] } }],
      filters: { refuse_seconds: 5 },
    },
  }),
  (place) => ({
    type: 'ACCEPT',
    framework_id: { value: place.framework },
    accept: {
      offer_ids: place.offers.slice(0, 1).map((value) => ({ value })),
      operations: operationsOf(place),
      filters: { refuse_seconds: 0 },
    },
  }),
  (place) => ({
    type: 'UPDATE_FRAMEWORK',
    framework_id: { value: place.framework },
    update_framework: {
      framework_info: {
        ...infoOf(place),
        name: 'other',
        offer_filters: {
          web: {
            min_allocatable_resources: { quantities: [{ quantities: { cpus: { value: 1 } } }] },
          },
        },
      },
      suppressed_roles: ['web'],
      offer_constraints: {
        role_constraints: {
          web: {
            groups: [
              {
                attribute_constraints: [
                  {
                    selector: { attribute_name: 'rack' },
                    predicate: { text_matches: { regex: 'a+' } },
                  },
                ],
              },
            ],
          },
        },
      },
    },
  }),
  ({ framework, resource }) => ({
    type: 'REQUEST',
    framework_id: { value: framework },
    request: { requests: [{ resources: resourcesOf(resource) }] },
  }),
  ({ framework, agent }) => ({
    type: 'SHUTDOWN',
    framework_id: { value: framework },
    shutdown: { executor_id: { value: 'e' }, agent_id: { value: agent } },
  }),
  ({ framework, agent }) => ({
    type: 'MESSAGE',
    framework_id: { value: framework },
    message: { executor_id: { value: 'e' }, agent_id: { value: agent }, data: 'aGk=' },
  }),
  ({ framework }) => ({
    type: 'ACKNOWLEDGE_OPERATION_STATUS',
    framework_id: { value: framework },
    acknowledge_operation_status: { uuid: UUID, operation_id: { value: 'o1' } },
  }),
  ({ framework, agent }) => ({
    type: 'RECONCILE_OPERATIONS',
    framework_id: { value: framework },
    reconcile_operations: {
      operations: [{ operation_id: { value: 'o1' }, agent_id: { value: agent } }],
    },
  }),
  ({ agent, stream }) => ({
    type: 'CHECKPOINTED',
    agent_id: { value: agent },
    stream_id: stream,
    checkpointed: { sequence: 3 },
  }),
  ({ framework, agent, stream }) => ({
    type: 'EXITED_EXECUTOR',
    agent_id: { value: agent },
    stream_id: stream,
    exited_executor: {
      framework_id: { value: framework },
      executor_id: { value: 'e' },
      status: 1,
    },
  }),
  ({ framework, offers }) => ({
    type: 'DECLINE',
    framework_id: { value: framework },
    decline: { offer_ids: offers.map((value) => ({ value })), filters: { refuse_seconds: 1 } },
  }),
  ({ framework }) => ({
    type: 'REVIVE',
    framework_id: { value: framework },
    revive: { roles: ['*'] },
  }),
  ({ framework }) => ({
    type: 'SUPPRESS',
    framework_id: { value: framework },
    suppress: { roles: ['*'] },
  }),
  ({ framework, agent }) => ({
    type: 'KILL',
    framework_id: { value: framework },
    kill: { task_id: { value: 't' }, agent_id: { value: agent } },
  }),
  ({ framework, agent }) => ({
    type: 'ACKNOWLEDGE',
    framework_id: { value: framework },
    acknowledge: { agent_id: { value: agent }, task_id: { value: 't' }, uuid: UUID },
  }),
  ({ framework, agent }) => ({
    type: 'RECONCILE',
    framework_id: { value: framework },
    reconcile: { tasks: [{ task_id: { value: 't' }, agent_id: { value: agent } }] },
  }),
  (place) => ({
    type: 'SUBSCRIBE',
    subscribe: {
      agent_info: {
        id: { value: place.agent },
        hostname: 'h',
        port: 1,
        resources: resourcesOf(place.resource),
        attributes: [{ name: 'rack', type: 'TEXT', text: { value: 'a' } }],
      },
      version: '1',
      highest_epoch: 1,
      last_applied: { epoch: 1, stream_id: place.stream, sequence: 3 },
      tasks: [
        {
          framework_id: { value: place.framework },
          task: taskOf(place),
          state: 'TASK_RUNNING',
          latest_status: statusOf(),
        },
      ],
      frameworks: [infoOf(place)],
      checkpointed_resources: [reservedDisk({ disk })],
      executors: [{ framework_id: { value: place.framework }, executor: executorOf() }],
    },
  }),
  ({ framework, agent, stream }) => ({
    type: 'UPDATE',
    agent_id: { value: agent },
    stream_id: stream,
    update: {
      framework_id: { value: framework },
      status: statusOf(),
      latest_state: 'TASK_RUNNING',
    },
  }),
  ({ agent, stream }) => ({ type: 'PONG', agent_id: { value: agent }, stream_id: stream }),
];

const rawCall = fc.record({
  call: fc.nat({ max: CALLS.length - 1 }),
  resource: resourceName,
  changes: fc.array(fc.record({ at: fc.nat(), value: nasty }), { maxLength: 2 }),
  afterwards: fc.constantFrom('go on', 'go on', 'stream breaks', 'time passes'),
});
type RawCall = typeof rawCall extends fc.Arbitrary<infer Value> ? Value : never;

/** Puts `value` at the place of number `at` of all places of the message. */
function changed(message: unknown, change: { readonly at: number; readonly value: unknown }) {
  const copy = JSON.parse(JSON.stringify(message)) as unknown;
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = [];
  const visit = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null) return;
    for (const [key, value] of Object.entries(holder)) {
      places.push({ holder: holder as Record<string, unknown>, key });
      visit(value);
    }
  };
  visit(copy);
  const place = places[change.at % Math.max(1, places.length)];
  if (place !== undefined) place.holder[place.key] = change.value;
  return copy;
}

/** A master with one framework and one agent, to which raw calls arrive. */
class Endpoint {
  readonly master = new MasterHarness();
  readonly framework = this.master.subscribe('F', {
    role: 'web',
    capabilities: [{ type: 'RESERVATION_REFINEMENT' }],
  });
  readonly agent = this.master.addAgent('A', {
    capabilities: ['EXECUTORS', 'TASK_GROUPS'],
    total: resources({ cpus: 4, mem: 1024, disk: 64 }),
  });
  private frameworkStream = 'F';
  private agentStream = 'A';
  private streams = 0;

  receive({ call, resource, changes, afterwards }: RawCall): void {
    const { master, framework, agent } = this;
    master.allocate();
    const make = CALLS[call];
    const place: Place = {
      framework,
      agent,
      stream: this.agentStream,
      offers: [...master.state.offers.keys()],
      resource,
    };
    const message = changes.reduce<unknown>(changed, make?.(place));
    this.dispatchScheduler(message);
    this.dispatchAgent(message);
    if (afterwards === 'stream breaks') {
      master.dispatch({ kind: 'framework-stream-closed', streamId: this.frameworkStream });
      master.dispatch({ kind: 'agent-stream-closed', streamId: this.agentStream });
    } else if (afterwards === 'time passes') master.advance(20_000);
    master.allocate();
  }

  private dispatchScheduler(message: unknown): void {
    const parsed = parseSchedulerCall(message);
    if (parsed.kind !== 'parsed') return;
    if (parsed.value.type !== 'SUBSCRIBE') {
      const { frameworkStream: streamId } = this;
      this.dispatch({ kind: 'scheduler-call', callId: 'c', streamId, call: parsed.value });
      return;
    }
    const streamId = this.nextStream();
    if (parsed.value.framework_id?.value === this.framework) this.frameworkStream = streamId;
    this.dispatch({ kind: 'framework-subscribe', streamId, call: parsed.value });
  }

  private dispatchAgent(message: unknown): void {
    const parsed = parseAgentCall(message);
    if (parsed.kind !== 'parsed') return;
    if (parsed.value.type !== 'SUBSCRIBE') {
      this.dispatch({ kind: 'agent-call', callId: 'c', call: parsed.value, isWritable: true });
      return;
    }
    const { subscribe: subscription } = parsed.value;
    const streamId = this.nextStream();
    if (subscription.agent_info.id?.value === this.agent) this.agentStream = streamId;
    this.dispatch({ kind: 'agent-subscribe', streamId, subscription });
  }

  private dispatch(event: MasterEvent): void {
    this.master.dispatch(event);
  }

  private nextStream(): string {
    this.streams += 1;
    return `S${this.streams}`;
  }
}

/** Whether PostgreSQL takes it: text without NUL, keys an index can hold, whole numbers of 64 bits. */
function isStorable(change: RegistryChange): boolean {
  switch (change.kind) {
    case 'put-agent':
      return (
        isText(change.agent.id) &&
        isText(change.agent.hostname) &&
        isMoment(change.agent.sinceEpochMs)
      );
    case 'put-framework':
      return (
        isText(change.framework.id) &&
        isMoment(change.framework.sinceEpochMs) &&
        isMoment(change.framework.failoverDeadlineEpochMs ?? 0)
      );
    case 'put-weight':
      return isText(change.role) && Number.isFinite(change.weight ?? 1);
    case 'put-quota':
      return isText(change.quota.role);
    case 'remove-agent':
    case 'put-activation':
    case 'remove-quota':
    case 'put-maintenance':
      return true;
    default:
      return change satisfies never;
  }
}

const isText = (text: string): boolean => text.length < 1_000_000 && !/[\0\p{Cs}]/u.test(text);
const isMoment = (ms: number): boolean => Number.isFinite(ms) && Math.abs(ms) < MAX_BIGINT;

describe('raw calls', () => {
  it(
    'never break the master, whatever is in them, nor make it store what the database refuses',
    () => {
      fc.assert(
        fc.property(fc.array(rawCall, { minLength: 1, maxLength: 10 }), (calls) => {
          const endpoint = new Endpoint();

          for (const call of calls) endpoint.receive(call);

          const changes = endpoint.master.committed.flatMap((commit) => commit.changes);
          expect(changes.filter((change) => !isStorable(change))).toEqual([]);
        }),
        { numRuns: 1_500 },
      );
    },
    LIMIT_MS,
  );

  it(
    'never break the parsers, whatever JSON they are',
    () => {
      fc.assert(
        fc.property(fc.nat({ max: CALLS.length - 1 }), fc.array(fc.jsonValue()), (call, values) => {
          const place = { framework: 'f', agent: 'a', stream: 's', offers: ['o'], resource: 'mem' };
          let message = CALLS[call]?.(place);
          for (const [at, value] of values.entries())
            message = changed(message, { at: at * 7, value });

          expect(parseSchedulerCall(message).kind).toBeTypeOf('string');
          expect(parseAgentCall(message).kind).toBeTypeOf('string');
        }),
        { numRuns: 2_000 },
      );
    },
    LIMIT_MS,
  );
});
