import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { resources } from '#core';
import { createScheduler, type Scheduler } from '#framework';
import { type ExecutorInfo, type TaskInfo, toWireResources, type WireOffer } from '#mesos-v1';
import { BUSYBOX_IMAGE, ensureBusyboxImage, hasDocker } from '../support/busybox-image.js';
import { Cluster, killQuietly, taskProcesses } from './support/cluster.js';
import { containerOf, containersOf, docker, freePort } from './support/docker.js';
import { eventually, request } from './support/http.js';

type Container = NonNullable<TaskInfo['container']>;

const hasEngine = await hasDocker();
const CONTAINER_PORT = 8080;

const KINDS = [
  { kind: 'process', isPresent: true },
  { kind: 'container', isPresent: hasEngine },
] as const;

/** What the engine holds of a cluster's groups, by the mark of its agent: members and networks. */
const labelled = (scope: string): Promise<string> =>
  docker('ps', '--all', '--quiet', '--filter', `label=pacer.agent=${scope}`);

describe('task groups', () => {
  const cluster = new Cluster();
  beforeAll(async () => {
    if (hasEngine) await ensureBusyboxImage();
    await cluster.start();
  });
  afterAll(async () => {
    await cluster.destroy();
    if (!hasEngine) return;
    const left = (await containersOf(cluster)).map(({ id }) => id);
    if (left.length > 0) await docker('rm', '--force', '--volumes', ...left);
  });

  const restartAgent = async (): Promise<void> => {
    const agent = cluster.pid('agent-1');
    killQuietly(agent);
    await eventually('a new agent', async () => cluster.pid('agent-1') !== agent);
    await eventually('it answers', async () => (await readState(cluster)) !== undefined);
  };

  it.each(KINDS.filter(({ isPresent }) => isPresent))(
    'of two $kind tasks share localhost and a volume, live over kill -9 of the agent, and end together',
    async ({ kind }) => {
      const port = await freePort();
      const framework = new GroupFramework(kind, cluster, port);
      await framework.launched();
      for (const id of ['server', 'client']) await framework.hears(id, 'TASK_RUNNING');
      await eventually('the server is healthy', async () => framework.last('server')?.healthy);
      const path = (id: string) => `${framework.directory}/tasks/${id}/stdout`;
      const output = async (id: string) =>
        (await request(`${cluster.agentUrl}/files/download?path=${path(id)}`)).text;
      await eventually('the client has asked and read', async () =>
        (await output('client')).startsWith('over localhost\nover a volume\n'),
      );
      const before = await framework.executors();
      expect(before).toEqual([
        expect.objectContaining({ id: 'pod', type: 'DEFAULT', tasks: ['server', 'client'] }),
      ]);
      expect(await framework.usedCpus()).toBeCloseTo(0.3);
      const [server] = framework.addresses('server');
      expect(framework.addresses('client')).toEqual([server]);
      if (kind === 'container') {
        expect((await request(`http://127.0.0.1:${port}/note`)).text).toBe('over localhost\n');
      }

      await restartAgent();
      await eventually(
        'it is subscribed',
        async () => (await readState(cluster))?.master.subscribed,
      );
      await eventually('the ledger has it', async () => (await framework.usedCpus()) > 0.29);
      expect(await framework.executors()).toEqual(before);
      expect(await execute(cluster, framework.pathOf('client'))).toBe('client\nover a volume\n');
      expect(await framework.usedCpus()).toBeCloseTo(0.3);
      expect(framework.last('server')?.state).toBe('TASK_RUNNING');
      const scope = kind === 'container' ? await scopeOf(cluster, 'server') : undefined;
      await killMember(cluster, kind, 'server');

      await framework.hears('server', 'TASK_FAILED');
      await framework.hears('client', 'TASK_KILLED');
      expect(framework.last('client')?.message).toContain(
        'task server of its group ended with TASK_FAILED',
      );
      await eventually('the executor is free', async () => (await framework.usedCpus()) === 0);
      await eventually('nothing of it is left', async () =>
        scope === undefined ? taskProcesses(cluster).length === 0 : (await labelled(scope)) === '',
      );
      expect(await output('server')).toContain('serving');
      await framework.scheduler.teardown();
    },
    200_000,
  );
});

