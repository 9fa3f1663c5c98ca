/** What Marathon's documentation shows as answers, beside ours in the same situation: every field is there, of its type. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appId } from '#core';
import { type ContractUnderTest, startContract } from './contract-api.test-support.js';

const FOLDER = new URL('../../../../../shared/data/marathon/api-examples/', import.meta.url);
const isThere = existsSync(FOLDER);
if (!isThere) console.warn('skipped: the examples of the API are not on this machine');

const textOf = (name: string): string => readFileSync(fileURLToPath(new URL(name, FOLDER)), 'utf8');

/**
 * Paths of `example` that `ours` lacks or has with another type. What is null or empty there may be absent here; of
 * lists the first elements are compared.
 */
function differences(example: unknown, ours: unknown, path = ''): readonly string[] {
  if (example === null || (ours === undefined && isEmpty(example))) return [];
  if (Array.isArray(example)) {
    if (!Array.isArray(ours)) return [path];
    if (example.length === 0) return [];
    return ours.length === 0 ? [`${path}()`] : differences(example[0], ours[0], `${path}()`);
  }
  if (typeof example !== 'object') return typeof example === typeof ours ? [] : [path];
  if (typeof ours !== 'object' || ours === null) return [path];
  return Object.entries(example).flatMap(([key, value]) =>
    differences(value, (ours as Record<string, unknown>)[key], `${path}/${key}`),
  );
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

describe.runIf(isThere)('the examples of the API', () => {
  let contract: ContractUnderTest;
  beforeAll(async () => {
    contract = await startContract();
    const { harness } = contract;
    await ask('POST', '/v2/apps', {
      ...{ id: '/myapp', cmd: 'env && sleep 60', instances: 3, cpus: 0.1, mem: 5 },
      ...{ env: { LD_LIBRARY_PATH: '/usr/local/lib/myLib' }, labels: {} },
      portDefinitions: [{ port: 10_013 }, { port: 10_015 }],
    });
    await contract.until(() => harness.conditions('/myapp').join() === 'Running,Running,Running');
    await contract.until(() => harness.engine.view.deployments().length === 0);
    await ask('POST', '/v2/apps', {
      ...{ id: '/waits', cmd: 'x', cpus: 1e6, constraints: [['hostname', 'LIKE', 'srv2.*']] },
    });
    await contract.until(() => (harness.engine.view.queue()[0]?.processedOffers ?? 0) > 0);
  });
  afterAll(() => contract.close());

  const ask = async (method: string, url: string, body?: unknown): Promise<unknown> => {
    const reply = await contract.api.ask(method, url, body);
    expect(reply.statusCode).toBeLessThan(300);
    return reply.json();
  };
  const exampleOf = (name: string): unknown => JSON.parse(textOf(name));

  it.each([
    // Older forms, which are shown as what they mean today; constraints and deployments are those of another app here.
    ['app_list.json', '/v2/apps?id=myapp', ['uris', 'ports', 'constraints', 'deployments()']],
    // Agents of the fake cluster are in no region.
    ['app_tasks.json', '/v2/apps/myapp/tasks', ['region', 'zone']],
    ['tasks.json', '/v2/tasks', ['region', 'zone']],
    ['deployments.json', '/v2/deployments', ['affectedPods()', 'readinessCheckResults()']],
    ['info.json', '/v2/info', ['buildref', 'access_control_allow_origin()', 'features()']],
  ] as const)('%s is what GET %s answers', async (name, url, except) => {
    const found = differences(exampleOf(name), await ask('GET', url));

    const unexplained = found.filter((path) => !except.some((end) => path.endsWith(`/${end}`)));
    expect(unexplained.filter((path) => !isOfMarathon(path))).toEqual([]);
  });

  it('app_task.json is what killing a task answers', async () => {
    const [first] = contract.harness.engine.view.instancesOf(appId('/myapp'));
    const ours = await ask('DELETE', `/v2/apps/myapp/tasks/${first?.instance.taskId}`);

    const found = differences(exampleOf('app_task.json'), ours);
    expect(found).toEqual(['/task/region', '/task/zone']);
  });

  it('deployments_result.json is what a change answers', async () => {
    const ours = await ask('PUT', '/v2/apps/myapp', { instances: 2 });

    expect(differences(exampleOf('deployments_result.json'), ours)).toEqual([]);
  });

  it('deployment_steps.json is what a dry run answers', async () => {
    const ours = await ask('PUT', '/v2/groups?dryRun=true', {
      ...{ id: '/tools', apps: [{ id: 'oauth-server', cmd: 'x' }] },
    });

    expect(differences(exampleOf('deployment_steps.json'), ours)).toEqual([]);
  });

  it('queue.json is what the queue answers', async () => {
    const { queue: entries } = exampleOf('queue.json') as { readonly queue: readonly unknown[] };
    const { queue } = (await ask('GET', '/v2/queue?embed=lastUnusedOffers')) as {
      readonly queue: readonly unknown[];
    };
    const { app: _app, ...example } = entries[1] as Record<string, unknown>;

    const found = differences(example, queue[0]);
    // No offer was of use to it; a resource has one of the three kinds of value, and these agents have no attributes.
    expect(found).toEqual([
      '/processedOffersSummary/lastUsedOfferAt',
      '/lastUnusedOffers()/offer/resources()/ranges',
      '/lastUnusedOffers()/offer/resources()/set',
      '/lastUnusedOffers()/offer/attributes()',
    ]);
  });

  it.each([
    ['apps_create.json', 'PUT'],
    ['apps_patch.json', 'PATCH'],
  ])('%s is taken by %s /v2/apps', async (name, method) => {
    const ours = await ask(method, '/v2/apps?force=true', exampleOf(name));

    expect(differences(exampleOf('deployments_result.json'), ours)).toEqual([]);
  });

  it('app-check-http-example.json is taken, and shown with all its fields', async () => {
    const example = exampleOf('app-check-http-example.json') as Readonly<Record<string, unknown>>;
    await ask('POST', '/v2/apps', example);

    const ours = (await ask('GET', '/v2/apps/http-index-test')) as { readonly app: unknown };
    expect(differences(example, ours.app)).toEqual([]);
  });

  it('events.txt shows events with fields that ours have', () => {
    const examples = textOf('events.txt')
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => JSON.parse(line.slice(6)) as Readonly<Record<string, unknown>>);
    const running = examples.find((event) => event['taskStatus'] === 'TASK_RUNNING');
    const ours = contract.harness.events.find(({ type }) => type === 'status_update_event');

    expect(differences(running, JSON.parse(ours?.payload ?? '{}'))).toEqual([]);
  });
});

/** Of what we have not: ZooKeeper, launch tokens, a cap per offer, a pause between revives; and nothing is cached. */
const isOfMarathon = (path: string): boolean =>
  /^\/zookeeper_config|_config\/(?:launch_token|max_instances_per_offer|min_revive|offer_matching|store_cache|task_lost_expunge|mesos_(?:bridge|heartbeat)|on_elected|env_vars_prefix|default_network_name|access_control|https_port|(?:reconciliation|scale_apps)_initial|task_reservation)/.test(
    path,
  );
