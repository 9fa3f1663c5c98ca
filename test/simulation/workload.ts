import { type App, appId } from '#core';
import type { RootChange } from '../../apps/controller/src/engine/controller-engine.port.js';
import { anApp } from '../support/store-fixtures.js';
import type { ControllerNode } from './controller-node.js';
import type { Observer } from './observer.js';
import type { World } from './world.js';

const STRATEGIES = [
  { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  { minimumHealthCapacity: 1, maximumOverCapacity: 0 },
  { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
  { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.2 },
  { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
];
const MAX_INSTANCES = 4;
const NO_ANSWER_MS = 20_000;
const DAEMON = { workload: 'daemon', instances: 1 } as const;

/** The fourth app, where there are so many, runs on every agent. */
const isDaemon = (name: string): boolean => name === '/app-4';

/** One client that changes a few apps, one request at a time, and remembers what it was promised. */
export class Workload {
  private readonly names: readonly string[];
  /** By app: what was acknowledged last, then everything asked for since, as texts. Only these may be stored. */
  private readonly possible = new Map<string, string[]>();
  private number = 0;
  private isBusy = false;
  accepted = 0;

  constructor(
    private readonly parts: {
      readonly world: World;
      readonly controllers: readonly ControllerNode[];
      readonly observer: Observer;
      readonly onAccepted: (name: string, app: App | undefined) => void;
      readonly isGentle: boolean;
    },
  ) {
    const count = parts.world.random.workload.integer(1, 4);
    this.names = Array.from({ length: count }, (_, index) => `/app-${index + 1}`);
  }

  /** Makes one change, unless the last one is still under way. */
  async step(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    const { workload } = this.parts.world.random;
    const name = workload.pick(this.names);
    const current = this.parts.observer.apps.get(name);
    const drawn = workload.next();
    if (current === undefined) await this.put(name, this.newApp(name));
    else if (drawn < 0.3) await this.put(name, this.upgraded(current));
    else if (drawn < 0.6) {
      const instances = workload.integer(0, MAX_INSTANCES);
      await this.put(name, { ...current, instances, ...(isDaemon(name) ? DAEMON : {}) });
    } else if (drawn < 0.7) await this.remove(name);
    else if (drawn < 0.85 || this.parts.isGentle) await this.put(name, current, { restart: true });
    else if (drawn < 0.95) await this.kill(name);
    else await this.rollBack();
    this.isBusy = false;
  }

  /** Whether everything that was acknowledged is stored, or something asked for later. */
  check(): void {
    for (const [name, texts] of this.possible) {
      const stored = toText(this.parts.observer.apps.get(name));
      if (texts.includes(stored)) continue;
      this.parts.world.violate(`${name}: acknowledged was ${texts[0]}, stored is ${stored}`);
    }
  }

  private newApp(name: string): App {
    const { workload } = this.parts.world.random;
    const ports = workload.integer(0, 2);
    const agentCheck = workload.chance(0.4);
    const ownCheck = !agentCheck && workload.chance(0.3);
    return anApp(name, {
      instances: workload.integer(0, MAX_INSTANCES),
      cpus: workload.pick([0.1, 0.25, 0.5]),
      mem: workload.pick([32, 64, 128]),
      portDefinitions: Array.from(
        { length: Math.max(ports, agentCheck || ownCheck ? 1 : 0) },
        () => ({
          port: 0,
          protocol: 'tcp',
          labels: {},
        }),
      ),
      healthChecks: agentCheck || ownCheck ? [healthCheck(agentCheck ? 'MESOS_HTTP' : 'HTTP')] : [],
      upgradeStrategy: workload.pick(STRATEGIES),
      killSelection: workload.pick(['YOUNGEST_FIRST', 'OLDEST_FIRST'] as const),
      maxLaunchDelaySeconds: 20,
      unreachableStrategy: workload.pick([
        { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
        { inactiveAfterSeconds: 5, expungeAfterSeconds: 20 },
        { inactiveAfterSeconds: 0, expungeAfterSeconds: 60 },
      ]),
      ...(workload.chance(0.2) ? { constraints: [['hostname', 'MAX_PER', '2'] as const] } : {}),
      ...(isDaemon(name) ? DAEMON : {}),
    });
  }

  private upgraded(app: App): App {
    const { workload } = this.parts.world.random;
    const isResized = workload.chance(0.3);
    return {
      ...app,
      cpus: workload.pick([0.1, 0.25, 0.5]),
      upgradeStrategy: workload.pick(STRATEGIES),
      labels: { revision: String(this.number) },
      instances: isResized ? workload.integer(0, MAX_INSTANCES) : app.instances,
      ...(isDaemon(app.id) ? DAEMON : {}),
    };
  }

  private async put(
    name: string,
    app: App,
    options: { readonly restart?: boolean } = {},
  ): Promise<void> {
    const { workload } = this.parts.world.random;
    const change: RootChange = {
      apply: () => ({ ...noDelta, putApps: [app] }),
      force: workload.chance(this.parts.isGentle ? 0.1 : 0.4),
      ...(options.restart ? { restart: [appId(name)] } : {}),
    };
    await this.send(change, { what: options.restart ? 'restart' : 'put', name, app });
  }

  private async remove(name: string): Promise<void> {
    const change: RootChange = {
      apply: (root) => ({
        ...noDelta,
        removeApps: root.apps.has(appId(name)) ? [appId(name)] : [],
      }),
      force: this.parts.world.random.workload.chance(0.5),
    };
    await this.send(change, { what: 'remove', name, app: undefined });
  }

  private async kill(name: string): Promise<void> {
    const { observer, world } = this.parts;
    const victim = [...observer.instances.values()].find((instance) => instance.appId === name);
    if (victim === undefined) return;
    world.trace.add('client', `kill ${victim.id}`);
    observer.survival.mayEnd(victim.taskId, 'a client killed it');
    await this.atLeader((node) => node.engine?.killInstances([victim.id], { wipe: false }));
  }

  private async rollBack(): Promise<void> {
    const running = [...this.parts.observer.deployments.values()].find(
      ({ state }) => state === 'Running',
    );
    if (running === undefined) return;
    this.parts.world.trace.add('client', `roll back ${running.id}`);
    for (const id of running.affectedApps) this.possible.delete(id);
    await this.atLeader((node) => node.engine?.cancelDeployment(running.id, { force: false }));
    // What it was before is anybody's guess; what is stored now is not.
    for (const id of running.affectedApps) this.possible.delete(id);
  }

  private async send(
    change: RootChange,
    about: { readonly what: string; readonly name: string; readonly app: App | undefined },
  ): Promise<void> {
    const { world, onAccepted } = this.parts;
    const { name, app } = about;
    this.number += 1;
    const number = `#${this.number}`;
    const size = app === undefined ? '' : ` x${app.instances}`;
    const force = change.force ? ', by force' : '';
    world.trace.add('client', `${number} ${about.what} ${name}${size}${force}`);
    this.possible.get(name)?.push(toText(app));
    const outcome = await this.atLeader((node) => node.engine?.changeRoot(change));
    world.trace.add('client', `${number} ${outcome?.kind ?? 'got no answer'}`);
    if (outcome?.kind !== 'accepted') return;
    this.accepted += 1;
    this.possible.set(name, [toText(app)]);
    onAccepted(name, app);
    this.check();
  }

  /** Undefined: refused, or the connection broke and nobody knows. */
  private atLeader<Result>(
    ask: (node: ControllerNode) => Promise<Result> | undefined,
  ): Promise<Result | undefined> {
    const { world, controllers } = this.parts;
    const node = controllers.find(({ isLeading }) => isLeading);
    return new Promise((resolve) => {
      const cancel = world.after(NO_ANSWER_MS, () => resolve(undefined));
      const finish = (result: Result | undefined) =>
        world.after(1, () => {
          cancel();
          resolve(result);
        });
      if (node === undefined) return void finish(undefined);
      node.process.onEnd(() => finish(undefined));
      node.process.enter(() => {
        const asked = ask(node);
        if (asked === undefined) finish(undefined);
        else {
          asked.then(
            (result) => finish(result),
            (error: unknown) => {
              world.trace.add('client', `refused: ${String(error)}`);
              finish(undefined);
            },
          );
        }
      });
    });
  }
}

const noDelta = { putApps: [], removeApps: [], putGroups: [], removeGroups: [] };

const healthCheck = (protocol: 'HTTP' | 'MESOS_HTTP'): App['healthChecks'][number] => ({
  protocol,
  path: '/',
  portIndex: 0,
  gracePeriodSeconds: 10,
  intervalSeconds: 2,
  timeoutSeconds: 1,
  maxConsecutiveFailures: 2,
  delaySeconds: 0,
  ignoreHttp1xx: false,
  ipProtocol: 'IPv4',
});

/** Everything a client decides of an app. */
const toText = (app: App | undefined): string =>
  app === undefined ? 'nothing' : JSON.stringify({ ...app, version: '', versionInfo: '' });
