import type { App } from '#core';
import type { AgentNode } from './agent-node.js';
import type { Observer } from './observer.js';
import type { World } from './world.js';

const EPSILON = 1e-9;

interface Floor {
  readonly instances: number;
  readonly share: number;
}

/**
 * While nothing fails, a rollout must not take more away than it was allowed to. The promise for an app that has
 * settled is its count times minimumHealthCapacity; a change can only lower it until the app has settled again.
 */
export class CapacityWatch {
  private readonly promised = new Map<string, Floor>();

  constructor(
    private readonly parts: {
      readonly world: World;
      readonly observer: Observer;
      readonly agents: readonly AgentNode[];
    },
  ) {}

  changed(name: string, app: App | undefined): void {
    const before = this.promised.get(name);
    if (before === undefined) return;
    if (app === undefined) this.promised.delete(name);
    else this.promised.set(name, lower(before, app));
  }

  check(): void {
    const { observer, world, agents } = this.parts;
    const running = new Map<string, number>();
    for (const { host, name: agent } of agents) {
      const here = new Set<string>();
      for (const task of host.running()) {
        const name = nameOf(task);
        running.set(name, (running.get(name) ?? 0) + 1);
        const isDaemon = observer.apps.get(name)?.workload === 'daemon';
        if (isDaemon && here.has(name)) world.violate(`${name} runs twice on ${agent}`);
        here.add(name);
      }
    }
    for (const [name, promise] of this.promised) {
      const least = Math.ceil(promise.instances * promise.share - EPSILON);
      const now = running.get(name) ?? 0;
      if (now < least) world.violate(`${name}: ${now} run where at least ${least} must`);
    }
    const busy = new Set(
      [...observer.deployments.values()]
        .filter(({ state }) => state === 'Running')
        .flatMap(({ affectedApps }) => affectedApps as readonly string[]),
    );
    for (const app of observer.apps.values()) {
      // A daemon is replaced in place, one at a time at least.
      if (app.workload === 'daemon') continue;
      if (busy.has(app.id) || running.get(app.id) !== app.instances) continue;
      const share = app.upgradeStrategy.minimumHealthCapacity;
      this.promised.set(app.id, { instances: app.instances, share });
    }
  }
}

const lower = (before: Floor, app: App): Floor => ({
  instances: Math.min(before.instances, app.instances),
  share: Math.min(before.share, app.upgradeStrategy.minimumHealthCapacity),
});

const nameOf = (task: string): string => `/${task.split('.instance-')[0] ?? ''}`;
