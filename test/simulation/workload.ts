import { type App, appId, type Deployment, type Group, groupId, type RootDelta } from '#core';
import type { RootChange } from '../../apps/controller/src/engine/controller-engine.port.js';
import { aGroup } from '../support/store-fixtures.js';
import { Acknowledged } from './acknowledged.js';
import { AppShapes, type Kind, kindOf } from './app-shapes.js';
import type { ControllerNode } from './controller-node.js';
import { askLeader } from './leader-client.js';
import type { Observer } from './observer.js';
import { Steering } from './steering.js';
import type { World } from './world.js';

const MAX_APPS = 4;
/** Apps of the second run after those of the first. */
const GROUPS = ['/low', '/high'] as const;

const PATIENT = { deadlineSeconds: 100_000, maxFailures: 1_000 };

export interface WorkloadParts {
  readonly world: World;
  readonly controllers: readonly ControllerNode[];
  readonly observer: Observer;
  readonly onAccepted: (name: string, app: App | undefined) => void;
  readonly isGentle: boolean;
}

interface Member {
  readonly name: string;
  readonly kind: Kind;
  readonly dependencies: readonly string[];
}

/** One client that changes a few apps, one request at a time, and remembers what it was promised. */
export class Workload {
  readonly acknowledged: Acknowledged;
  readonly steering: Steering;
  private readonly shapes: AppShapes;
  private readonly members: readonly Member[];
  private number = 0;
  private isBusy = false;
  accepted = 0;

  constructor(private readonly parts: WorkloadParts) {
    const { world, observer, isGentle } = parts;
    this.acknowledged = new Acknowledged(world, observer);
    this.steering = new Steering(parts);
    this.shapes = new AppShapes(world.random.workload, isGentle);
    this.members = this.drawMembers();
  }

  /** Makes one change, unless the last one is still under way. */
  async step(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    await this.act();
    this.isBusy = false;
  }

  /** Whether everything that was acknowledged is stored, or something asked for later. */
  check(): void {
    this.acknowledged.check();
  }

  /** Declares an app again as it is, without limits that could end it: what a deployment left half done is finished. */
  async declareAgain(app: App): Promise<void> {
    await this.send({ what: 'declare again', apps: [[app.id, app]], force: true, limits: PATIENT });
  }

  /** Runs a job again which has failed. */
  async runAgain(app: App): Promise<void> {
    const apps = [[app.id, app]] as const;
    await this.send({ what: 'run again', apps, restart: true, force: true, limits: PATIENT });
  }

  private drawMembers(): readonly Member[] {
    const { workload } = this.parts.world.random;
    const count = workload.integer(1, MAX_APPS);
    const members: Member[] = [];
    for (let index = 0; index < count; index += 1) {
      const group = workload.pick(GROUPS);
      const kind = drawKind(workload.next());
      // Of those before it alone, so that no cycle can come about; the groups have an order of their own.
      const dependencies = members
        .map(({ name }) => name)
        .filter((name) => name.startsWith(group) && workload.chance(0.25));
      members.push({ name: `${group}/app-${index + 1}`, kind, dependencies });
    }
    return members;
  }

  private async act(): Promise<void> {
    const { workload } = this.parts.world.random;
    const member = workload.pick(this.members);
    const current = this.parts.observer.apps.get(member.name);
    const drawn = workload.next();
    if (drawn < 0.1) return await this.changeSeveral();
    if (drawn < 0.25) return await this.steer(workload.next());
    if (current === undefined) return await this.put(this.first(member));
    if (drawn < 0.42) await this.put(this.shapes.upgraded(current, this.number), 'upgrade');
    else if (drawn < 0.5) await this.put(this.shapes.edited(current, this.number), 'edit');
    else if (drawn < 0.68) await this.scale(current);
    else if (drawn < 0.76) await this.send({ what: 'remove', apps: [[member.name, undefined]] });
    else if (drawn < 0.88 || this.parts.isGentle) {
      await this.send({ what: 'restart', apps: [[current.id, current]], restart: true });
    } else await this.kill(current);
  }

  private first({ name, kind, dependencies }: Member): App {
    return this.shapes.first(name, kind, dependencies);
  }

  private async put(app: App, what = 'put'): Promise<void> {
    await this.send({ what, apps: [[app.id, app]] });
  }

  private async scale(app: App): Promise<void> {
    const instances = this.shapes.instances(kindOf(app));
    await this.put({ ...app, instances }, 'scale');
  }

  /** A group with some of its apps: those that are there change, others begin. */
  private async changeSeveral(): Promise<void> {
    const { observer, world } = this.parts;
    const chosen = this.members.filter(() => world.random.workload.chance(0.7));
    const apps = chosen.map((member): readonly [string, App] => {
      const current = observer.apps.get(member.name);
      const app =
        current === undefined ? this.first(member) : this.shapes.upgraded(current, this.number);
      return [member.name, app];
    });
    if (apps.length > 0) await this.send({ what: 'group', apps });
  }

