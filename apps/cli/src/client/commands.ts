import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireApp, WireDeployment, WireWhy } from '#marathon-v2';
import { readAllPages } from './all-pages.js';
import { type ApiClient, createApiClient, RequestError } from './api-client.js';
import type { ChangeFlags, SentChange } from './command-ports.js';
import { createDeploymentCommands } from './deployment-commands.js';
import { createEdgeCommands } from './edge-commands.js';
import type { ExecFlags } from './exec.js';
import { formatPreview } from './format-preview.js';
import { createPodCommands } from './pod-commands.js';
import { resourcePath } from './resource-path.js';
import { createTaskCommands } from './task-commands.js';
import { formatTable } from './text-table.js';
import { formatWhy } from './why.js';

export interface ListFlags {
  readonly search?: string;
  readonly label?: string;
}

/** What the table of apps shows. */
const LISTED_FIELDS =
  'id,instances,cpus,mem,deployments,tasksRunning,tasksHealthy,tasksStaged,workload,completed,failed';
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
  const change = async (sent: Promise<SentChange>, flags: ChangeFlags): Promise<void> => {
    const answer = await sent;
    if (answer.dryRun === true) {
      print(answer, () => formatPreview(answer));
      return;
    }
    const id = answer.deploymentId ?? answer.deployments?.[0]?.id;
    print(answer, () => (id === undefined ? 'nothing to do' : `deployment ${id}`));
    for (const { app, count } of answer.restarts ?? []) {
      process.stderr.write(
        `${app}: ${count} ${count === 1 ? 'instance is' : 'instances are'} replaced\n`,
      );
    }
    if (flags.wait === true && id !== undefined) await waitForDeployment(request, id);
  };
  return {
    async listApps(flags: ListFlags = {}): Promise<void> {
      const shown = options.json ? { embed: 'apps.counts' } : { fields: LISTED_FIELDS };
      const apps = await readAllPages(request, '/v2/apps', {
        query: { ...shown, search: flags.search, label: flags.label },
        itemsOf: (answer) => (answer as { readonly apps: readonly WireApp[] }).apps,
      });
      print({ apps }, () => formatApps(apps));
    },
    async showApp(id: string): Promise<void> {
      const answer = await request<{ app: WireApp }>(resourcePath('/v2/apps', id));
      process.stdout.write(`${JSON.stringify(answer.app, undefined, 2)}\n`);
    },
    async createApp(flags: ChangeFlags & { readonly file: string; readonly replace?: boolean }) {
      const body = readDefinition(flags.file);
      const query = { strict: true, ...queryOf(flags) };
      const sent =
        flags.replace === true
          ? request<SentChange>(resourcePath('/v2/apps', idOf(body, flags.file)), {
              ...{ method: 'PUT', body, query: { ...query, partialUpdate: false } },
            })
          : request<SentChange>('/v2/apps', { method: 'POST', body, query });
      await change(sent, flags);
    },
    async scaleApp(id: string, instances: string, flags: ChangeFlags): Promise<void> {
      if (!/^\d+$/.test(instances))
        throw new Error(`instances: ${instances} is not a whole number`);
      const body = { instances: Number(instances) };
      const query = queryOf(flags);
      // PATCH, for PUT would create an app that is not there.
      await change(request(resourcePath('/v2/apps', id), { method: 'PATCH', body, query }), flags);
    },
    async restartApp(id: string, flags: ChangeFlags): Promise<void> {
      const path = `${resourcePath('/v2/apps', id)}/restart`;
      await change(request(path, { method: 'POST', query: queryOf(flags) }), flags);
    },
    async destroyApp(id: string, flags: ChangeFlags): Promise<void> {
      const query = queryOf(flags);
      await change(request(resourcePath('/v2/apps', id), { method: 'DELETE', query }), flags);
    },
    async explainApp(id: string): Promise<void> {
      const answer = await request<WireWhy>(`${resourcePath('/v2/apps', id)}/why`);
      print(answer, () => formatWhy(answer));
    },
    ...createDeploymentCommands({ request, print, change }),
    ...createTaskCommands({ request, print, change }),
    ...createPodCommands({ request, print }),
    ...createEdgeCommands({ request, print }),
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

const queryOf = ({ force, dryRun }: ChangeFlags) => ({ force, dryRun });

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
    ['APP', 'RUNNING', 'HEALTHY', 'STAGED', 'CPUS', 'MEM', 'WORKLOAD', 'DEPLOYING'],
    apps.map((app) => [
      app.id,
      `${app.tasksRunning ?? 0}/${app.instances ?? 0}`,
      app.tasksHealthy ?? 0,
      app.tasksStaged ?? 0,
      app.cpus ?? 0,
      app.mem ?? 0,
      describeWorkload(app),
      (app.deployments ?? []).length > 0 ? 'yes' : '',
    ]),
  );

/** `service`, `daemon`, `job, 2 of 3 complete, 1 failed`. */
function describeWorkload({ workload, completed = 0, failed = 0, instances }: WireApp): string {
  if (workload !== 'job') return workload ?? 'service';
  return `job, ${completed} of ${instances} complete${failed > 0 ? `, ${failed} failed` : ''}`;
}

/** A deployment has ended when it is no longer among those under way. */
async function waitForDeployment(request: ApiClient, id: string): Promise<void> {
  for (;;) {
    const running = await request<readonly WireDeployment[]>('/v2/deployments');
    if (!running.some((one) => one.id === id)) break;
    await sleep(POLL_MS);
  }
  const ended = await endOf(request, id);
  if (ended?.state === 'Failed' || ended?.state === 'Cancelled') {
    throw new Error(`deployment ${id} has ended: ${ended.state}, ${ended.reason ?? ''}`);
  }
  process.stderr.write(`deployment ${id} has ended\n`);
}

/** Servers that forget deployments do not say how they ended. */
async function endOf(request: ApiClient, id: string): Promise<WireDeployment | undefined> {
  try {
    return await request<WireDeployment>(resourcePath('/v2/deployments', id));
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return undefined;
    throw error;
  }
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
