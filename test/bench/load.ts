import { webApp } from '../e2e/support/apps.js';
import { followEvents, type SeenEvent } from '../e2e/support/events.js';
import { eventually, pause, request } from '../e2e/support/http.js';
import { MarathonClient } from '../e2e/support/marathon-client.js';

/** What the load generator can be asked for. It runs in a process of its own and answers once. */
export type LoadJob =
  | {
      readonly kind: 'launch';
      readonly url: string;
      readonly id: string;
      readonly instances: number;
    }
  | { readonly kind: 'warm'; readonly url: string; readonly count: number }
  | {
      readonly kind: 'recovery';
      readonly url: string;
      readonly id: string;
      readonly instances: number;
    }
  | {
      readonly kind: 'edge';
      readonly url: string;
      readonly edgeUrl: string;
      readonly count: number;
    }
  | { readonly kind: 'ends'; readonly url: string; readonly instances: number }
  | { readonly kind: 'list'; readonly url: string; readonly apps: number; readonly count: number };

export interface LoadResult {
  readonly samplesMs: readonly number[];
}

const sleeper = (id: string, instances: number): Readonly<Record<string, unknown>> => ({
  id,
  cmd: 'exec sleep 7777',
  cpus: 0.001,
  mem: 8,
  instances,
  portDefinitions: [],
  // What a bench ends stays ended.
  backoffSeconds: 3_600,
});

const isRunningEvent = (event: SeenEvent): boolean =>
  event.type === 'status_update_event' && event.data['taskStatus'] === 'TASK_RUNNING';

/** From sending the POST to the event that the last instance runs. */
async function launch(job: Extract<LoadJob, { kind: 'launch' }>): Promise<LoadResult> {
  const running = new Set<unknown>();
  let lastMs = 0;
  const events = await followEvents(job.url, {
    query: '?event_type=status_update_event',
    onEvent: (event) => {
      if (!isRunningEvent(event)) return;
      running.add(event.data['taskId']);
      lastMs = event.atMs;
    },
  });
  const api = new MarathonClient(job.url);
  const startedMs = performance.now();
  const reply = await api.send('POST', '/v2/apps', sleeper(job.id, job.instances));
  if (reply.status !== 201) throw new Error(`POST answered ${reply.status}: ${reply.text}`);
  await eventually('all run', async () => running.size >= job.instances, 120_000);
  events.close();
  await api.settled(job.id);
  return { samplesMs: [lastMs - startedMs] };
}

/** From the first to the last event of a task that failed. */
async function ends(job: Extract<LoadJob, { kind: 'ends' }>): Promise<LoadResult> {
  const endedAtMs = new Map<unknown, number>();
  const events = await followEvents(job.url, {
    query: '?event_type=status_update_event',
    onEvent: (event) => {
      if (event.data['taskStatus'] === 'TASK_FAILED') {
        endedAtMs.set(event.data['taskId'], event.atMs);
      }
    },
  });
  await eventually('all have ended', async () => endedAtMs.size >= job.instances, 120_000);
  events.close();
  const times = [...endedAtMs.values()];
  return { samplesMs: [Math.max(...times) - Math.min(...times)] };
}

async function warm(job: Extract<LoadJob, { kind: 'warm' }>): Promise<LoadResult> {
  const runningAt = new Map<unknown, number>();
  const events = await followEvents(job.url, {
    query: '?event_type=status_update_event',
    onEvent: (event) => {
      if (isRunningEvent(event)) runningAt.set(event.data['appId'], event.atMs);
    },
  });
  const api = new MarathonClient(job.url);
  const samplesMs: number[] = [];
  for (let index = 0; index < job.count; index += 1) {
    const id = `/warm/app-${index}`;
    const startedMs = performance.now();
    const reply = await api.send('POST', '/v2/apps', sleeper(id, 1));
    if (reply.status !== 201) throw new Error(`POST answered ${reply.status}: ${reply.text}`);
    await eventually(`${id} runs`, async () => runningAt.has(id));
    samplesMs.push((runningAt.get(id) ?? Number.NaN) - startedMs);
    await pause(20);
  }
  events.close();
  return { samplesMs };
}