interface SeenState {
  readonly frameworks: readonly {
    readonly id: string;
    readonly executors: readonly {
      readonly id: string;
      readonly type?: string;
      readonly container: string;
      readonly tasks: readonly { readonly id: string }[];
    }[];
  }[];
  readonly master: { readonly subscribed: boolean };
}

async function readState(cluster: Cluster): Promise<SeenState | undefined> {
  const reply = await request(`${cluster.agentUrl}/state`).catch(() => undefined);
  return reply?.status === 200 ? (JSON.parse(reply.text) as SeenState) : undefined;
}

/** What a command in one member prints: who it is, and what is in the volume. */
async function execute(cluster: Cluster, path: string): Promise<string> {
  const script = 'echo "$MESOS_TASK_ID"; cat "$MESOS_SANDBOX/shared/text"';
  const query = new URLSearchParams(
    ['sh', '-c', script].map((word): [string, string] => ['command', word]),
  );
  const url = `${cluster.agentUrl.replace('http', 'ws')}${path}/exec?${query}`;
  const socket = new WebSocket(url);
  let output = '';
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary && data[0] === 1) output += data.subarray(1).toString();
  });
  await once(socket, 'close');
  return output;
}

async function scopeOf(cluster: Cluster, taskId: string): Promise<string> {
  const id = await containerOf(cluster, taskId);
  return await docker('inspect', '--format', '{{index .Config.Labels "pacer.agent"}}', id);
}

async function killMember(
  cluster: Cluster,
  kind: 'process' | 'container',
  taskId: string,
): Promise<void> {
  if (kind === 'container') {
    await docker('kill', await containerOf(cluster, taskId));
    return;
  }
  for (const pid of taskProcesses(cluster)) {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    if (environment.includes(`MESOS_TASK_ID=${taskId}`)) killQuietly(pid);
  }
}

const toCheck = (port: number): NonNullable<TaskInfo['health_check']> => ({
  ...{ type: 'HTTP', http: { port, path: '/note' } },
  ...{ delay_seconds: 0, interval_seconds: 0.2, timeout_seconds: 10 },
  ...{ grace_period_seconds: 60, consecutive_failures: 100 },
});

/** A framework that launches one group on the first offer: a server, and a client that asks it. */
class GroupFramework {
  readonly scheduler: Scheduler;
  private readonly told: {
    readonly id: string;
    readonly state: string;
    readonly message: string;
    readonly ips: readonly string[];
    readonly healthy?: boolean;
  }[] = [];
  private isLaunched = false;

  constructor(
    private readonly kind: 'process' | 'container',
    private readonly cluster: Cluster,
    private readonly port: number,
  ) {
    this.scheduler = createScheduler({
      masters: [cluster.masterUrl],
      frameworkInfo: {
        name: `groups of ${kind}`,
        user: userInfo().username,
        failover_timeout: 60,
      },
      handlers: {
        onSubscribed: () => undefined,
        onOffers: (offers) => this.consider(offers),
        onRescind: () => undefined,
        onUpdate: async ({ task_id, state, message, container_status, healthy = false }) => {
          const ips = (container_status?.network_infos ?? []).flatMap(({ ip_addresses }) =>
            (ip_addresses ?? []).map(({ ip_address }) => ip_address),
          );
          this.told.push({ id: task_id.value, state, message: message ?? '', ips, healthy });
        },
        onFailure: () => undefined,
        onError: (message) => void this.told.push({ id: '', state: 'ERROR', message, ips: [] }),
        onDisconnected: () => undefined,
      },
    });
    this.scheduler.start();
  }

  get directory(): string {
    return `/frameworks/${this.scheduler.frameworkId}/executors/pod/runs/latest`;
  }

