import { describe, expect, it } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { type AppEntry, type EntryContext, toAppEntry } from './app-entry.js';
import { app, task } from './dns.test-support.js';

const CHECK = {
  protocol: 'HTTP',
  gracePeriodSeconds: 30,
  intervalSeconds: 1,
  timeoutSeconds: 5,
  maxConsecutiveFailures: 3,
};
const DRAINING = { since: '2026-01-01T00:00:00Z', deadline: '2026-01-01T00:01:00Z' };
const health = (alive: boolean) => ({
  healthCheckResults: [{ alive, consecutiveFailures: 0, instanceId: 'i' }],
});
const make = (wire: WireApp, context: Partial<EntryContext> = {}): AppEntry =>
  toAppEntry(wire, {
    lastKnownHealth: new Map(),
    before: undefined,
    ...context,
  });
const ids = (entry: AppEntry): readonly string[] => entry.instances.map(({ taskId }) => taskId);

describe('toAppEntry', () => {
  it('names what runs, is healthy or unchecked, is ready, and does not drain', () => {
    const tasks = [
      task('fit', health(true)),
      task('sick', health(false)),
      task('unknown'),
      task('starting', { ...health(true), state: 'TASK_STARTING' }),
      task('killing', { ...health(true), state: 'TASK_KILLING' }),
      task('lost', { ...health(true), state: 'TASK_LOST' }),
      task('draining', { ...health(true), draining: DRAINING }),
      task('unready', health(true)),
    ];
    const readinessCheckResults = [{ name: 'r', taskId: 'unready', ready: false }];

    const entry = make(app(tasks, { healthChecks: [CHECK], readinessCheckResults }));

    expect(ids(entry)).toEqual(['fit']);
    expect(entry.isFailStatic).toBe(false);
    expect(ids(make(app([task('unchecked')])))).toEqual(['unchecked']);
  });

  it('takes the last known health while there is no result, as after a fail-over of the controller', () => {
    const wire = app([task('a'), task('b')], { healthChecks: [CHECK] });

    const entry = make(wire, {
      lastKnownHealth: new Map([
        ['a', true],
        ['b', false],
      ]),
    });

    expect(ids(entry)).toEqual(['a']);
  });

  it('keeps what it named while none is fit, but not those that are gone', () => {
    const healthy = app([task('a', health(true)), task('b', health(true))], {
      healthChecks: [CHECK],
    });
    const before = make(healthy);

    const sick = app([task('a', health(false)), task('new', health(false))], {
      healthChecks: [CHECK],
    });
    const entry = make(sick, { before });

    expect(ids(entry)).toEqual(['a']);
    expect(entry.isFailStatic).toBe(true);
    const recovered = make(app([task('new', health(true))], { healthChecks: [CHECK] }), {
      before: entry,
    });
    expect(ids(recovered)).toEqual(['new']);
    expect(recovered.isFailStatic).toBe(false);
  });

  it('keeps what it named while a partition hides all of it', () => {
    const before = make(app([task('a'), task('b')]));

    const entry = make(
      app([task('a', { state: 'TASK_UNREACHABLE' }), task('b', { state: 'TASK_LOST' })]),
      { before },
    );

    expect(ids(entry)).toEqual(['a', 'b']);
    expect(entry.isFailStatic).toBe(true);
  });

  it('names nothing when nothing lives', () => {
    const before = make(app([task('a')]));

    expect(ids(make(app([]), { before }))).toEqual([]);
    expect(ids(make(app([task('a', { state: 'TASK_KILLING' })]), { before }))).toEqual([]);
  });

  it('finds ports at the agent and at the instance', () => {
    const portMappings = [
      { containerPort: 80, hostPort: 0, servicePort: 0, protocol: 'tcp', labels: {} },
      { containerPort: 53, servicePort: 0, protocol: 'udp,tcp', name: 'dns', labels: {} },
      { containerPort: 9000, hostPort: 0, servicePort: 0, protocol: 'tcp', labels: {} },
    ];
    const wire = app(
      [
        task('a', {
          ports: [31_001, 31_002],
          ipAddresses: [{ ipAddress: '172.17.0.2', protocol: 'IPv4' }],
        }),
      ],
      {
        networks: [{ mode: 'container/bridge' }],
        container: { type: 'DOCKER', volumes: [], portMappings },
      },
    );

    expect(make(wire).instances[0]?.ports).toEqual([
      { protocols: ['tcp'], at: 'agent', port: 31_001 },
      { name: 'dns', protocols: ['tcp', 'udp'], at: 'own', port: 53 },
      { protocols: ['tcp'], at: 'agent', port: 31_002 },
    ]);
  });

  it('keeps the address of a host that cannot be resolved any more', () => {
    const before = make(app([task('a', { host: '10.0.0.9' })]));

    const entry = make(app([task('a', { host: 'rack-1' })]), { before });

    expect(entry.instances[0]?.agentAddress).toBe('10.0.0.9');
  });

  it('reads the weight, and says what is wrong with one it cannot use', () => {
    expect(make(app([], { labels: { DNS_WEIGHT: '7' } })).weight).toBe(7);
    expect(make(app([], { labels: { DNS_WEIGHT: '65536' } }))).toMatchObject({
      problems: ['label DNS_WEIGHT: "65536" is not a whole number from 0 to 65535'],
    });
  });
});
