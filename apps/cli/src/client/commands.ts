import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireApp, WireDeployment, WirePodStatus, WireTask } from '#marathon-v2';
import { type ApiClient, createApiClient } from './api-client.js';
import type { ExecFlags } from './exec.js';
import { resourcePath } from './resource-path.js';
import { formatTable } from './text-table.js';

export interface ChangeFlags {
  readonly force?: boolean;
  readonly wait?: boolean;
}

interface Change {
  readonly deploymentId?: string;
  readonly version?: string;
  readonly deployments?: readonly { readonly id: string }[];
}

const POLL_MS = 500;
/** Bytes of a log asked for at a time. */
const LOG_PIECE = 256 * 1024;
/** Of a log that is not followed from its beginning. */
const LOG_TAIL = 64 * 1024;

/** What the terminal commands do. Results go to standard output, progress to standard error. */
export function createCommands(options: { readonly url: string; readonly json: boolean }) {
  const request = createApiClient(options.url);
  const print = (answer: unknown, text: () => string): void =>
    void process.stdout.write(`${options.json ? JSON.stringify(answer, undefined, 2) : text()}\n`);
  const change = async (sent: Promise<Change>, flags: ChangeFlags): Promise<void> => {
    const answer = await sent;
    const id = answer.deploymentId ?? answer.deployments?.[0]?.id;
    print(answer, () => (id === undefined ? 'nothing to do' : `deployment ${id}`));
    if (flags.wait === true && id !== undefined) await waitForDeployment(request, id);
  };
  return {
    async listApps(): Promise<void> {
      const answer = await request<{ apps: readonly WireApp[] }>('/v2/apps', {
        query: { embed: 'apps.counts' },
      });
      print(answer, () => formatApps(answer.apps));
    },
    async showApp(id: string): Promise<void> {
      const answer = await request<{ app: WireApp }>(resourcePath('/v2/apps', id));
      process.stdout.write(`${JSON.stringify(answer.app, undefined, 2)}\n`);
    },
    async createApp(flags: ChangeFlags & { readonly file: string; readonly replace?: boolean }) {
      const body = readDefinition(flags.file);
      const query = { strict: true, force: flags.force };
      const sent =
        flags.replace === true
          ? request<Change>(resourcePath('/v2/apps', idOf(body, flags.file)), {
              ...{ method: 'PUT', body, query: { ...query, partialUpdate: false } },
            })
          : request<Change>('/v2/apps', { method: 'POST', body, query });
      await change(sent, flags);
    },
    async scaleApp(id: string, instances: string, flags: ChangeFlags): Promise<void> {
      if (!/^\d+$/.test(instances))
        throw new Error(`instances: ${instances} is not a whole number`);
      const body = { instances: Number(instances) };
      const query = { force: flags.force };
      // PATCH, for PUT would create an app that is not there.
      await change(request(resourcePath('/v2/apps', id), { method: 'PATCH', body, query }), flags);
    },
    async restartApp(id: string, flags: ChangeFlags): Promise<void> {
      const path = `${resourcePath('/v2/apps', id)}/restart`;
      await change(request(path, { method: 'POST', query: { force: flags.force } }), flags);
    },
    async destroyApp(id: string, flags: ChangeFlags): Promise<void> {
      await change(request(resourcePath('/v2/apps', id), { method: 'DELETE' }), flags);
    },
    async listDeployments(): Promise<void> {
      const answer = await request<readonly WireDeployment[]>('/v2/deployments');
      print(answer, () => formatDeployments(answer));
    },
    async listTasks(app?: string): Promise<void> {
      const path = app === undefined ? '/v2/tasks' : `${resourcePath('/v2/apps', app)}/tasks`;
      const answer = await request<{ tasks: readonly WireTask[] }>(path);
      print(answer, () => formatTasks(answer.tasks));
    },
    async listPods(): Promise<void> {
      const answer = await request<readonly WirePodStatus[]>('/v2/pods/::status');
      print(answer, () => formatPods(answer));
    },
    /** Resolves to the exit code. */
    async exec(target: string, command: readonly string[], flags: ExecFlags): Promise<number> {
      const { execute } = await import('./exec.js');
      return await execute({ request, url: options.url, target, command, flags });
    },
    async showLog(task: string, flags: { readonly file: string; readonly follow?: boolean }) {
      const { file } = flags;
      if (flags.follow !== true) return await printLog(request, task, file);
      const { followLog } = await import('./follow-log.js');
      const offset = await tailOffset(request, task, file);
      await followLog({ url: options.url, task, file, offset });
    },
  };
}

