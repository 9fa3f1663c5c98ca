import { join, relative } from 'node:path';
import type { RunKey, TaskExit } from '#core';
import type { AgentCall, TaskInfo, TaskStatus } from '#mesos-v1';
import { FakeHost, FakeLauncher } from '../../../../test/support/fake-launcher.js';
import { FakeMasterLink } from '../../../../test/support/fake-master-link.js';
import { FakeFetcher } from '../../../../test/support/fake-sandbox-store.js';
import { type DiskStep, recordFiles } from '../../../../test/support/recorded-disk.js';
import { settle, VirtualClock } from '../../../../test/support/virtual-clock.js';
import { FileTaskJournal } from '../journal/file-task-journal.js';
import { DirectorySandboxStore } from '../sandbox/directory-sandbox-store.js';
import { DirectoryVolumeStore } from '../sandbox/directory-volume-store.js';
import { type AgentEngine, createAgentEngine } from './agent-engine.js';
import { launch, task } from './agent-engine.test-support.js';
import type { SandboxStore } from './sandbox-store.port.js';

const STARTING: ReadonlySet<string> = new Set(['received', 'fetching', 'launching']);
const STARTING_LIMIT_MS = 10_000;
const isStarting = ({ state }: AgentEngine): boolean =>
  [...state.tasks.values()].some(({ phase }) => STARTING.has(phase.kind));

/** What happened, in the order in which it did. */
export type Step =
  | { readonly kind: 'disk'; readonly step: DiskStep }
  | { readonly kind: 'asked'; readonly id: string }
  | { readonly kind: 'started'; readonly run: RunKey; readonly id: string; readonly pid: number }
  | { readonly kind: 'ended'; readonly exit: TaskExit }
  | { readonly kind: 'told'; readonly status: TaskStatus }
  | { readonly kind: 'acknowledged'; readonly uuid: string };

class WatchedHost extends FakeHost {
  told: (step: Step) => void = () => undefined;

  override start(spec: { readonly run: RunKey; readonly taskId: string }) {
    const launched = super.start(spec);
    this.told({ kind: 'started', run: spec.run, id: spec.taskId, pid: launched.pid });
    return launched;
  }

  override end(run: RunKey, status: TaskExit['status'], oomKilled = false): TaskExit {
    const exit = super.end(run, status, oomKilled);
    this.told({ kind: 'ended', exit });
    return exit;
  }
}

class WatchedLink extends FakeMasterLink {
  constructor(private readonly told: (step: Step) => void) {
    super();
  }

  override async send(call: Exclude<AgentCall, { readonly type: 'SUBSCRIBE' }>): Promise<void> {
    if (call.type === 'UPDATE') this.told({ kind: 'told', status: call.update.status });
    await super.send(call);
  }
}

/** Folders as they are made, told before. */
function watchSandboxes(root: string, told: (step: Step) => void): SandboxStore {
  const store = new DirectorySandboxStore(root);
  return {
    directories: (run, executor) => store.directories(run, executor),
    prepare: (run, owner) => {
      const { sandbox } = store.directories(run, owner.member?.executor);
      for (const path of [relative(root, sandbox), `runtime/${run}`]) {
        told({ kind: 'disk', step: { kind: 'make-folder', path } });
      }
      return store.prepare(run, owner);
    },
    retire: (run) => {
      told({ kind: 'disk', step: { kind: 'remove', path: `runtime/${run}` } });
      return store.retire(run);
    },
    sweepRuntime: (isLive) =>
      store.sweepRuntime((run) => {
        if (isLive(run)) return true;
        told({ kind: 'disk', step: { kind: 'remove', path: `runtime/${run}` } });
        return false;
      }),
  };
}

export interface Life {
  readonly root: string;
  readonly bootId: string;
  /** The processes that an earlier life left. */
  readonly host?: WatchedHost;
  /** Differs for each start, as chance does. */
  readonly seed: number;
  readonly compactFromBytes?: number;
}

const SETTINGS = {
  agent: { hostname: 'host-1', port: 5051, resources: [], attributes: [] },
  version: '1.11.0',
  hostAddress: '127.0.0.1',
  searchPath: '/bin',
};