  /** What is told to a deployment under way, if there is one. */
  private async steer(drawn: number): Promise<void> {
    const { observer, world } = this.parts;
    const running = [...observer.deployments.values()].filter(({ state }) => state === 'Running');
    if (running.length === 0) return;
    const deployment = world.random.workload.pick(running);
    if (drawn < 0.25) await this.steering.pause(deployment.id);
    else if (drawn < 0.55) await this.steering.resume(deployment.id);
    else if (drawn < 0.8) await this.steering.promote(deployment.id);
    else await this.abort(deployment, { force: drawn > 0.95 });
  }

  async abort(deployment: Deployment, options: { readonly force: boolean }): Promise<void> {
    this.parts.world.trace.add('client', `${options.force ? 'stop' : 'abort'} ${deployment.id}`);
    await askLeader(this.parts, (node) => node.engine?.cancelDeployment(deployment.id, options));
  }

  private async kill(app: App): Promise<void> {
    const { observer, world } = this.parts;
    const { workload } = world.random;
    const victim = [...observer.instances.values()].find(
      (instance) => instance.appId === app.id && instance.goal === 'Running',
    );
    if (victim === undefined) return;
    observer.mayEndInstance(victim, 'a client killed it');
    const isScaling = workload.chance(0.3) && app.instances > 0 && app.workload !== 'daemon';
    if (isScaling) {
      const fewer = { ...app, instances: app.instances - 1 };
      const sentenced = [victim.id];
      await this.send({ what: `kill ${victim.id} and scale`, apps: [[app.id, fewer]], sentenced });
      return;
    }
    const wipe = workload.chance(0.1);
    world.trace.add('client', `kill ${victim.id}${wipe ? ', wiping it' : ''}`);
    await askLeader(this.parts, (node) => node.engine?.killInstances([victim.id], { wipe }));
  }

  private async send(about: {
    readonly what: string;
    readonly apps: readonly (readonly [string, App | undefined])[];
    readonly restart?: boolean;
    readonly force?: boolean;
    readonly sentenced?: RootChange['sentenced'];
    readonly limits?: RootChange['limits'];
  }): Promise<void> {
    const { world, onAccepted, observer } = this.parts;
    const { apps, what, sentenced, limits } = about;
    const force = about.force ?? world.random.workload.chance(this.parts.isGentle ? 0.1 : 0.4);
    this.number += 1;
    const number = `#${this.number}`;
    const names = apps.map(([name, app]) => `${name}${app === undefined ? '' : describe(app)}`);
    world.trace.add('client', `${number} ${what} ${names.join(', ')}${force ? ', by force' : ''}`);
    for (const [name, app] of apps) this.acknowledged.asked(name, app);
    const change: RootChange = {
      apply: (root, version) => toDelta(root.groups, apps, { root: root.apps, version }),
      force,
      ...(about.restart === true ? { restart: apps.map(([name]) => appId(name)) } : {}),
      ...(sentenced === undefined ? {} : { sentenced }),
      ...(limits === undefined ? {} : { limits }),
    };
    const outcome = await askLeader(this.parts, (node) => node.engine?.changeRoot(change));
    world.trace.add('client', `${number} ${outcome?.kind ?? 'got no answer'}`);
    if (outcome?.kind !== 'accepted') return;
    this.accepted += 1;
    const isUndone = observer.deployments.get(outcome.deploymentId)?.rolledBackBy !== undefined;
    for (const [name, app] of apps) {
      this.acknowledged.accepted(name, app, isUndone);
      onAccepted(name, app);
    }
    this.check();
  }
}

function drawKind(drawn: number): Kind {
  if (drawn < 0.5) return 'service';
  if (drawn < 0.65) return 'daemon';
  if (drawn < 0.82) return 'job';
  return 'resident';
}

/** The groups an app needs are made with it. */
function toDelta(
  groups: ReadonlyMap<string, Group>,
  apps: readonly (readonly [string, App | undefined])[],
  about: { readonly root: ReadonlyMap<string, App>; readonly version: string },
): RootDelta {
  const putApps = apps.flatMap(([, app]) => (app === undefined ? [] : [app]));
  const needed = GROUPS.filter((group) => putApps.some(({ id }) => id.startsWith(`${group}/`)));
  return {
    putApps,
    removeApps: apps.flatMap(([name, app]) =>
      app === undefined && about.root.has(name) ? [appId(name)] : [],
    ),
    putGroups: needed
      .filter((group) => !groups.has(groupId(group)))
      .map((group) => {
        const dependencies = group === '/high' ? ['/low'] : [];
        return aGroup(group, { dependencies, version: about.version });
      }),
    removeGroups: [],
  };
}

const describe = (app: App): string => {
  const { canary, batches, deadlineSeconds, maxFailures, autoRollback } = app.rollout ?? {};
  const words = [
    ` x${app.instances} ${kindOf(app)}`,
    canary === undefined ? '' : ` canary ${canary.instances}`,
    batches === undefined ? '' : ` batches ${batches.join('+')}`,
    deadlineSeconds === undefined ? '' : ` within ${deadlineSeconds} s`,
    maxFailures === undefined ? '' : ` ${maxFailures} failures`,
    autoRollback === undefined ? '' : autoRollback ? ' rolling back' : ' not rolling back',
  ];
  return words.join('');
};
