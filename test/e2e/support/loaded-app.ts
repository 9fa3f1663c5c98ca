import { join } from 'node:path';
import { expect } from 'vitest';
import type { WireDeployment } from '#marathon-v2';
import { eventually, request } from './http.js';
import type { Load, LoadSpan } from './load.js';
import type { MarathonClient } from './marathon-client.js';

const PROGRAM = join(import.meta.dirname, 'loaded-app.mjs');
/** In each span at least: of each client one or two. Begun after a form has ended they tell what is served from then on. */
const ENOUGH_REQUESTS = 24;

type Json = Readonly<Record<string, unknown>>;

/** Which versions may answer while a form is carried out, and which do when it has ended. */
export interface ServedVersions {
  readonly during: readonly string[];
  readonly after: readonly string[];
}

interface FormReport {
  readonly name: string;
  readonly requests: number;
  readonly faults: readonly string[];
}

/** An app under load, and what each form of deployment did to the requests it was given meanwhile. */
export class LoadedApp {
  private readonly forms: FormReport[] = [];
  private load: Load | undefined;

  constructor(
    private readonly api: MarathonClient,
    readonly id: string,
    private readonly given: { readonly stops: 'at once' | 'gracefully' } & Json,
  ) {}

  get host(): string {
    return `${this.id.slice(1).replaceAll('/', '-')}.localhost`;
  }

  get traffic(): Load {
    if (this.load === undefined) throw new Error(`${this.id} is not under load`);
    return this.load;
  }

  putUnder(load: Load): void {
    this.load = load;
  }

  /** As it is declared. */
  definition(version: string, more: Json = {}): Json {
    const { stops: _told, ...given } = this.given;
    return {
      ...{ id: this.id, cpus: 0.1, mem: 96, instances: 3 },
      cmd: `exec '${process.execPath}' '${PROGRAM}'`,
      labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: this.host },
      healthChecks: [check('HTTP')],
      ...given,
      ...this.versioned(version),
      ...more,
    };
  }

  /** The part of it that makes it another version. `faults`: how that one fails. */
  versioned(version: string, faults: Json = {}): Json {
    const stops = this.given.stops === 'gracefully' ? { STOPS: 'gracefully' } : {};
    return { env: { VERSION: version, ...stops, ...faults } };
  }

  /** Changes it and gives the id of the deployment. */
  async put(body: Json, query = ''): Promise<string> {
    return this.send('PUT', `/v2/apps${this.id}${query}`, body);
  }

  async send(method: string, path: string, body?: Json): Promise<string> {
    const reply = await this.api.send(method, path, body);
    expect(reply.status, `${method} ${path}: ${reply.text}`).toBeLessThan(300);
    return String(reply.headers['marathon-deployment-id'] ?? '');
  }

  async deployment(id: string): Promise<WireDeployment> {
    return JSON.parse((await this.api.get(`/v2/deployments/${id}`)).text) as WireDeployment;
  }

  /** Waits until the deployment looks like that. */
  async reaches(id: string, isReached: (deployment: WireDeployment) => boolean): Promise<void> {
    await eventually(`deployment ${id} gets there`, async () =>
      isReached(await this.deployment(id)),
    );
  }

  /** Waits until such a version is served, among others. */
  async serves(version: string): Promise<void> {
    await eventually(`${this.id} serves ${version}`, async () => this.traffic.sees(version));
  }

  async taskIds(): Promise<readonly string[]> {
    return (await this.api.tasks(this.id)).map(({ id }) => id);
  }

  /** Waits until the task is no more and all instances serve. */
  async replaces(taskId: string): Promise<void> {
    await eventually(`${taskId} is gone`, async () => !(await this.taskIds()).includes(taskId));
    await this.settles();
  }

  /** Carries a form out and measures what became of the requests, until it has ended and a little longer. */
  async form(name: string, versions: ServedVersions, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      await this.settles();
    } catch (error) {
      throw new Error(`${this.id}, ${name}: ${String(error)}\n${this.report()}`, { cause: error });
    }
    const during = await this.span();
    const after = await this.span();
    this.forms.push({
      name,
      requests: during.requests + after.requests,
      faults: [
        ...faultsOf(during, 'meanwhile', versions.during),
        ...faultsOf(after, 'afterwards', versions.after),
      ],
    });
  }

  /** Fails with the whole report when a form lost requests or had them answered by a version that must not be there. */
  expectNoFault(): void {
    const faulty = this.forms.filter(({ faults }) => faults.length > 0);

    expect(
      faulty.map(({ name }) => name),
      this.report(),
    ).toEqual([]);
  }

  /** A line for each form: how many requests it saw, and what went wrong. */
  report(): string {
    return this.forms
      .map(({ name, requests, faults }) => {
        const outcome = faults.length === 0 ? 'no failure' : faults.join('; ');
        return `${this.id}: ${name}: ${requests} requests, ${outcome}`;
      })
      .join('\n');
  }

  private async span(): Promise<LoadSpan> {
    await eventually('enough requests', async () => this.traffic.requests >= ENOUGH_REQUESTS);
    return this.traffic.next();
  }

  private async settles(): Promise<void> {
    const app = await eventually('the app is told', () => this.api.app(this.id));
    await this.api.steady(this.id, app.instances);
  }
}

/** Health as its checks see it, looked at often. */
export const check = (protocol: string): Json => ({
  ...(protocol === 'TCP' ? {} : { path: '/health' }),
  ...{ protocol, portIndex: 0, maxConsecutiveFailures: 2 },
  ...{ gracePeriodSeconds: 30, intervalSeconds: 1, timeoutSeconds: 20, delaySeconds: 0 },
});

/** The only version there is, before and after. */
export const only = (version: string): ServedVersions => ({ during: [version], after: [version] });

/** The last of the versions takes the place of the others. */
export const towards = (...versions: readonly string[]): ServedVersions => ({
  during: versions,
  after: versions.slice(-1),
});

/** The instance fails its health checks from now on, and nothing else. */
export async function fallIll(task: { readonly host: string; readonly ports: readonly number[] }) {
  const url = `http://${task.host}:${task.ports[0]}/fall-ill`;
  expect((await request(url)).status).toBe(200);
}

function faultsOf(span: LoadSpan, when: string, allowed: readonly string[]): readonly string[] {
  const strangers = [...span.versions].filter((version) => !allowed.includes(version));
  return [
    ...[...span.failures].map(([what, count]) => `${when} ${count} x ${what}`),
    ...strangers.map((version) => `${when} answers of ${version}`),
  ];
}
