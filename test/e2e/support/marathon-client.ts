import type { WireApp, WireDeployment, WireTask } from '#marathon-v2';
import { eventually, type Reply, request } from './http.js';

/** The public API as a test sees it. */
export class MarathonClient {
  constructor(readonly url: string) {}

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return request(`${this.url}${path}`, { headers });
  }

  send(method: string, path: string, body?: unknown): Promise<Reply> {
    return request(`${this.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }

  async app(id: string): Promise<WireApp | undefined> {
    const reply = await this.get(`/v2/apps${id}`);
    return reply.status === 200
      ? (JSON.parse(reply.text) as { readonly app: WireApp }).app
      : undefined;
  }

  async tasks(id: string): Promise<readonly WireTask[]> {
    return (await this.app(id))?.tasks ?? [];
  }

  async deployments(): Promise<readonly WireDeployment[]> {
    return JSON.parse((await this.get('/v2/deployments')).text) as readonly WireDeployment[];
  }

  /** Waits until the app has `count` tasks, all running and (with health checks) healthy, none on its way out. */
  steady(id: string, count: number, limitMs = 60_000): Promise<readonly WireTask[]> {
    return eventually(
      `${count} steady tasks of ${id}`,
      async () => {
        const app = await this.app(id);
        const tasks = app?.tasks ?? [];
        const needsHealth = (app?.healthChecks ?? []).length > 0;
        const isSteady =
          tasks.length === count &&
          tasks.every(
            (task) =>
              task.state === 'TASK_RUNNING' &&
              task.draining === undefined &&
              (!needsHealth || task.healthCheckResults?.some((result) => result.alive) === true),
          );
        return isSteady && app?.deployments?.length === 0 ? tasks : undefined;
      },
      limitMs,
    );
  }

  /** Waits until no deployment of the app runs. */
  async settled(id: string, limitMs = 90_000): Promise<void> {
    await eventually(
      `no deployment of ${id}`,
      async () =>
        !(await this.deployments()).some((deployment) => deployment.affectedApps.includes(id)),
      limitMs,
    );
  }
}
