import { type App, type Deployment, type Instance, isDormant, isTerminalCondition } from '#core';
import type { Committed, StoredState } from './stored-state.js';
import type { World } from './world.js';

const EPSILON = 1e-9;

/** How far the rollout of an app may go for now, as it is promised. */
type Allowed =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'nothing';
      readonly why: 'it is paused' | 'its canaries are not promoted';
      readonly old: number;
      readonly fresh: number;
    }
  | { readonly kind: 'batch'; readonly fresh: number };

/** A deployment that restarts an app, and has begun to. */
interface Rollout {
  readonly deployment: Deployment;
  readonly app: App;
  readonly original: App | undefined;
  readonly allowed: Allowed;
}

/**
 * What rollouts launch and give up, judged at each transaction: never beyond the maximum, no working instance below the
 * minimum, nothing while it is paused, old ones only as canaries (which need room beside the declared count) and batches allow,
 * and no app before what it depends on.
 */
export class RolloutWatch {
  constructor(
    private readonly parts: {
      readonly world: World;
      readonly stored: StoredState;
      /** Nobody but us would be the cause of its end. */
      readonly isWanted: (task: string) => boolean;
      /** Its process has not ended by itself, whether anybody has heard of that or not. */
      readonly isRunning: (task: string) => boolean;
      /** As the controller that leads knows it; undefined: nothing is known, or it has no checks. */
      readonly isHealthy: (instance: Instance) => boolean | undefined;
    },
  ) {}

  committed(committed: Committed): void {
    const rollouts = this.rolloutsIn(committed);
    for (const { before, after } of committed.instances) {
      if (after === undefined) continue;
      const isLaunched = after.condition === 'Provisioned' && before?.condition !== 'Provisioned';
      if (isLaunched) this.launched(after, rollouts, committed);
      if (before?.condition === 'Running' && isStaying(before) && isGivenUp(after)) {
        this.givenUp(before, rollouts, this.stayingOf(after.appId, committed));
      }
    }
  }

  /** Those that are the same before and after: what is decided in between went by no other. */
  private rolloutsIn({ deployments, apps }: Committed): ReadonlyMap<string, Rollout> {
    const { stored } = this.parts;
    const changed = new Map(deployments.map((pair) => [pair.after?.id, pair.before]));
    const replaced = new Set<string | undefined>(apps.map(({ after }) => after?.id));
    const found = new Map<string, Rollout>();
    for (const deployment of stored.running()) {
      const before = changed.has(deployment.id) ? changed.get(deployment.id) : deployment;
      if (before === undefined) continue;
      for (const id of restartsOf(deployment)) {
        const app = stored.apps.get(id);
        if (app === undefined || replaced.has(id) || !restartsOf(before).includes(id)) continue;
        const original = stored.rootAt(deployment.originalRevision).get(id);
        const allowed = allowedOf(deployment, app, original);
        if (JSON.stringify(allowedOf(before, app, original)) !== JSON.stringify(allowed)) continue;
        found.set(id, { deployment, app, original, allowed });
      }
    }
    return found;
  }

  private launched(
    instance: Instance,
    rollouts: ReadonlyMap<string, Rollout>,
    committed: Committed,
  ): void {
    const { stored, world } = this.parts;
    const app = stored.apps.get(instance.appId) ?? this.toBeStopped(instance.appId);
    const what = `instance ${instance.id} is launched`;
    if (app === undefined) {
      world.violate(`${what}, and nobody declares its app`);
      return;
    }
    this.inItsTurn(instance, app);
    this.byItsRules(instance, what);
    const own = stored.appVersion(instance.appId, instance.appVersion);
    if (app.workload !== undefined || own?.workload !== undefined) return;
    const back = backAfter(instance, committed);
    const alive = stored.instancesOf(app.id).filter((one) => isAlive(one) && !back.has(one.id));
    const rollout = rollouts.get(app.id);
    const most = this.mostOf(app, rollout);
    if (alive.length > most) {
      world.violate(`${what}: ${alive.length} of ${app.id} exist and at most ${most} may`);
    }
    if (rollout === undefined || !this.isFresh(instance, app)) return;
    const { allowed } = rollout;
    if (allowed.kind === 'all') return;
    const fresh = alive.filter(
      (one) => isStaying(one) && this.isFresh(one, app) && !this.isToBeReplaced(one),
    );
    if (fresh.length > allowed.fresh) {
      world.violate(
        `${what}: ${fresh.length} of ${app.id} are new and ${allowed.fresh} may be (${allowed.kind})`,
      );
    }
  }

