import { expect, test } from 'vitest';
import type { ReconfigurationPolicy } from '#cluster';
import type { AgentInfo } from '#mesos-v1';
import { FakeHost, FakeLauncher } from '../../../../test/support/fake-launcher.js';
import { FakeMasterLink } from '../../../../test/support/fake-master-link.js';
import { FakeSandboxStore, FakeVolumeStore } from '../../../../test/support/fake-sandbox-store.js';
import { FakeTaskJournal } from '../../../../test/support/fake-task-journal.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { createAgentEngine } from './agent-engine.js';

const cpus = (value: number): AgentInfo['resources'] => [
  { name: 'cpus', type: 'SCALAR', scalar: { value }, role: '*' },
];

/** Starts an agent of these cpus on a disk, and has it admitted if it starts. */
async function start(journal: FakeTaskJournal, count: number, policy: ReconfigurationPolicy) {
  const link = new FakeMasterLink();
  const engine = createAgentEngine(
    {
      launchers: [new FakeLauncher(new FakeHost())],
      prober: { probe: async () => ({ passed: true, detail: '', durationMs: 1 }) },
      fetcher: { fetch: async () => undefined },
      ...{
        journal,
        link,
        sandboxes: new FakeSandboxStore(),
        volumes: new FakeVolumeStore(),
        clock: new VirtualClock(),
      },
      randomBytes: (bytes) => Array(bytes).fill(1),
      log: () => undefined,
      fail: () => undefined,
    },
    {
      agent: { hostname: 'h', port: 1, resources: cpus(count), attributes: [] },
      ...{ version: '1', bootId: 'b', hostAddress: '127.0.0.1', searchPath: '/bin' },
      reconfiguration: policy,
    },
  );
  await engine.start();
  link.admit();
  await engine.idle();
  engine.halt();
}

test('an agent that was admitted starts as something else only as its policy allows', async () => {
  const journal = new FakeTaskJournal();
  await start(journal, 4, 'equal');
  const before = structuredClone(journal.identity);

  await expect(start(journal, 2, 'additive')).rejects.toThrow(
    /agent \S+ may not be changed so while PACER_AGENT_RECONFIGURATION_POLICY is additive: cpus was 4, is 2\. Start it as it was, or with the policy any, or with another PACER_DATA/,
  );
  await expect(start(journal, 8, 'equal')).rejects.toThrow('cpus was 4, is 8');
  expect(journal.identity).toEqual(before);

  await start(journal, 8, 'additive');
  expect(journal.identity).toMatchObject({ description: { resources: cpus(8) } });
  await start(journal, 1, 'any');
  expect(journal.identity).toMatchObject({ description: { resources: cpus(1) } });
});
