import { describe, expect, it } from 'vitest';
import { frameworkId } from '#core';
import type { WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';

describe('frameworks', () => {
  it('sends SUBSCRIBED, then a HEARTBEAT at once and every 15 s', () => {
    const master = new MasterHarness();

    master.subscribe('F');
    expect(master.sentToFrameworks.get('F')?.map(({ type }) => type)).toEqual([
      'SUBSCRIBED',
      'HEARTBEAT',
    ]);
    master.advance(45_000);

    expect(master.eventsOf('F', 'HEARTBEAT')).toHaveLength(4);
  });

  it('stores a framework before it answers, and answers 503 while the registry is away', () => {
    const master = new MasterHarness();
    master.registryIsAway = true;

    master.subscribe('F');

    expect(master.refused.get('F')).toBe(503);
    expect(master.state.frameworks.size).toBe(0);
  });

  it('closes the first stream with ERROR when the framework subscribes again', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F');

    const again = master.subscribe('G', { name: 'F' }, { id });

    expect(again).toBe(id);
    expect(master.eventsOf('F', 'ERROR')[0]?.error.message).toBe('Framework failed over');
    expect(master.closed.has('F')).toBe(true);
    expect(master.call(id, 'F', { type: 'REVIVE' }).status).toBe(400);
    expect(master.call(id, 'G', { type: 'REVIVE' }).status).toBe(202);
  });

  it('rebuilds a framework whose id it does not know', () => {
    const master = new MasterHarness();

    expect(master.subscribe('F', {}, { id: 'old-0001' })).toBe('old-0001');
  });

  it('refuses a torn down framework with ERROR', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F');
    expect(master.call(id, 'F', { type: 'TEARDOWN' }).status).toBe(202);

    master.subscribe('G', {}, { id });

    expect(master.closed.has('F')).toBe(true);
    expect(master.eventsOf('G', 'ERROR')[0]?.error.message).toBe('Framework has been removed');
  });

  it('refuses a change of principal', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F', { principal: 'one' });

    master.subscribe('G', { principal: 'two' }, { id });

    expect(master.eventsOf('G', 'ERROR')[0]?.error.message).toContain('principal');
    expect(master.closed.has('F')).toBe(false);
  });

  it('a framework from before credentials takes on its principal once, and may name none without credentials', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F');

    master.subscribe('G', { principal: 'one' }, { id });
    master.subscribe('H', { principal: 'two' }, { id });
    expect(master.eventsOf('G', 'ERROR').map(({ error }) => error.message)).toEqual([]);
    expect(master.eventsOf('H', 'ERROR')[0]?.error.message).toContain('principal');
    master.subscribe('I', {}, { id });

    expect(master.eventsOf('I', 'ERROR')).toEqual([]);
    expect(master.eventsOf('I', 'SUBSCRIBED')).toHaveLength(1);
  });

  it('tears a framework without failover_timeout down the moment its stream drops', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F', { failover_timeout: 0 });

    master.dispatch({ kind: 'framework-stream-closed', streamId: 'F' });

    expect(master.state.frameworks.size).toBe(0);
    expect(master.state.completedFrameworks.has(frameworkId(id))).toBe(true);
  });

  it('tears a framework down when its failover_timeout runs out, and kills its tasks', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F', { failover_timeout: 5 });
    const agent = master.addAgent('A');
    master.allocate();
    master.launch(id, 'F', master.offersOf('F')[0] as WireOffer, [commandTask('t', agent)]);
    master.dispatch({ kind: 'framework-stream-closed', streamId: 'F' });

    master.advance(4_000);
    expect(master.state.frameworks.size).toBe(1);
    master.advance(2_000);

    expect(master.state.frameworks.size).toBe(0);
    expect(master.messagesOf('A').some(({ type }) => type === 'SHUTDOWN_FRAMEWORK')).toBe(true);
    expect(master.usedOn(agent).scalars).toEqual({ cpus: 4000, mem: 1_024_000 });
  });

  it('checks calls in order: unknown 400, disconnected 403, stream id missing or wrong 400', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F');

    expect(master.call('nobody', 'F', { type: 'REVIVE' }).status).toBe(400);
    expect(master.call(id, undefined, { type: 'REVIVE' }).status).toBe(400);
    expect(master.call(id, 'other', { type: 'REVIVE' }).status).toBe(400);
    master.dispatch({ kind: 'framework-stream-closed', streamId: 'F' });
    expect(master.call(id, 'F', { type: 'REVIVE' }).status).toBe(403);
  });

  it('tells a framework that comes back what it did not acknowledge', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F');
    const agent = master.addAgent('A');
    master.allocate();
    master.launch(id, 'F', master.offersOf('F')[0] as WireOffer, [commandTask('t', agent)]);
    master.dispatch({ kind: 'framework-stream-closed', streamId: 'F' });
    const where = { agent, streamId: 'A', framework: id };
    expect(master.update(where, { taskId: 't', state: 'TASK_RUNNING', uuid: UUID })).toBe(202);

    master.subscribe('G', {}, { id });

    expect(master.statusesOf('G')).toMatchObject([{ state: 'TASK_RUNNING', uuid: UUID }]);
  });

  it('offers to a framework again after it came back, whatever it filtered or suppressed before', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F');
    master.addAgent('A');
    master.allocate();
    const offer = master.offersOf('F')[0] as WireOffer;
    master.call(id, 'F', {
      type: 'DECLINE',
      decline: { offer_ids: [offer.id], filters: { refuse_seconds: 4_294_967_295 } },
    });
    master.call(id, 'F', { type: 'SUPPRESS' });
    master.dispatch({ kind: 'framework-stream-closed', streamId: 'F' });

    master.subscribe('G', {}, { id });
    master.allocate();

    expect(master.offersOf('G')).toHaveLength(1);
  });

  it('starts suppressed when suppressed_roles says so', () => {
    const master = new MasterHarness();
    master.subscribe('F', {}, { suppressed: ['*'] });
    master.addAgent('A');

    master.allocate();

    expect(master.offersOf('F')).toHaveLength(0);
  });

  it('keeps the fail-over deadline of the registry over a restart of the master', () => {
    const master = new MasterHarness();
    master.recover({
      agents: [],
      frameworks: [
        {
          id: frameworkId('f1'),
          info: { user: 'root', name: 'f', failover_timeout: 3600 },
          state: 'registered',
          failoverDeadlineEpochMs: master.now.epochMs + 60_000,
          sinceEpochMs: 1,
        },
      ],
    });

    master.advance(59_000);
    expect(master.state.frameworks.size).toBe(1);
    master.advance(2_000);

    expect(master.state.frameworks.size).toBe(0);
  });

  it('gives a framework whose deadline passed while no master ran the grace to come back', () => {
    const master = new MasterHarness();
    master.recover({
      agents: [],
      frameworks: [
        {
          id: frameworkId('f1'),
          info: { user: 'root', name: 'f', failover_timeout: 1 },
          state: 'registered',
          failoverDeadlineEpochMs: master.now.epochMs - 3_600_000,
          sinceEpochMs: 1,
        },
      ],
    });

    master.advance(29_000);
    expect(master.state.frameworks.size).toBe(1);
    master.advance(2_000);

    expect(master.state.frameworks.size).toBe(0);
  });

  it('goes on after a TEARDOWN that could not be stored, and takes the next one', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F');
    master.registryIsAway = true;
    expect(master.call(id, 'F', { type: 'TEARDOWN' }).status).toBe(503);
    master.registryReturns();

    expect(master.call(id, 'F', { type: 'REVIVE' }).status).toBe(202);
    expect(master.call(id, 'F', { type: 'TEARDOWN' }).status).toBe(202);

    expect(master.state.frameworks.size).toBe(0);
  });

  it('stores nothing after a TEARDOWN when the framework hangs up at once', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F');
    master.holdsCommits = true;
    master.call(id, 'F', { type: 'TEARDOWN' });
    master.dispatch({ kind: 'framework-stream-closed', streamId: 'F' });

    master.releaseCommits();

    const last = master.committed.flatMap(({ changes }) => changes).at(-1);
    expect(last).toMatchObject({ kind: 'put-framework', framework: { state: 'completed' } });
    expect(master.state.frameworks.size).toBe(0);
  });

  it('has its fail-over time when it hung up during a TEARDOWN that could not be stored', () => {
    const master = new MasterHarness();
    const id = master.subscribe('F', { failover_timeout: 60 });
    master.holdsCommits = true;
    master.call(id, 'F', { type: 'TEARDOWN' });
    master.dispatch({ kind: 'framework-stream-closed', streamId: 'F' });
    master.registryIsAway = true;
    master.releaseCommits();
    master.registryReturns();

    expect(master.subscribe('G', { failover_timeout: 60 }, { id })).toBe(id);
  });

  it('caps a fail-over timeout at ten years', () => {
    const master = new MasterHarness();
    master.subscribe('F', { failover_timeout: 1e20 });

    master.dispatch({ kind: 'framework-stream-closed', streamId: 'F' });

    const last = master.committed.flatMap(({ changes }) => changes).at(-1);
    expect(last).toMatchObject({
      framework: { failoverDeadlineEpochMs: master.now.epochMs + 10 * 365 * 24 * 3600 * 1000 },
    });
  });

  it('answers 400 to a subscription the registry cannot hold', () => {
    const master = new MasterHarness();

    master.dispatch({ kind: 'registry-unavailable', streamId: 'F', refusal: 'too large' });

    expect(master.refused.get('F')).toBe(400);
  });
});
