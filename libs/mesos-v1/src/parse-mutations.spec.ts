import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TEXT_LIMITS } from './call-limits.js';
import type { Parsed } from './decode-tagged.js';
import { parseAgentCall } from './parse-agent-call.js';
import { parseOperatorCall } from './parse-operator-call.js';
import { parseSchedulerCall } from './parse-scheduler-call.js';

/** For a loaded machine. */
const LIMIT_MS = 60_000;
const RUNS = 4_000;
const MAX_ANSWER = 20 * 1_200;

const id = { value: 'f' };
const uuid = 'AAAAAAAAAAAAAAAAAAAAAA==';
const labels = { labels: [{ key: 'k', value: 'v' }] };
const reservation = { type: 'DYNAMIC', role: 'web', principal: 'p', labels };
const disk = { persistence: { id: 'v' }, volume: { mode: 'RW', container_path: 'data' } };
const resource = {
  name: 'cpus',
  type: 'SCALAR',
  scalar: { value: 1 },
  reservations: [reservation],
};
const volume = { ...resource, name: 'disk', disk };
const ports = {
  name: 'ports',
  type: 'RANGES',
  role: 'web',
  reservation: { principal: 'p' },
  ranges: { range: [{ begin: 1, end: 2 }] },
};
const command = {
  shell: true,
  value: 'sleep 1',
  arguments: ['a'],
  user: 'u',
  uris: [{ value: 'http://x/y', extract: true }],
  environment: { variables: [{ name: 'A', value: 'b', type: 'VALUE' }] },
};
const grace = { nanoseconds: 3e9 };
const container = {
  type: 'DOCKER',
  volumes: [{ mode: 'RW', container_path: '/a', host_path: '/b' }],
  docker: {
    image: 'i',
    network: 'HOST',
    port_mappings: [{ host_port: 1, container_port: 2, protocol: 'tcp' }],
    parameters: [{ key: 'k', value: 'v' }],
  },
  network_infos: [{ name: 'n' }],
};
const executor = {
  executor_id: id,
  type: 'CUSTOM',
  command,
  container,
  resources: [resource],
  shutdown_grace_period: grace,
};
const task = {
  name: 't',
  task_id: { value: 't' },
  agent_id: { value: 'a' },
  resources: [resource, ports],
  command,
  executor,
  container,
  health_check: { type: 'HTTP', http: { port: 80, path: '/' }, delay_seconds: 1 },
  check: { type: 'TCP', tcp: { port: 80 } },
  kill_policy: { grace_period: grace },
  max_completion_time: grace,
  data: 'AAAA',
  labels,
  discovery: { visibility: 'FRAMEWORK', name: 'x' },
  limits: { cpus: { value: 2 }, mem: { value: 'Infinity' } },
};
const quantities = { cpus: { value: 1 } };
const domain = { fault_domain: { region: { name: 'r' }, zone: { name: 'z' } } };
const framework_info = {
  user: 'u',
  name: 'n',
  id,
  failover_timeout: 60,
  checkpoint: true,
  roles: ['web'],
  hostname: 'h',
  principal: 'p',
  webui_url: 'http://h/',
  capabilities: [{ type: 'MULTI_ROLE' }],
  labels,
  offer_filters: { web: { min_allocatable_resources: { quantities: [{ quantities }] } } },
  domain,
};
const offer_constraints = {
  role_constraints: {
    web: {
      groups: [
        {
          attribute_constraints: [
            { selector: { attribute_name: 'a' }, predicate: { text_equals: { value: 'b' } } },
          ],
        },
      ],
    },
  },
};
const filters = { refuse_seconds: 5 };
const operations = [
  { type: 'LAUNCH', launch: { task_infos: [task] } },
  { type: 'LAUNCH_GROUP', launch_group: { executor, task_group: { tasks: [task] } } },
  { type: 'RESERVE', id, reserve: { resources: [resource] } },
  { type: 'CREATE', create: { volumes: [volume] } },
  { type: 'GROW_VOLUME', grow_volume: { volume, addition: resource } },
  { type: 'SHRINK_VOLUME', shrink_volume: { volume, subtract: { value: 1 } } },
];
const subscription = { framework_info, suppressed_roles: ['web'], offer_constraints };
const of = (type: string, content: object) => ({
  type,
  framework_id: id,
  [type.toLowerCase()]: content,
});
const inverse = { inverse_offer_ids: [id], filters };
const SCHEDULER: readonly object[] = [
  of('SUBSCRIBE', subscription),
  of('UPDATE_FRAMEWORK', subscription),
  of('TEARDOWN', {}),
  of('ACCEPT', { offer_ids: [id], operations, filters }),
  of('DECLINE', { offer_ids: [id], filters }),
  of('REVIVE', { roles: ['web'] }),
  of('SUPPRESS', { roles: ['web'] }),
  of('KILL', { task_id: id, agent_id: id, kill_policy: { grace_period: grace } }),
  of('ACKNOWLEDGE', { agent_id: id, task_id: id, uuid }),
  of('RECONCILE', { tasks: [{ task_id: id, agent_id: id }] }),
  of('ACCEPT_INVERSE_OFFERS', inverse),
  of('DECLINE_INVERSE_OFFERS', inverse),
  of('SHUTDOWN', { executor_id: id, agent_id: id }),
  of('MESSAGE', { agent_id: id, executor_id: id, data: 'AAAA' }),
  of('REQUEST', { requests: [{ agent_id: id, resources: [resource] }] }),
  of('ACKNOWLEDGE_OPERATION_STATUS', { agent_id: id, uuid, operation_id: id }),
  of('RECONCILE_OPERATIONS', { operations: [{ operation_id: id, agent_id: id }] }),
];

