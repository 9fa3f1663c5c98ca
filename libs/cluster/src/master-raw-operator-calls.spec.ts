import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resources } from '#core';
import { parseOperatorCall } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';
import { isDown } from './master-maintenance.js';

/** For a loaded machine, and for shrinking when it fails. */
const LIMIT_MS = 120_000;
const RUNS = 600;

/** What a careless or hostile operator puts where something else was meant. */
const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      'constructor',
      '__proto__',
      'toString',
      'valueOf',
      'cpus',
      '*',
      '',
      '.',
      'a/b',
      'nul\u0000',
    ],
    ...[{ toString: 1, valueOf: 1 }, 'Infinity', 'NaN', '999.1.1.1'],
    ...['half \ud800', 'x'.repeat(3_000), '1e20', 'host', 'eng', 'RW', 'SCALAR', 'RANGES'],
    ...[0, -1, 0.5, -0.5, 1e-9, 1e20, 1e308, -1e308, 2 ** 53, 2 ** 63, null, true, [], {}],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

const reservation = { type: 'DYNAMIC', role: 'eng' };
const disk = (more: object = {}) => ({
  name: 'disk',
  type: 'SCALAR',
  scalar: { value: 8 },
  reservations: [reservation],
  ...more,
});
const volume = disk({
  disk: { persistence: { id: 'v' }, volume: { mode: 'RW', container_path: 'data' } },
});
const machines = [{ hostname: 'host' }];

/** One well-formed call of each kind. */
const callsOn = (agent: string, framework: string): readonly (readonly [string, object])[] => {
  const agent_id = { value: agent };
  return [
    ['UPDATE_WEIGHTS', { weight_infos: [{ role: 'eng', weight: 2 }] }],
    [
      'UPDATE_QUOTA',
      {
        force: true,
        quota_configs: [
          { role: 'eng', guarantees: { cpus: { value: 1 } }, limits: { cpus: { value: 2 } } },
        ],
      },
    ],
    [
      'SET_QUOTA',
      {
        quota_request: {
          role: 'ads',
          guarantee: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 1 } }],
        },
      },
    ],
    ['REMOVE_QUOTA', { role: 'eng' }],
    ['DRAIN_AGENT', { agent_id, max_grace_period: { nanoseconds: 1e9 }, mark_gone: false }],
    ['DEACTIVATE_AGENT', { agent_id }],
    ['REACTIVATE_AGENT', { agent_id }],
    ['MARK_AGENT_GONE', { agent_id }],
    ['TEARDOWN', { framework_id: { value: framework } }],
    ['RESERVE_RESOURCES', { agent_id, resources: [disk()] }],
    ['UNRESERVE_RESOURCES', { agent_id, resources: [disk()] }],
    ['CREATE_VOLUMES', { agent_id, volumes: [volume] }],
    ['DESTROY_VOLUMES', { agent_id, volumes: [volume] }],
    ['GROW_VOLUME', { agent_id, volume, addition: disk() }],
    ['SHRINK_VOLUME', { agent_id, volume, subtract: { value: 4 } }],
    [
      'UPDATE_MAINTENANCE_SCHEDULE',
      {
        schedule: {
          windows: [
            {
              machine_ids: machines,
              unavailability: { start: { nanoseconds: 1e18 }, duration: { nanoseconds: 1 } },
            },
          ],
        },
      },
    ],
    ['START_MAINTENANCE', { machines }],
    ['STOP_MAINTENANCE', { machines }],
  ];
};

const step = fc.record({
  call: fc.nat({ max: 17 }),
  /** Where to put something else, if anywhere. */
  change: fc.option(fc.record({ at: fc.nat({ max: 30 }), value: nasty }), { freq: 3 }),
  seconds: fc.constantFrom(0, 0, 1, 2),
  returns: fc.boolean(),
});

describe('operator calls, whatever is in them', () => {
  it(
    'never break the master, and are each answered once',
    () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
          const master = new MasterHarness();
          const framework = master.subscribe('F', { role: 'eng' });
          const agent = master.addAgent('A', {
            total: resources({ cpus: 4, mem: 1024, disk: 100 }),
          });
          master.allocate();
          const [offer] = master.offersOf('F');
          if (offer !== undefined) {
            master.launch(framework, 'F', offer, [commandTask('t', agent)]);
          }
          let streams = 0;
          for (const { call, change, seconds, returns } of steps) {
            const [type, content] = callsOn(agent, framework)[call] ?? ['', {}];
            const message = { type, [type.toLowerCase()]: content };
            const raw =
              change === null ? message : replaceAt(message, { left: change.at + 1 }, change.value);
            const parsed = parseOperatorCall(raw);
            if (parsed.kind === 'parsed' && isMutation(parsed.value)) {
              const answer = master.operate(parsed.value);
              expect([200, 202, 400, 404, 409, 501]).toContain(answer.status);
            }
            master.pong(agent, streams === 0 ? 'A' : `A${streams}`);
            if (seconds > 0) master.advance(seconds * 1_000);
            if (returns) {
              streams += 1;
              master.addAgent(`A${streams}`, {
                id: agent,
                total: resources({ cpus: 4, mem: 1024, disk: 100 }),
              });
            }
            master.allocate();
            checkDecisions(master);
          }
          expect(master.state.operator.waiting).toEqual([]);
          expect(master.state.operator.isDeciding).toBe(false);
        }),
        { numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );
});

/** What operators decided holds at any time. */
function checkDecisions({ state }: MasterHarness): void {
  for (const agent of state.agents.values()) {
    if (agent.activation !== undefined) expect(agent.offers.size).toBe(0);
    if (agent.activation?.drain?.state === 'DRAINED') expect(agent.tasks.size).toBe(0);
    expect(isDown(state, agent.info)).toBe(false);
    for (const offer of agent.offers) {
      const { consumed, quota } = state.allocator.roleUsage(offer.role);
      for (const [name, limit] of Object.entries(quota?.limits ?? {})) {
        expect(consumed[name] ?? 0).toBeLessThanOrEqual(limit);
      }
    }
  }
}

const isMutation = (
  call: Parameters<MasterHarness['operate']>[0] | { readonly type: string },
): call is Parameters<MasterHarness['operate']>[0] =>
  !['SET_LOGGING_LEVEL', 'LIST_FILES', 'READ_FILE'].includes(call.type);

/** The value with its n-th part, in order of depth, replaced. */
function replaceAt(value: unknown, place: { left: number }, by: unknown): unknown {
  place.left -= 1;
  if (place.left === 0) return by;
  if (Array.isArray(value)) return value.map((item) => replaceAt(item, place, by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, replaceAt(item, place, by)]),
  );
}
