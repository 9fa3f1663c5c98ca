import type { FrameworkInfo, TaskInfo } from '#mesos-v1';
import { FakeHost, FakeLauncher } from '../../../../test/support/fake-launcher.js';
import { FakeMasterLink } from '../../../../test/support/fake-master-link.js';
import {
  FakeFetcher,
  FakeSandboxStore,
  FakeVolumeStore,
} from '../../../../test/support/fake-sandbox-store.js';
import { FakeTaskJournal } from '../../../../test/support/fake-task-journal.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { createAgentEngine } from './agent-engine.js';
import type { SandboxStore } from './sandbox-store.port.js';

export const framework: FrameworkInfo = {
  user: 'root',
  name: 'pacer',
  id: { value: 'framework-1' },
  capabilities: [{ type: 'PARTITION_AWARE' }],
};

export const task = (id: string, more: Partial<TaskInfo> = {}): TaskInfo => ({
  name: id,
  task_id: { value: id },
  agent_id: { value: 'agent-1' },
  resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } }],
  command: { value: 'sleep 1000' },
  ...more,
});

/** What outlives an agent: its disk and the processes of its host. */
export const createWorld = () => ({
  journal: new FakeTaskJournal(),
  volumes: new FakeVolumeStore(),
  host: new FakeHost(),
  clock: new VirtualClock(),
});

export async function startEngine(
  world = createWorld(),
  options: { readonly bootId?: string; readonly sandboxes?: SandboxStore } = {},
) {
  const link = new FakeMasterLink();
  const launcher = new FakeLauncher(world.host);
  const fetcher = new FakeFetcher();
  const failures: unknown[] = [];
  const probes: boolean[] = [];
  const engine = createAgentEngine(
    {
      launchers: [launcher],
      prober: {
        probe: async () => {
          const passed = probes.shift() ?? true;
          return { passed, detail: passed ? 'HTTP 200' : 'HTTP 503', durationMs: 1 };
        },
      },
      journal: world.journal,
      link,
      fetcher,
      sandboxes: options.sandboxes ?? new FakeSandboxStore(),
      volumes: world.volumes,
      clock: world.clock,
      randomBytes: (count) =>
        Array.from({ length: count }, () => world.journal.records.length % 256),
      log: () => undefined,
      fail: (error) => failures.push(error),
    },
    {
      agent: { hostname: 'host-1', port: 5051, resources: [], attributes: [] },
      version: '1.11.0',
      bootId: options.bootId ?? 'boot-1',
      hostAddress: '127.0.0.1',
      searchPath: '/bin',
    },
  );
  await engine.start();
  return { ...world, engine, link, launcher, fetcher, failures, probes };
}

export const launch = (link: FakeMasterLink, definition: TaskInfo) =>
  link.deliver({ type: 'LAUNCH', launch: { framework, task: definition } });

export const statesOf = (link: FakeMasterLink, id: string) =>
  link.updates
    .filter(({ status }) => status.task_id.value === id)
    .map(({ status }) => status.state);