const agent_id = { value: 'a' };
const machine = { hostname: 'h', ip: '10.0.0.1' };
const window = {
  machine_ids: [machine],
  unavailability: { start: { nanoseconds: 1e18 }, duration: grace },
};
const OPERATOR: readonly object[] = [
  of('DRAIN_AGENT', { agent_id, max_grace_period: grace, mark_gone: false }),
  of('DEACTIVATE_AGENT', { agent_id }),
  of('REACTIVATE_AGENT', { agent_id }),
  of('MARK_AGENT_GONE', { agent_id }),
  of('RESERVE_RESOURCES', { agent_id, resources: [resource], source: [ports] }),
  of('UNRESERVE_RESOURCES', { agent_id, resources: [resource] }),
  of('CREATE_VOLUMES', { agent_id, volumes: [volume] }),
  of('DESTROY_VOLUMES', { agent_id, volumes: [volume] }),
  of('GROW_VOLUME', { agent_id, volume, addition: resource }),
  of('SHRINK_VOLUME', { agent_id, volume, subtract: { value: 1 } }),
  of('UPDATE_WEIGHTS', { weight_infos: [{ role: 'web', weight: 2 }] }),
  of('UPDATE_QUOTA', {
    force: true,
    quota_configs: [{ role: 'web', guarantees: quantities, limits: quantities }],
  }),
  of('SET_QUOTA', { quota_request: { role: 'web', guarantee: [resource], force: true } }),
  of('REMOVE_QUOTA', { role: 'web' }),
  of('UPDATE_MAINTENANCE_SCHEDULE', { schedule: { windows: [window] } }),
  of('START_MAINTENANCE', { machines: [machine] }),
  of('STOP_MAINTENANCE', { machines: [machine] }),
  of('SET_LOGGING_LEVEL', { level: 1, duration: grace }),
  of('LIST_FILES', { path: '/x' }),
  of('READ_FILE', { path: '/x', offset: 0, length: 10 }),
  of('TEARDOWN', { framework_id: id }),
];

const status = {
  task_id: { value: 't' },
  state: 'TASK_RUNNING',
  source: 'SOURCE_AGENT',
  timestamp: 1.5,
  uuid,
  healthy: true,
  container_status: {
    container_id: id,
    network_infos: [{ ip_addresses: [{ ip_address: '10.0.0.1' }] }],
    executor_pid: 3,
  },
};
const agent_info = {
  hostname: 'h',
  port: 5051,
  url: { scheme: 'http', address: { hostname: 'h', ip: '10.0.0.1', port: 5051 }, path: '/' },
  resources: [resource, ports],
  attributes: [{ name: 'rack', type: 'TEXT', text: { value: 'a' } }],
  capabilities: [{ type: 'DOCKER' }],
  domain,
};
const update = { framework_id: id, status, latest_state: 'TASK_RUNNING' };
const fromAgent = (type: string, content: object) => ({
  type,
  agent_id,
  stream_id: 's',
  [type.toLowerCase()]: content,
});
const AGENT: readonly object[] = [
  fromAgent('SUBSCRIBE', {
    agent_info,
    version: '1',
    highest_epoch: 1,
    last_applied: { epoch: 1, stream_id: 's', sequence: 1 },
    tasks: [{ framework_id: id, task, state: 'TASK_RUNNING', latest_status: status }],
    frameworks: [framework_info],
    checkpointed_resources: [volume],
    executors: [{ framework_id: id, executor }],
  }),
  fromAgent('UPDATE', update),
  fromAgent('UPDATES', [update]),
  fromAgent('PONG', {}),
  fromAgent('CHECKPOINTED', { sequence: 1 }),
  fromAgent('MESSAGE', { framework_id: id, executor_id: id, data: 'AAAA' }),
  fromAgent('EXITED_EXECUTOR', { framework_id: id, executor_id: id, status: 0 }),
];