  /** Nobody declares it any more, and what depends on it goes first: until its turn it is kept as it was. */
  private toBeStopped(id: string): App | undefined {
    const { stored } = this.parts;
    const original = stored
      .running()
      .flatMap(({ steps, currentStep, underWay, originalRevision }) => {
        const position = steps.findIndex(({ actions }) =>
          actions.some(({ kind, app }) => kind === 'StopApplication' && app === id),
        );
        const hasBegun = underWay?.some((app) => app === id) ?? position === currentStep;
        if (position < currentStep || hasBegun) return [];
        return stored.rootAt(originalRevision).get(id) ?? [];
      });
    return original[0];
  }

  /** By definitions that apply: of before, where a deployment has to do with the app, as its turn may not have come. */
  private mostOf(app: App, rollout: Rollout | undefined): number {
    const { stored } = this.parts;
    const about = stored.running().filter(({ affectedApps }) => affectedApps.includes(app.id));
    const before = about.flatMap(
      ({ originalRevision }) => stored.rootAt(originalRevision).get(app.id) ?? [],
    );
    const most = Math.max(...[app, ...before].map(maximumOf));
    const allowed = rollout?.allowed;
    const held = allowed?.kind === 'nothing' ? allowed.old + allowed.fresh : 0;
    const paused = about.map(({ pause }) => pause?.held[app.id]);
    const stopped = paused.map((one) => (one === undefined ? 0 : one.old + one.fresh));
    return Math.max(most, held, ...stopped);
  }

  /** What it depends on comes first, and its own step only then. */
  private inItsTurn(instance: Instance, app: App): void {
    const { stored, world } = this.parts;
    if (!this.isFresh(instance, app)) return;
    for (const deployment of stored.running()) {
      const { steps, currentStep, originalRevision, id, underWay = [] } = deployment;
      const position = steps.findIndex((step) =>
        step.actions.some((action) => action.app === app.id && action.kind !== 'StartApplication'),
      );
      const original = stored.rootAt(originalRevision).get(app.id);
      const isSame =
        original?.versionInfo.lastConfigChangeAt === app.versionInfo.lastConfigChangeAt;
      if (position < 0 || isSame) continue;
      // Along dependencies an app may begin before its step.
      if (position >= currentStep && !underWay.includes(app.id)) {
        world.violate(
          `${app.id} is launched in step ${currentStep} of ${id}, and its turn (${position}) has not come`,
        );
      }
      const late = steps.slice(position).flatMap(({ actions }) => actions);
      const early = late.find(
        (action) => action.app !== app.id && dependsOn(app, action.app) && !isNoWork(action.kind),
      );
      if (early === undefined) continue;
      world.violate(`${app.id} is launched, and ${early.app}, which it depends on, not before it`);
    }
  }

