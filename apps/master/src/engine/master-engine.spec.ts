import { describe, expect, it } from 'vitest';
import { type Lease, resources } from '#core';
import {
  type AgentMessage,
  type MasterInfo,
  type SchedulerEvent,
  toWireResources,
} from '#mesos-v1';
import { FakeLeaseKeeper } from '../../../../test/support/fake-lease-keeper.js';
import { FakeMasterRegistry } from '../../../../test/support/fake-master-registry.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { createMasterEngine, type MasterEngine } from './master-engine.js';
import type { Pacer, RecordStreams } from './master-ports.js';

class MemoryStreams<Record> implements RecordStreams<Record> {
  readonly sent = new Map<string, Record[]>();
  readonly refused = new Map<string, number>();
  readonly broken = new Set<string>();
  /** Sent and not flushed. */
  unwritten = 0;

  typesTo(streamId: string): readonly string[] {
    return (this.sent.get(streamId) ?? []).map((record) => (record as { type: string }).type);
  }

  flush(): void {
    this.unwritten = 0;
  }

  send(streamId: string, record: Record): boolean {
    if (this.broken.has(streamId)) return false;
    this.unwritten += 1;
    this.sent.set(streamId, [...(this.sent.get(streamId) ?? []), record]);
    return true;
  }

  close(streamId: string): void {
    this.broken.add(streamId);
  }

  refuse(streamId: string, refusal: { readonly status: number }): void {
    this.refused.set(streamId, refusal.status);
  }
}

/** Each turn lasts for one effect. */
class ManualPacer implements Pacer {
  readonly isOver = true;
  private begin: (() => void) | undefined;

  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.begin = resolve;
    });
  }

  /** Lets one turn pass. */
  async next(): Promise<void> {
    const { begin } = this;
    this.begin = undefined;
    begin?.();
    for (let step = 0; step < 20; step += 1) await Promise.resolve();
  }

  /** Until nobody waits for a turn. */
  async finish(): Promise<void> {
    while (this.begin !== undefined) await this.next();
  }
}

const MASTER_INFO: MasterInfo = {
  id: '',
  ip: 0,
  port: 1,
  pid: 'master@127.0.0.1:1',
  hostname: 'h',
  version: '1.11.0',
  address: { hostname: 'h', ip: '127.0.0.1', port: 1 },
};

async function setUp(options: { readonly pacer?: Pacer } = {}) {
  const clock = new VirtualClock();
  const leases = new FakeLeaseKeeper(() => clock.now());
  const registry = new FakeMasterRegistry(leases);
  const frameworks = new MemoryStreams<SchedulerEvent>();
  const agents = new MemoryStreams<AgentMessage>();
  const failures: Error[] = [];
  const lead = async (holder: string): Promise<{ engine: MasterEngine; lease: Lease }> => {
    const outcome = await leases.acquire({ scope: 'master', holder, url: 'http://h:1' });
    if (outcome.kind !== 'held') throw new Error(`the lease is held by ${outcome.by.holder}`);
    let made = 0;
    const engine = await createMasterEngine(
      {
        registry,
        clock,
        frameworkStreams: frameworks,
        agentStreams: agents,
        ids: { next: () => `id-${made++}` },
        ...options,
        isWritable: () => true,
        onFatal: (error) => failures.push(error),
      },
      { lease: outcome.lease, masterInfo: MASTER_INFO },
    );
    return { engine, lease: outcome.lease };
  };
  return { clock, leases, registry, frameworks, agents, failures, lead };
}

const subscribeCall = (id?: string) => ({
  type: 'SUBSCRIBE' as const,
  ...(id === undefined ? {} : { framework_id: { value: id } }),
  subscribe: {
    framework_info: {
      user: 'root',
      name: 'n',
      failover_timeout: 600,
      ...(id === undefined ? {} : { id: { value: id } }),
    },
  },
});

const subscription = {
  agent_info: {
    hostname: 'h',
    port: 1,
    resources: toWireResources(resources({ cpus: 1, mem: 64 })),
    attributes: [],
  },
  version: '1',
  highest_epoch: 0,
  tasks: [],
  frameworks: [],
};

