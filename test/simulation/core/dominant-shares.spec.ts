import { expect, test } from 'vitest';
import { fromMilli, resources, scalarMilli } from '#core';
import { FakeLeaseKeeper } from '../../support/fake-lease-keeper.js';
import { FakeMasterRegistry } from '../../support/fake-master-registry.js';
import { settle } from '../../support/virtual-clock.js';
import { AgentNode } from '../agent-node.js';
import { MasterNode } from '../master-node.js';
import { Network } from '../network.js';
import { World } from '../world.js';
import type { FrameworkHabits } from './demand.js';
import { FrameworkNode } from './framework-node.js';
import { watchLife } from './life-watch.js';
import { OfferWatch } from './offer-watch.js';
import { TaskWatch } from './task-watch.js';

// Dominant resource fairness (Ghodsi et al., NSDI 2011, section 4.1): 9 cpus and 18 GB, user A with tasks of 1 cpu and
// 4 GB, user B with tasks of 3 cpus and 1 GB. Frameworks that take one task of an offer and never refuse for long.

const RUN_MS = 10_000;
const GB = 1_024;
const TOTAL = resources({ cpus: 9, mem: 18 * GB });
const SIZES = {
  A: resources({ cpus: 1, mem: 4 * GB }),
  B: resources({ cpus: 3, mem: GB }),
} as const;

type User = keyof typeof SIZES;

/** Runs both users on one machine; returns whose tasks were launched, in order. */
async function share(roles: Readonly<Record<User, string>>): Promise<readonly User[]> {
  const world = new World(1, { isCalm: true });
  const network = new Network(world);
  const leases = new FakeLeaseKeeper(() => world.queue.now());
  const registry = new FakeMasterRegistry(leases);
  const frameworks: FrameworkNode[] = [];
  const agents: AgentNode[] = [];
  const observer = new TaskWatch({
    world,
    leases,
    agents: () => agents,
    frameworks: () => frameworks,
  });
  const master = new MasterNode('master', {
    world,
    disk: { leases, registry },
    observer,
    engine: () => watchLife([new OfferWatch(world), observer.life()], { config: {} }),
  });
  const masters = [master];
  // B first, so that it wins the tie at the start.
  for (const user of ['B', 'A'] as const) {
    const demand = { id: user, role: roles[user], kind: 'service', size: SIZES[user] } as const;
    frameworks.push(
      new FrameworkNode(
        { ...HABITS, name: user, roles: [roles[user]] },
        [{ ...demand, durationMs: 5_000, count: 100 }],
        { world, network, masters, observer, random: world.random.workload.fork() },
      ),
    );
    while (world.nowMs < 2_000 * frameworks.length && world.queue.runNext()) await settle();
  }
  agents.push(new AgentNode('agent', 1, { world, network, masters, observer, resources: TOTAL }));
  const endMs = world.nowMs + RUN_MS;
  while (world.nowMs < endMs && world.queue.runNext()) await settle();

  expect(world.violation).toBeUndefined();
  expect(agents[0]?.host.running().length).toBe(observer.launched().length);
  return observer.launched().map(({ task_id }) => (task_id.value.startsWith('A.') ? 'A' : 'B'));
}

const HABITS: Omit<FrameworkHabits, 'name' | 'roles'> = {
  isMultiRole: false,
  isPartitionAware: true,
  failoverTimeout: 60,
  suppresses: false,
  revives: false,
  maxRefuseSeconds: 0,
  tasksPerOffer: 1,
  hoards: 0,
  errs: 0,
  reserves: false,
  replacesUnreachable: false,
};

test.each([
  ['two roles', { A: 'second', B: 'first' }],
  ['one role', { A: 'users', B: 'users' }],
])('9 cpus and 18 GB settle at 3 and 2 tasks of two frameworks in %s', async (_what, roles) => {
  const launched = await share(roles);

  expect(launched.filter((user) => user === 'A').length).toBe(3);
  expect(launched.filter((user) => user === 'B').length).toBe(2);
});

test('each task goes to the lowest dominant share: B, A, A, B, A', async () => {
  const launched = await share({ A: 'second', B: 'first' });

  expect(trace(launched)).toEqual([
    { user: 'B', share: '0.333', cpus: 3, memGb: 1 },
    { user: 'A', share: '0.222', cpus: 4, memGb: 5 },
    { user: 'A', share: '0.444', cpus: 5, memGb: 9 },
    { user: 'B', share: '0.667', cpus: 8, memGb: 10 },
    { user: 'A', share: '0.667', cpus: 9, memGb: 14 },
  ]);
});

/** After each task: the dominant share of its user, and what is used of the machine. */
function trace(launched: readonly User[]) {
  const used = { cpus: 0, mem: 0 };
  const counts = { A: 0, B: 0 };
  return launched.map((user) => {
    counts[user] += 1;
    const size = decodeSize(user);
    used.cpus += size.cpus;
    used.mem += size.mem;
    const share = Math.max(
      (counts[user] * size.cpus) / fromMilli(scalarMilli(TOTAL, 'cpus')),
      (counts[user] * size.mem) / fromMilli(scalarMilli(TOTAL, 'mem')),
    );
    return { user, share: share.toFixed(3), cpus: used.cpus, memGb: used.mem / GB };
  });
}

const decodeSize = (user: User) => ({
  cpus: fromMilli(scalarMilli(SIZES[user], 'cpus')),
  mem: fromMilli(scalarMilli(SIZES[user], 'mem')),
});