function readDefinition(file: string): unknown {
  const text = readFileSync(file === '-' ? 0 : file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${nameOf(file)} is not JSON: ${(error as Error).message}`);
  }
}

/** The id of the app to replace is part of the path, so it is needed before anything is sent. */
function idOf(body: unknown, file: string): string {
  const { id } = (body ?? {}) as { readonly id?: unknown };
  if (typeof id === 'string' && id.replaceAll('/', '') !== '') return id;
  throw new Error(`${nameOf(file)}: an app needs an id such as "/shop/web"`);
}

const nameOf = (file: string): string => (file === '-' ? 'standard input' : file);

const formatApps = (apps: readonly WireApp[]): string =>
  formatTable(
    ['APP', 'RUNNING', 'HEALTHY', 'STAGED', 'CPUS', 'MEM', 'DEPLOYING'],
    apps.map((app) => [
      app.id,
      `${app.tasksRunning ?? 0}/${app.instances ?? 0}`,
      app.tasksHealthy ?? 0,
      app.tasksStaged ?? 0,
      app.cpus ?? 0,
      app.mem ?? 0,
      (app.deployments ?? []).length > 0 ? 'yes' : '',
    ]),
  );

const formatDeployments = (deployments: readonly WireDeployment[]): string =>
  formatTable(
    ['DEPLOYMENT', 'STEP', 'APPS', 'WAITING FOR'],
    deployments.map((one) => [
      one.id,
      `${one.currentStep}/${one.totalSteps}`,
      [...one.affectedApps, ...one.affectedPods].join(' '),
      (one.waitingFor ?? []).join('; '),
    ]),
  );

const formatTasks = (tasks: readonly WireTask[]): string =>
  formatTable(
    ['TASK', 'STATE', 'HOST', 'PORTS', 'STARTED'],
    tasks.map((task) => [
      task.id,
      task.state ?? '',
      task.host ?? '',
      (task.ports ?? []).join(' '),
      task.startedAt ?? '',
    ]),
  );

/** Each instance has the states of its containers behind it. */
const formatPods = (pods: readonly WirePodStatus[]): string =>
  formatTable(
    ['POD', 'STATUS', 'INSTANCE', 'STATE', 'HOST', 'CONTAINERS'],
    pods.flatMap((pod) => {
      const rows = pod.instances.map((one) => [
        one.id,
        one.status,
        one.agentHostname ?? '',
        one.containers.map(({ name, status }) => `${name}:${status}`).join(' '),
      ]);
      return (rows.length > 0 ? rows : [['', '', '', '']]).map((row, index) =>
        index === 0 ? [pod.id, pod.status, ...row] : ['', '', ...row],
      );
    }),
  );

/** A deployment has ended when it is no longer among those under way. */
async function waitForDeployment(request: ApiClient, id: string): Promise<void> {
  for (;;) {
    const running = await request<readonly WireDeployment[]>('/v2/deployments');
    if (!running.some((one) => one.id === id)) break;
    await sleep(POLL_MS);
  }
  process.stderr.write(`deployment ${id} has ended\n`);
}

/** The end of a file. Offsets are bytes. */
async function printLog(request: ApiClient, task: string, file: string): Promise<void> {
  const path = `${resourcePath('/v2/tasks', task)}/files/read`;
  let offset = await tailOffset(request, task, file);
  for (;;) {
    const piece = await request<FilePiece>(path, {
      query: { path: file, offset, length: LOG_PIECE },
    });
    if (piece.data === '') return;
    process.stdout.write(piece.data);
    offset = piece.offset + piece.length;
  }
}

async function tailOffset(request: ApiClient, task: string, file: string): Promise<number> {
  const path = `${resourcePath('/v2/tasks', task)}/files/read`;
  // Offset -1 asks for the size.
  const { offset: size } = await request<FilePiece>(path, { query: { path: file, offset: -1 } });
  return Math.max(0, size - LOG_TAIL);
}

interface FilePiece {
  readonly data: string;
  readonly offset: number;
  readonly length: number;
}