describe('MasterEngine', () => {
  it('offers within milliseconds of an agent arriving', async () => {
    const { clock, frameworks, lead } = await setUp();
    const { engine } = await lead('one');
    engine.subscribeFramework({ streamId: 'F', call: subscribeCall() });
    engine.subscribeAgent({ streamId: 'A', subscription });

    await clock.advance(5);

    expect(frameworks.sent.get('F')?.map(({ type }) => type)).toEqual([
      'SUBSCRIBED',
      'HEARTBEAT',
      'OFFERS',
    ]);
  });

  it('brings frameworks and agents over from the master before it', async () => {
    const { clock, leases, lead } = await setUp();
    const { engine: first, lease } = await lead('one');
    first.subscribeFramework({ streamId: 'F', call: subscribeCall() });
    first.subscribeAgent({ streamId: 'A', subscription });
    await clock.advance(5);
    first.stop();
    await leases.release(lease);

    const { engine: second } = await lead('two');

    expect([...second.state.frameworks.values()].map((one) => one.isRecovered)).toEqual([true]);
    expect([...second.state.agents.values()].map((one) => one.condition)).toEqual(['recovering']);
    expect(second.state.epoch).toBe(first.state.epoch + 1);
    expect(second.state.masterId).toBe(first.state.masterId);
  });

  it('ends when another master has the lease', async () => {
    const { clock, failures, lead } = await setUp();
    const { engine } = await lead('one');
    await clock.advance(3_500);
    await lead('two');

    engine.subscribeFramework({ streamId: 'F', call: subscribeCall() });
    await clock.advance(5);

    expect(failures).toMatchObject([{ code: 'FENCED' }]);
    const call = { type: 'TEARDOWN', teardown: { framework_id: { value: 'x' } } } as const;
    expect(await engine.callFromOperator({ call })).toMatchObject({ status: 503 });
  });

  it('refuses subscriptions while the database is away, and stores a deadline when it is back', async () => {
    const { clock, leases, registry, frameworks, lead } = await setUp();
    const { engine, lease } = await lead('one');
    engine.subscribeFramework({ streamId: 'F', call: subscribeCall() });
    await clock.advance(5);
    leases.setAvailable(false);

    engine.frameworkStreamClosed('F');
    engine.subscribeFramework({ streamId: 'G', call: subscribeCall() });
    await clock.advance(2_000);
    expect(frameworks.refused.get('G')).toBe(503);
    leases.setAvailable(true);
    await clock.advance(2_000);

    const [stored] = (await registry.load(lease, '')).frameworks;
    expect(stored?.failoverDeadlineEpochMs).toBeGreaterThan(clock.now().epochMs);
  });

  it('notices a stream that is gone when it sends on it', async () => {
    const { clock, frameworks, lead } = await setUp();
    const { engine } = await lead('one');
    engine.subscribeFramework({ streamId: 'F', call: subscribeCall() });
    await clock.advance(5);
    frameworks.broken.add('F');

    await clock.advance(16_000);

    expect([...engine.state.frameworks.values()][0]?.streamId).toBeUndefined();
  });

  it('writes in turns, in order, and answers a call only after what was sent before', async () => {
    const pacer = new ManualPacer();
    const { clock, frameworks, lead } = await setUp({ pacer });
    const { engine } = await lead('one');
    await pacer.finish();
    engine.subscribeFramework({ streamId: 'F', call: subscribeCall() });
    await pacer.finish();
    await clock.advance(0);
    await pacer.finish();
    const id = engine.state.frameworks.values().next().value?.id ?? '';
    const before = frameworks.typesTo('F');
    let status: number | undefined;
    const call = {
      type: 'RECONCILE' as const,
      framework_id: { value: id },
      reconcile: { tasks: ['a', 'b', 'c'].map((value) => ({ task_id: { value } })) },
    };

    void engine.callFromScheduler({ call, streamId: 'F' }).then((answer) => {
      status = answer.status;
    });
    const seen: unknown[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      await pacer.next();
      seen.push([frameworks.typesTo('F').length - before.length, frameworks.unwritten, status]);
    }

    expect(before).toEqual(['SUBSCRIBED', 'HEARTBEAT']);
    expect(seen).toEqual([
      [1, 0, undefined],
      [2, 0, undefined],
      [3, 0, undefined],
      [3, 0, 202],
      [3, 0, 202],
    ]);
  });

  it('does nothing after it was stopped', async () => {
    const { clock, frameworks, lead } = await setUp();
    const { engine } = await lead('one');
    engine.subscribeFramework({ streamId: 'F', call: subscribeCall() });
    engine.stop();

    await clock.advance(60_000);

    expect(frameworks.sent.size).toBe(0);
  });
});
