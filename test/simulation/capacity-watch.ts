import type { App } from '#core';
import type { AgentNode } from './agent-node.js';
import type { Observer } from './observer.js';
import type { World } from './world.js';

const EPSILON = 1e-9;

interface Floor {
  readonly instances: number;
  readonly share: number;
  readonly atMost: number;
}

/**
 * While nothing fails, a rollout must not take more away than it was allowed to. The promise for an app that has
 * settled is its count times minimumHealthCapacity; a change can only lower it until the app has settled again. What
 * cannot exist twice, a daemon on an agent and what is reserved, is replaced in place, one at a time at least.
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
    else this.promised.set(name, lower(before, app, matchingAgents(app, this.parts.agents)));
  }

  check(): void {
    const { observer, world, agents } = this.parts;
    const running = new Map<string, number>();
    for (const { host, name: agent } of agents) {
      const here = new Set<string>();
      for (const task of host.running()) {
        const name = observer.appOf(task) ?? '';
        running.set(name, (running.get(name) ?? 0) + 1);
        const isDaemon = observer.definitionOf(task)?.workload === 'daemon';
        if (isDaemon && here.has(name)) world.violate(`${name} runs twice on ${agent}`);
        here.add(name);
      }
    }
    for (const [name, promise] of this.promised) {
      const wanted = Math.ceil(promise.instances * promise.share - EPSILON);
      const least = Math.min(wanted, promise.atMost);
      const now = running.get(name) ?? 0;
      if (now < least) world.violate(`${name}: ${now} run where at least ${least} must`);
    }
    const busy = new Set(
      [...observer.deployments.values()]
        .filter(({ state }) => state === 'Running')
        .flatMap(({ affectedApps }) => affectedApps as readonly string[]),
    );
    for (const app of observer.apps.values()) {
      if (app.workload === 'job' || busy.has(app.id)) continue;
      const count = running.get(app.id) ?? 0;
      const isSettled =
        app.workload === 'daemon' ? count === matchingAgents(app, agents) : count === app.instances;
      if (isSettled) this.promised.set(app.id, floorOf(app, count));
    }
  }
}

/** Agents the rules of a daemon let it run on. */
export const matchingAgents = (app: App, agents: readonly AgentNode[]): number =>
  agents.filter(({ name }) =>
    app.constraints.every(([, operator, value]) => operator !== 'UNLIKE' || value !== name),
  ).length;

function floorOf({ upgradeStrategy, workload, residency }: App, instances: number): Floor {
  const share = upgradeStrategy.minimumHealthCapacity;
  const isInPlace = workload === 'daemon' || residency !== undefined;
  return { instances, share, atMost: isInPlace ? instances - 1 : instances };
}

/** `agents`: those that a daemon may run on. */
function lower(before: Floor, app: App, agents: number): Floor {
  const isDaemon = app.workload === 'daemon';
  const count = isDaemon ? Math.min(before.instances, agents) : app.instances;
  const now = floorOf(app, app.workload === 'job' ? 0 : count);
  return {
    instances: Math.min(before.instances, now.instances),
    share: Math.min(before.share, now.share),
    atMost: Math.min(before.atMost, now.atMost),
  };
}