  private byItsRules(instance: Instance, what: string): void {
    const { stored, world } = this.parts;
    const app = stored.appVersion(instance.appId, instance.appVersion);
    if (app === undefined) return;
    const host = instance.placement?.hostname;
    const here = stored
      .instancesOf(app.id)
      .filter((one) => isAlive(one) && one.placement?.hostname === host);
    // Old ones that are about to be replaced are in nobody's way.
    const alike = here.filter((one) => stored.configOf(one) === stored.configOf(instance));
    for (const [, operator, value = ''] of app.constraints) {
      const isBroken =
        (operator === 'MAX_PER' && alike.length > Number(value)) ||
        (operator === 'UNLIKE' && host === value);
      if (isBroken) world.violate(`${what} on ${host} against ${operator} ${value}`);
    }
    const onAgent = here.filter((one) => one.placement?.agentId === instance.placement?.agentId);
    if (app.workload === 'daemon' && onAgent.length > 1) {
      world.violate(`${what} on ${host}, where another one of the daemon is`);
    }
  }

  /** We end an instance that runs and was to stay. */
  private givenUp(
    instance: Instance,
    rollouts: ReadonlyMap<string, Rollout>,
    staying: readonly Instance[],
  ): void {
    const { world } = this.parts;
    const rollout = rollouts.get(instance.appId);
    if (rollout === undefined || this.isToBeReplaced(instance)) return;
    const { app, allowed, deployment } = rollout;
    const what = `${instance.id}, which runs, is given up by ${deployment.id}`;
    const isOld = !this.isFresh(instance, app);
    if (allowed.kind === 'nothing') {
      const old = staying.filter((one) => !this.isFresh(one, app)).length;
      // What is left of canaries that these take the place of makes room for them.
      const isSurplus = isOld && old >= allowed.old && allowed.why !== 'it is paused';
      if (!isSurplus) world.violate(`${what}: ${allowed.why}`);
    }
    if (app.workload !== undefined) return;
    if (allowed.kind === 'batch' && isOld) {
      const old = staying.filter((one) => !this.isFresh(one, app)).length;
      const least = app.instances - allowed.fresh;
      if (old < least) world.violate(`${what}: ${old} old ones are left in a batch, not ${least}`);
    }
    if (!this.isServing(instance, app)) return;
    const serving = staying.filter((one) => this.isServing(one, app)).length;
    const least = minimumOf(app);
    if (serving < least) world.violate(`${what}: ${serving} serve and at least ${least} must`);
  }

  /**
   * What is left to an app. One transaction holds what was decided and what was heard a moment later: an instance that
   * was not given up in it, and is on its way out or gone at its end, was there when others were given up.
   */
  private stayingOf(app: string, { instances }: Committed): readonly Instance[] {
    const lost = instances.flatMap(({ before, after }) => {
      const isLost = before?.appId === app && isStaying(before) && !isGivenUp(after);
      return isLost && (after === undefined || after.condition !== 'Running') ? [before] : [];
    });
    const ids = new Set(lost.map(({ id }) => id));
    const others = this.parts.stored.instancesOf(app).filter(({ id }) => !ids.has(id));
    return [...others.filter(isStaying), ...lost];
  }

  /** What fails its checks is replaced whatever holds a rollout, and so is what ended and is still believed to run. */
  private isToBeReplaced({ taskId, condition }: Instance): boolean {
    const { isWanted, isRunning } = this.parts;
    return !isWanted(taskId) || (condition === 'Running' && !isRunning(taskId));
  }

  private isFresh(instance: Instance, app: App): boolean {
    return this.parts.stored.configOf(instance) === app.versionInfo.lastConfigChangeAt;
  }

  private isServing(instance: Instance, app: App): boolean {
    if (instance.condition !== 'Running') return false;
    const own = this.parts.stored.appVersion(app.id, instance.appVersion) ?? app;
    return own.healthChecks.length === 0 || this.parts.isHealthy(instance) === true;
  }
}

/** Given up for lost, and heard of again in the same transaction, but only after this one was launched. */
function backAfter({ id }: Instance, { instances, conditions }: Committed): ReadonlySet<string> {
  const back = instances.flatMap(({ before, after }) =>
    before?.condition === 'UnreachableInactive' && after !== undefined ? [after.id] : [],
  );
  if (back.length === 0) return new Set();
  const told = conditions();
  const launchedAt = told.findIndex((one) => one.instanceId === id);
  return new Set(
    back.filter((one) => told.findIndex(({ instanceId }) => instanceId === one) > launchedAt),
  );
}