/** From the first refused request to the first list in which every task is known to run again. */
async function recovery(job: Extract<LoadJob, { kind: 'recovery' }>): Promise<LoadResult> {
  const api = new MarathonClient(job.url);
  const isServing = async (): Promise<boolean> => {
    const reply = await request(`${job.url}/ping`, { timeoutMs: 500 });
    return reply.status === 200;
  };
  await eventually('the controller is gone', async () => !(await isServing().catch(() => false)));
  const startedMs = performance.now();
  await eventually('it serves, and all tasks are confirmed', async () => {
    const metrics = await api.get('/metrics');
    const unconfirmed = /^pacer_controller_unconfirmed_instances (\d+)/m.exec(metrics.text)?.[1];
    if (unconfirmed !== '0') return false;
    return (await api.app(job.id))?.tasksRunning === job.instances;
  });
  return { samplesMs: [performance.now() - startedMs] };
}

/**
 * From the event that a second instance became healthy to its first answer at the edge. Each time it is one of two, so
 * that balancing over many does not count.
 */
async function edge(job: Extract<LoadJob, { kind: 'edge' }>): Promise<LoadResult> {
  const api = new MarathonClient(job.url);
  const healthy: SeenEvent[] = [];
  const events = await followEvents(job.url, {
    query: '?event_type=health_status_changed_event',
    onEvent: (event) => {
      if (event.data['alive'] === true) healthy.push(event);
    },
  });
  await api.send('POST', '/v2/apps', webApp('/edge', { instances: 1 }));
  await api.steady('/edge', 1);
  const samplesMs: number[] = [];
  const ask = async (): Promise<string> => {
    const reply = await request(`${job.edgeUrl}/`, { headers: { host: 'edge.localhost' } });
    return reply.status === 200 ? reply.text : '';
  };
  for (let index = 0; index < job.count; index += 1) {
    const first = await eventually('the edge serves one', async () => (await ask()) || undefined);
    healthy.length = 0;
    await api.send('PUT', '/v2/apps/edge', { instances: 2 });
    while (healthy.length === 0) await pause(1);
    for (let text = ''; text === '' || text === first; ) text = await ask();
    samplesMs.push(performance.now() - (healthy[0]?.atMs ?? Number.NaN));
    await api.steady('/edge', 2);
    await api.send('PUT', '/v2/apps/edge', { instances: 1 });
    await api.steady('/edge', 1);
  }
  events.close();
  await api.send('DELETE', '/v2/apps/edge?force=true');
  return { samplesMs };
}

async function list(job: Extract<LoadJob, { kind: 'list' }>): Promise<LoadResult> {
  const api = new MarathonClient(job.url);
  const apps = Array.from({ length: job.apps }, (_, index) => ({
    ...webApp(`app-${index}`, { instances: 0, host: `app-${index}.localhost` }),
    id: `app-${index}`,
  }));
  const reply = await api.send('PUT', '/v2/groups', { id: '/listed', apps });
  if (reply.status !== 200) throw new Error(`PUT answered ${reply.status}: ${reply.text}`);
  await eventually('no deployment runs', async () => (await api.deployments()).length === 0);
  const samplesMs: number[] = [];
  for (let index = 0; index < job.count; index += 1) {
    const startedMs = performance.now();
    const answer = await api.get('/v2/apps');
    samplesMs.push(performance.now() - startedMs);
    if (answer.status !== 200) throw new Error(`GET answered ${answer.status}`);
  }
  return { samplesMs };
}

process.once('message', (job: LoadJob) => {
  void runJob(job).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});

function runJob(job: LoadJob): Promise<LoadResult> {
  switch (job.kind) {
    case 'launch':
      return launch(job);
    case 'warm':
      return warm(job);
    case 'recovery':
      return recovery(job);
    case 'edge':
      return edge(job);
    case 'ends':
      return ends(job);
    case 'list':
      return list(job);
    default:
      return job satisfies never;
  }
}