/** One life of an agent over a real work directory. */
export async function live({ root, bootId, host = new WatchedHost(), seed, ...limits }: Life) {
  const steps: Step[] = [];
  const told = (step: Step): void => void steps.push(step);
  host.told = told;
  const link = new WatchedLink(told);
  const failures: unknown[] = [];
  const launchers = {
    process: new FakeLauncher(host, 'process'),
    docker: new FakeLauncher(host, 'docker'),
  };
  const files = recordFiles(root, (step) => told({ kind: 'disk', step }));
  const engine = createAgentEngine(
    {
      launchers: [launchers.process, launchers.docker],
      prober: { probe: async () => ({ passed: true, detail: '', durationMs: 1 }) },
      journal: new FileTaskJournal(join(root, 'journal'), () => undefined, {
        files,
        ...limits,
      }),
      link,
      fetcher: new FakeFetcher(),
      sandboxes: watchSandboxes(root, told),
      volumes: new DirectoryVolumeStore(root, () => undefined, files),
      clock: new VirtualClock(),
      randomBytes: (count) => Array.from({ length: count }, () => seed),
      log: () => undefined,
      fail: (error) => failures.push(error),
    },
    { ...SETTINGS, bootId },
  );
  await engine.start();
  const rest = async (): Promise<void> => {
    for (let round = 0; round < 4; round += 1) {
      await engine.idle();
      await settle();
    }
    // Folders are made on a real disk, which takes its time; nothing else that is under way waits for anything.
    const deadlineMs = performance.now() + STARTING_LIMIT_MS;
    while (isStarting(engine) && performance.now() < deadlineMs) {
      await engine.idle();
      await settle();
    }
    await engine.idle();
    await settle();
  };
  await rest();
  const acknowledged = new Set<string>();
  return {
    ...{ steps, link, engine, host, launchers, failures, rest },
    ask: (definition: TaskInfo) => {
      told({ kind: 'asked', id: definition.task_id.value });
      launch(link, definition);
    },
    askGroup: (tasks: readonly TaskInfo[]) => {
      for (const { task_id } of tasks) told({ kind: 'asked', id: task_id.value });
      const executor = { executor_id: { value: 'pod' }, type: 'DEFAULT' as const, resources: [] };
      const framework = { user: 'root', name: 'f', id: { value: 'framework-1' } };
      const launch_id = { epoch: 1, number: 1 };
      link.deliver({
        type: 'LAUNCH_GROUP',
        launch_group: { framework, executor, tasks, launch_id, executor_launch_id: launch_id },
      });
    },
    kill: (id: string) =>
      link.deliver({
        type: 'KILL',
        kill: { framework_id: { value: 'framework-1' }, task_id: { value: id } },
      }),
    /** Acknowledges whatever comes until nothing more does. */
    acknowledgeAll: async (): Promise<void> => {
      for (;;) {
        await rest();
        const next = link.updates.find(({ status: { uuid } }) => !acknowledged.has(uuid ?? ''));
        if (next?.status.uuid === undefined) return;
        const { framework_id, status } = next;
        const { uuid = '', task_id } = status;
        acknowledged.add(uuid);
        told({ kind: 'acknowledged', uuid });
        link.deliver({ type: 'ACKNOWLEDGE', acknowledge: { framework_id, task_id, uuid } });
      }
    },
  };
}

export const DEFINITIONS: Readonly<Record<'process' | 'docker', TaskInfo>> = {
  process: task('web'),
  docker: task('web', { container: { type: 'DOCKER', docker: { image: 'nginx' } } }),
};

/** The processes there are after these steps; none of them outlives the host. */
export function hostAfter(steps: readonly Step[], options: { readonly isPowerCut: boolean }) {
  const host = new WatchedHost();
  if (options.isPowerCut) return host;
  for (const step of steps) {
    if (step.kind === 'started') host.adopt(step.run, step.id, step.pid);
    if (step.kind === 'ended') host.end(step.exit.run, step.exit.status, step.exit.oomKilled);
  }
  return host;
}