/** Apps it restarts now. Along dependencies one may begin before its step; older rows do not say which have. */
const restartsOf = ({ steps, currentStep, underWay }: Deployment): readonly string[] =>
  steps.flatMap(({ actions }, step) =>
    actions
      .filter(({ kind }) => kind === 'RestartApplication' && step >= currentStep)
      .map(({ app }) => app)
      .filter((app) => underWay?.includes(app) ?? step === currentStep),
  );

function allowedOf(
  { pause, progress, rollbackOf }: Deployment,
  app: App,
  original: App | undefined,
): Allowed {
  const held = pause?.held[app.id];
  const hasOlder = original !== undefined && isOther(original, app);
  if (held !== undefined) {
    const fresh = hasOlder ? held.fresh : held.old + held.fresh;
    return { kind: 'nothing', why: 'it is paused', old: held.old, fresh };
  }
  const { canary, batches } = app.rollout ?? {};
  if (original === undefined || rollbackOf !== undefined) return { kind: 'all' };
  const mine = progress?.[app.id];
  const canaries = Math.min(canary?.instances ?? 0, app.instances);
  if (canaries > 0 && mine?.isPromoted !== true) {
    const why = 'its canaries are not promoted' as const;
    const { instances } = original;
    const fresh = hasOlder ? canaries : instances + canaries;
    return { kind: 'nothing', why, old: instances, fresh };
  }
  // Finishing what another deployment left there is no older definition to launch.
  if (!hasOlder) return { kind: 'all' };
  const done = mine?.batches ?? 0;
  if (batches === undefined || done >= batches.length) return { kind: 'all' };
  const fresh = batches.slice(0, done + 1).reduce((sum, count) => sum + count, canaries);
  return fresh >= app.instances ? { kind: 'all' } : { kind: 'batch', fresh };
}

const isOther = (original: App, app: App): boolean =>
  original.versionInfo.lastConfigChangeAt !== app.versionInfo.lastConfigChangeAt;

const isAlive = (instance: Instance): boolean =>
  !isDormant(instance) &&
  !isTerminalCondition(instance.condition) &&
  instance.condition !== 'UnreachableInactive';

const isStaying = (instance: Instance): boolean =>
  isAlive(instance) && instance.goal === 'Running' && instance.draining === undefined;

/** By us: it is to end. */
const isGivenUp = (after: Instance | undefined): boolean =>
  after !== undefined && (after.goal !== 'Running' || after.draining !== undefined);

const plainMaximum = ({ instances, upgradeStrategy }: App): number =>
  Math.floor(instances * (1 + upgradeStrategy.maximumOverCapacity) + EPSILON);

const plainMinimum = ({ instances, upgradeStrategy }: App): number =>
  Math.ceil(instances * upgradeStrategy.minimumHealthCapacity - EPSILON);

/** One more where nothing could move otherwise, but for what is reserved, of which one fewer may serve. */
function maximumOf(app: App): number {
  const isStuck = plainMinimum(app) >= plainMaximum(app) && app.residency === undefined;
  return plainMaximum(app) + (isStuck ? 1 : 0);
}

function minimumOf(app: App): number {
  const isStuck = plainMinimum(app) >= plainMaximum(app) && app.residency !== undefined;
  return Math.max(0, isStuck ? plainMaximum(app) - 1 : plainMinimum(app));
}

const dependsOn = (app: App, other: string): boolean =>
  app.dependencies.includes(other) || (isUnder(app.id, '/high') && isUnder(other, '/low'));

const isNoWork = (kind: string): boolean => kind === 'StartApplication';

const isUnder = (id: string, group: string): boolean => id.startsWith(`${group}/`);