/** What stands where something else was meant; among it what answers to every name but converts to nothing. */
const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      '',
      '.',
      '__proto__',
      'constructor',
      'nul\u0000',
      'half \ud800',
      'a\nb',
      'x'.repeat(70_000),
    ],
    ...['NaN', 'Infinity', '-Infinity', '1e400', '999.1.1.1', 'TASK_RUNNING', 'SCALAR', 'true'],
    ...[0, -0, -1, 0.5, 1e-320, 1e20, 1e308, -1e308, 2 ** 31, 2 ** 53, 2 ** 63, true, null, [], {}],
    ...[{ toString: 1, valueOf: 1 }, { value: { toString: null } }, JSON.parse('{"__proto__":1}')],
    Array.from({ length: 10_001 }, () => null),
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

type Mutation = 'replace' | 'remove' | 'wrap' | 'double' | 'rename';
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  how: fc.constantFrom<Mutation>(
    'replace',
    'replace',
    'replace',
    'remove',
    'wrap',
    'double',
    'rename',
  ),
  value: nasty,
});

type Container = Record<string | number, unknown>;

/** Changes one place, picked evenly among all places of the message but its type. */
function mutate(
  message: object,
  { at, how, value }: { at: number; how: Mutation; value: unknown },
) {
  const copy = structuredClone(message) as Container;
  const places: (readonly [Container, string | number])[] = [];
  const walk = (holder: Container): void => {
    for (const key of Object.keys(holder)) {
      if (holder === copy && key === 'type') continue;
      places.push([holder, key]);
      const inner = holder[key];
      if (typeof inner === 'object' && inner !== null) walk(inner as Container);
    }
  };
  walk(copy);
  const place = places[Math.floor(at * places.length)];
  if (place === undefined) return copy;
  const [holder, key] = place;
  const before = holder[key];
  if (how === 'replace') holder[key] = value;
  else if (how === 'wrap') holder[key] = [before];
  else if (how === 'double') holder[key] = [before, before, value];
  else {
    delete holder[key];
    if (how === 'rename') holder['x'.repeat(1_000)] = before;
  }
  return copy;
}

/** Nothing that is read is out of bounds: the field's name says what it is. */
function expectWithinBounds(value: unknown, name: string): void {
  if (typeof value === 'number') {
    expect(Number.isNaN(value), name).toBe(false);
    if (name !== 'refuse_seconds') expect(Number.isFinite(value), name).toBe(true);
    if (name === 'port') expect(value, name).toBeLessThanOrEqual(65_535);
  }
  if (typeof value === 'string') {
    if (['user', 'principal'].includes(name)) {
      expect(value.length, name).toBeLessThanOrEqual(TEXT_LIMITS.name);
    }
    if (name === 'role') expect(value.length, name).toBeLessThanOrEqual(TEXT_LIMITS.role);
    if (name === 'hostname') expect(value.length, name).toBeLessThanOrEqual(TEXT_LIMITS.hostname);
  }
}

function expectAnswerable(parsed: Parsed<unknown>): void {
  if (parsed.kind !== 'invalid') return;
  expect(parsed.issues.length).toBeGreaterThan(0);
  for (const { path, message } of parsed.issues) {
    expect(path).not.toBe('');
    expect(message).not.toBe('');
  }
  const answer = parsed.issues.map(({ path, message }) => `${path} ${message}`).join('; ');
  expect(answer.length).toBeLessThan(MAX_ANSWER);
}

const PARSERS = [
  ['scheduler', SCHEDULER, parseSchedulerCall],
  ['operator', OPERATOR, parseOperatorCall],
  ['agent', AGENT, parseAgentCall],
] as const;

describe.each(PARSERS)('a call of the %s API', (_name, messages, parse) => {
  it.each(messages)('is read when it is well-formed: $type', (message) => {
    const parsed: Parsed<unknown> = parse(message);

    expect(parsed.kind === 'invalid' ? parsed.issues : parsed.kind).toBe('parsed');
  });

  it(
    'with one, two or three mistakes is read within bounds, or refused naming the field; nothing is thrown',
    () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...messages),
          fc.array(mutation, { minLength: 1, maxLength: 3 }),
          (message, mutations) => {
            const broken = mutations.reduce<object>(mutate, message);
            const before = JSON.stringify(broken);

            const parsed: Parsed<unknown> = parse(JSON.parse(before));

            expectAnswerable(parsed);
            if (parsed.kind === 'parsed' && _name !== 'agent') walkFields(parsed.value, '');
          },
        ),
        { numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );
});

/** Fields a client may fill as it likes are passed on unread. */
const UNREAD = new Set(['discovery', 'check', 'source', 'x'.repeat(1_000)]);

function walkFields(value: unknown, name: string): void {
  if (UNREAD.has(name)) return;
  expectWithinBounds(value, name);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) walkFields(inner, key);
}
