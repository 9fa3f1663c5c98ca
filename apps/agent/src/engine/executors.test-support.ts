import type { ExecutorCall, ExecutorEvent, ExecutorInfo, FrameworkInfo, TaskInfo } from '#mesos-v1';
import { FakeHost, FakeLauncher } from '../../../../test/support/fake-launcher.js';
import { FakeMasterLink } from '../../../../test/support/fake-master-link.js';
import {
  FakeFetcher,
  FakeSandboxStore,
  FakeVolumeStore,
} from '../../../../test/support/fake-sandbox-store.js';
import { FakeTaskJournal } from '../../../../test/support/fake-task-journal.js';
import { settle, VirtualClock } from '../../../../test/support/virtual-clock.js';
import { type AgentEngine, createAgentEngine } from './agent-engine.js';

/** An agent over fakes whose executors are the test. */

export const FRAMEWORK: FrameworkInfo = {
  user: 'root',
  name: 'f',
  id: { value: 'F' },
  checkpoint: true,
};

export const EXECUTOR: ExecutorInfo = {
  executor_id: { value: 'E' },
  framework_id: { value: 'F' },
  command: { value: './executor' },
  resources: [
    { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } },
    { name: 'mem', type: 'SCALAR', scalar: { value: 32 } },
  ],
};

export const executorTask = (id: string, more: Partial<TaskInfo> = {}): TaskInfo => ({
  name: id,
  task_id: { value: id },
  agent_id: { value: 'agent-1' },
  resources: [
    { name: 'cpus', type: 'SCALAR', scalar: { value: 0.5 } },
    { name: 'mem', type: 'SCALAR', scalar: { value: 64 } },
  ],
  executor: EXECUTOR,
  ...more,
});

export const createExecutorWorld = () => ({
  journal: new FakeTaskJournal(),
  host: new FakeHost(),
  clock: new VirtualClock(),
});

export async function startAgent(
  world = createExecutorWorld(),
  options: { readonly bootId?: string; readonly isAdmitted?: boolean } = {},
) {
  const link = new FakeMasterLink();
  const launcher = new FakeLauncher(world.host);
  const fetcher = new FakeFetcher();
  const engine = createAgentEngine(
    {
      launchers: [launcher],
      prober: { probe: async () => ({ passed: true, detail: '', durationMs: 1 }) },
      journal: world.journal,
      link,
      fetcher,
      sandboxes: new FakeSandboxStore(),
      volumes: new FakeVolumeStore(),
      clock: world.clock,
      randomBytes: (count) =>
        Array.from({ length: count }, () => world.journal.records.length % 256),
      log: () => undefined,
      fail: (error) => {
        throw error;
      },
    },
    {
      agent: { hostname: 'host-1', port: 5051, resources: [], attributes: [] },
      version: '1.11.0',
      bootId: options.bootId ?? 'boot-1',
      hostAddress: '10.0.0.1',
      searchPath: '/bin',
    },
  );
  await engine.start();
  if (options.isAdmitted !== false) link.admit();
  await settle();
  return { ...world, engine, link, launcher, fetcher };
}

export type StartedAgent = Awaited<ReturnType<typeof startAgent>>;

let uuids = 0;
/** Unlike all others. */
export const nextUuid = (): string => {
  uuids += 1;
  return Buffer.from(String(uuids).padStart(16, '0')).toString('base64');
};

/** An executor that says what the test makes it say. */
export class FakeExecutor {
  readonly events: ExecutorEvent[] = [];
  isOpen = false;
  private closed: () => void = () => undefined;

  constructor(
    private readonly engine: AgentEngine,
    private readonly id = 'E',
  ) {}

  /** The status it is refused with, or 200. */
  async subscribe(
    known: {
      readonly tasks?: readonly TaskInfo[];
      readonly updates?: readonly ReturnType<typeof statusOf>[];
    } = {},
  ): Promise<number> {
    const answer = this.engine.executors.subscribe(
      {
        ...this.caller,
        type: 'SUBSCRIBE',
        subscribe: {
          unacknowledged_tasks: known.tasks ?? [],
          unacknowledged_updates: (known.updates ?? []).map((status) => ({ status })),
        },
      },
      () => {
        this.isOpen = true;
        return {
          send: (event) => {
            this.events.push(event);
            return true;
          },
          end: () => {
            this.isOpen = false;
          },
        };
      },
    );
    if (answer.kind === 'refused') return answer.status;
    this.closed = answer.closed;
    await settle();
    return 200;
  }

  disconnect(): void {
    this.isOpen = false;
    this.closed();
  }

  update(taskId: string, state: string, uuid = nextUuid()): Promise<number> {
    return this.call({ type: 'UPDATE', update: { status: statusOf(taskId, state, uuid) } });
  }

  message(data: string): Promise<number> {
    return this.call({ type: 'MESSAGE', message: { data } });
  }

  /** Events of one type, newest last. */
  heard<Type extends ExecutorEvent['type']>(type: Type) {
    return this.events.filter(
      (event): event is Extract<ExecutorEvent, { readonly type: Type }> => event.type === type,
    );
  }

  launched(): readonly string[] {
    return this.heard('LAUNCH').map(({ launch }) => launch.task.task_id.value);
  }

  private get caller() {
    return { framework_id: { value: 'F' }, executor_id: { value: this.id } };
  }

  private async call(
    call: Pick<Extract<ExecutorCall, { readonly type: 'UPDATE' | 'MESSAGE' }>, 'type'> &
      Record<string, unknown>,
  ): Promise<number> {
    const answer = await this.engine.executors.call({ ...this.caller, ...call } as Exclude<
      ExecutorCall,
      { readonly type: 'SUBSCRIBE' }
    >);
    await settle();
    return answer.kind === 'refused' ? answer.status : 202;
  }
}

export const statusOf = (taskId: string, state: string, uuid = nextUuid()) => ({
  task_id: { value: taskId },
  state,
  uuid,
  source: 'SOURCE_EXECUTOR' as const,
});

let launches = 0;
/** LAUNCH of tasks in one executor, as a master sends it. */
export async function launchTasks(
  { link }: Pick<StartedAgent, 'link'>,
  tasks: readonly TaskInfo[],
): Promise<void> {
  for (const task of tasks) {
    launches += 1;
    const launch_id = { epoch: 1, number: launches };
    link.deliver({ type: 'LAUNCH', launch: { framework: FRAMEWORK, task, launch_id } });
  }
  await settle();
}

/** States of a task as the master was told them. */
export const statesOf = ({ link }: Pick<StartedAgent, 'link'>, id: string): readonly string[] =>
  link.updates
    .filter(({ status }) => status.task_id.value === id)
    .map(({ status }) => status.state);

export const lastStatusOf = ({ link }: Pick<StartedAgent, 'link'>, id: string) =>
  link.updates.findLast(({ status }) => status.task_id.value === id)?.status;

export const exitsOf = ({ link }: Pick<StartedAgent, 'link'>) =>
  link.calls.flatMap((call) => (call.type === 'EXITED_EXECUTOR' ? [call.exited_executor] : []));