  /** Of one task, by its own id. */
  pathOf(taskId: string): string {
    return `/frameworks/${this.scheduler.frameworkId}/executors/${taskId}/runs/latest`;
  }

  launched(): Promise<unknown> {
    return eventually('the group is launched', async () => this.isLaunched);
  }

  /** As the agent has them. */
  async executors() {
    const { frameworks = [] } = (await readState(this.cluster)) ?? {};
    const mine = frameworks.find(({ id }) => id === this.scheduler.frameworkId);
    return mine?.executors.map(({ tasks, ...executor }) => ({
      ...executor,
      tasks: tasks.map(({ id }) => id),
      completed_tasks: undefined,
    }));
  }

  last(id: string) {
    return this.told.findLast((one) => one.id === id);
  }

  addresses(id: string): readonly string[] {
    return this.last(id)?.ips ?? [];
  }

  hears(id: string, state: string): Promise<unknown> {
    return eventually(`${id} is ${state}`, async () => this.last(id)?.state === state).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; it was told ${JSON.stringify(this.told)}`);
      },
    );
  }

  async usedCpus(): Promise<number> {
    const { text } = await request(`${this.cluster.masterUrl}/frameworks`);
    const { frameworks } = JSON.parse(text) as {
      readonly frameworks: readonly {
        readonly id: string;
        readonly used_resources: { readonly cpus: number };
      }[];
    };
    const mine = frameworks.find(({ id }) => id === this.scheduler.frameworkId);
    return mine?.used_resources.cpus ?? Number.NaN;
  }

  private async consider(offers: readonly WireOffer[]): Promise<void> {
    for (const offer of offers) {
      const operations = this.isLaunched ? [] : [this.launch(offer)];
      this.isLaunched = true;
      const accept = { offer_ids: [offer.id], operations, filters: { refuse_seconds: 1 } };
      await this.scheduler.call({ type: 'ACCEPT', accept });
    }
  }

  private launch({ agent_id }: WireOffer) {
    const port = this.kind === 'container' ? CONTAINER_PORT : this.port;
    const volume = '"$MESOS_SANDBOX/shared"';
    const server = [
      `echo over a volume > ${volume}/text; mkdir -p www; cd www; echo over localhost > note`,
      `echo serving; exec busybox httpd -f -p ${port} -h .`,
    ].join('\n');
    const client = [
      `until busybox wget -q -O - http://localhost:${port}/note; do sleep 0.1; done`,
      `cat ${volume}/text; exec sleep 100000`,
    ].join('\n');
    const size = toWireResources(resources({ cpus: 0.1, mem: 32 }));
    const member = (id: string, value: string): TaskInfo => ({
      ...{ name: id, task_id: { value: id }, agent_id, resources: size },
      command: { value },
      container: this.containerOf(),
    });
    return {
      type: 'LAUNCH_GROUP' as const,
      launch_group: {
        executor: this.executor(size),
        task_group: {
          tasks: [
            { ...member('server', server), health_check: toCheck(port) },
            member('client', client),
          ],
        },
      },
    };
  }

  private executor(size: ExecutorInfo['resources']): ExecutorInfo {
    const info = { executor_id: { value: 'pod' }, type: 'DEFAULT' as const, resources: size };
    if (this.kind === 'process') return info;
    const port_mappings = [{ host_port: this.port, container_port: CONTAINER_PORT }];
    const network_infos = [{ name: 'mesos-bridge', port_mappings }];
    return { ...info, container: { type: 'MESOS', network_infos } };
  }

  private containerOf(): Container {
    const image = { type: 'DOCKER' as const, docker: { name: BUSYBOX_IMAGE } };
    const sandbox_path = { type: 'PARENT' as const, path: 'data' };
    return {
      type: 'MESOS',
      ...(this.kind === 'container' ? { mesos: { image } } : {}),
      volumes: [
        {
          ...{ mode: 'RW', container_path: 'shared' },
          source: { type: 'SANDBOX_PATH', sandbox_path },
        },
      ],
    };
  }
}
